"""How everything fares, read from Kafka: sources, groups, tables, alerts, dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from connectors.dead_letters.letters import Letter
from connectors.dead_letters.reading import read_letters
from connectors.kafka import (
    AIOKafkaConsumer,
    GroupState,
    KafkaError,
    TopicPartition,
    create_topics,
    describe_groups,
    describe_topics,
    new_consumer,
)
from schemas import topics
from schemas.alert import Alert, AlertState
from schemas.errors import RetryableError
from schemas.source_status import SourceStatus
from streams.settings import Settings
from streams.topology import changelogs

_POLL_MS = 200
_READ_WHOLE = (topics.SOURCES.name, topics.ALERTS.name)
_SILENT = 3
"""So many times `poller.tell_every` without a word, and a source has no poller."""


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group.

    Attributes:
        what: whose it is.
        lag: how many messages it has yet to read; None where it has said nothing. The marks of
            transactions count as one each.
    """

    name: str
    what: str
    members: int
    lag: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """One look at everything.

    Attributes:
        tables: messages on each changelog and compacted topic: no more than there are keys, once
            Kafka has compacted them.
        silent: the sources that no poller tells of any more.
        alerts: those that are pending or firing, the loudest and oldest first.
        letters: dead letters that were not replayed, the newest first.
    """

    at: datetime
    sources: tuple[SourceStatus, ...]
    silent: frozenset[str]
    groups: tuple[Group, ...]
    tables: Mapping[str, int]
    alerts: tuple[Alert, ...]
    letters: tuple[Letter, ...]

    def letters_since(self, moment: datetime) -> int:
        """Count the open dead letters from a moment on."""
        return sum(each.letter.failed_at >= moment for each in self.letters)


async def read_status(settings: Settings, now: datetime) -> Status:
    """Look at everything once.

    Raises:
        RetryableError: Kafka cannot be reached.
    """
    kafka = settings.kafka
    await create_topics(kafka, [topics.SOURCES, topics.ALERTS])  # the others may be missing yet
    tables = [topic.name for topic in topics.ALL if topic.cleanup is topics.Cleanup.COMPACT]
    tables += [topic.name for topic in changelogs(settings.streams)]
    states = await describe_topics(kafka, tables)
    whose = {
        settings.poller.group: "pollers",
        settings.streams.group: "workers",
        settings.hooks.group: "hooks",
    }
    groups = await describe_groups(kafka, whose)
    ours = {
        TopicPartition(name, number)
        for name, state in states.items()
        for number in range(state.partitions)
    }
    theirs = {place for group in groups for place in group.offsets}
    consumer = new_consumer(kafka)
    try:
        await consumer.start()
        consumer.assign(ours | theirs)
        starts = await consumer.beginning_offsets(ours)
        ends = await consumer.end_offsets(ours | theirs)
        newest = await _read_newest(consumer, ends)
    except KafkaError as error:
        raise RetryableError(f"Kafka did not answer: {type(error).__name__}") from error
    finally:
        await consumer.stop()
    sources = read_sources(newest[topics.SOURCES.name])
    return Status(
        at=now,
        sources=sources,
        silent=silent(sources, settings.poller.tell_every, now),
        groups=tuple(
            Group(each.name, whose[each.name], each.members, lag(each, ends)) for each in groups
        ),
        tables=_sizes(starts, ends),
        alerts=open_alerts(newest[topics.ALERTS.name]),
        letters=tuple(
            each for each in (await read_letters(kafka)).all() if each.replayed_at is None
        ),
    )


def lag(group: GroupState, ends: Mapping[TopicPartition, int]) -> int | None:
    """Tell how many messages a group has yet to read; None where it has said nothing."""
    if not group.offsets:
        return None
    return sum(max(0, ends.get(place, 0) - offset) for place, offset in group.offsets.items())


def read_sources(values: Sequence[bytes]) -> tuple[SourceStatus, ...]:
    """Read the statuses by name; what cannot be read is of another version, and left out."""
    found = []
    for value in values:
        try:
            found.append(SourceStatus.model_validate_json(value))
        except ValidationError:
            continue
    return tuple(sorted(found, key=lambda each: each.name))


def silent(sources: Sequence[SourceStatus], tell_every: timedelta, now: datetime) -> frozenset[str]:
    """Name the sources that no poller tells of any more."""
    return frozenset(each.name for each in sources if now - each.at > _SILENT * tell_every)


def open_alerts(values: Sequence[bytes]) -> tuple[Alert, ...]:
    """Read the alerts that are pending or firing: the loudest first, and of these the oldest."""
    found = []
    for value in values:
        try:
            alert = Alert.model_validate_json(value)
        except ValidationError:
            continue
        if alert.state in (AlertState.FIRING, AlertState.PENDING):
            found.append(alert)
    loud = ["critical", "warning", "info"]
    firing = [AlertState.FIRING, AlertState.PENDING]
    return tuple(
        sorted(
            found,
            key=lambda each: (firing.index(each.state), loud.index(each.severity), each.starts_at),
        )
    )


async def _read_newest(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
) -> dict[str, list[bytes]]:
    """Give the newest value of each key of the topics that are read whole, by topic."""
    places = {place for place in consumer.assignment() if place.topic in _READ_WHOLE}
    consumer.pause(*(consumer.assignment() - places))
    await consumer.seek_to_beginning(*places)
    newest: dict[str, dict[bytes, bytes]] = {name: {} for name in _READ_WHOLE}
    while any([await consumer.position(place) < ends[place] for place in places]):
        for place, records in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
            for record in records:
                newest[place.topic].pop(record.key, None)
                if record.value is not None:
                    newest[place.topic][record.key] = record.value
    return {name: list(found.values()) for name, found in newest.items()}


def _sizes(
    starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> dict[str, int]:
    found: Counter[str] = Counter()
    for place, start in sorted(starts.items()):
        found[place.topic] += ends[place] - start
    return dict(found)
