"""Calls and tallies from the retained topics, by their arrival."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable

from connectors.kafka import (
    AIOKafkaConsumer,
    KafkaError,
    KafkaSettings,
    TopicPartition,
    describe_topics,
    new_consumer,
)
from schemas import topics
from schemas.errors import ConfigError, RetryableError
from streams.backtest.rows import Row

_PATIENCE_MS = 500
_AT_ONCE = 5_000
_WAITING = 20_000
"""A partition that is so far ahead of the others waits for them."""


async def read_rows(
    kafka: KafkaSettings, from_ms: int | None, to_ms: int | None
) -> AsyncIterator[Row]:
    """Give what arrived in a stretch of time, merged over topics and partitions.

    Raises:
        RetryableError: Kafka cannot be reached.
        ConfigError: the topics are not there.
    """
    consumer = new_consumer(kafka)
    try:
        await consumer.start()
    except KafkaError as error:
        await consumer.stop()
        raise RetryableError(
            f"no Kafka at {kafka.bootstrap_servers}: start one with `callstreams broker`, "
            "or set KAFKA_BOOTSTRAP_SERVERS"
        ) from error
    try:
        ends = await _seek(consumer, kafka, from_ms, to_ms)
        merge = _Merge(ends)
        while not merge.done:
            for place in ends:
                (consumer.pause if merge.is_full(place) else consumer.resume)(place)
            found = await consumer.getmany(timeout_ms=_PATIENCE_MS, max_records=_AT_ONCE)
            for place, messages in found.items():
                merge.add(place, messages)
            for place in ends:
                merge.set_position(place, await consumer.position(place))
            for row in merge.ready():
                yield row
    finally:
        await consumer.stop()


class _Merge:
    """Rows of several partitions by arrival; no row is given before the others are known."""

    def __init__(self, ends: dict[TopicPartition, int]) -> None:
        self._ends = ends
        self._rows: dict[TopicPartition, deque[Row]] = {place: deque() for place in ends}
        self._open = set(ends)

    @property
    def done(self) -> bool:
        """Tell whether all has been given."""
        return not self._open and not any(self._rows.values())

    def is_full(self, place: TopicPartition) -> bool:
        """Tell whether a partition is to wait."""
        return place not in self._open or len(self._rows[place]) >= _WAITING

    def add(self, place: TopicPartition, messages: Iterable[Row]) -> None:
        """Take messages in; those that came after the end was asked for are left out."""
        self._rows[place].extend(
            Row(
                place.topic,
                place.partition,
                message.offset,
                message.timestamp,
                message.key,
                message.value,
            )
            for message in messages
            if message.offset < self._ends[place]
        )

    def set_position(self, place: TopicPartition, position: int) -> None:
        """Note how far a partition has been read: to its end, none will come."""
        if position >= self._ends[place]:
            self._open.discard(place)

    def ready(self) -> Iterable[Row]:
        """Give the rows that no row to come can precede."""
        while all(self._rows[place] for place in self._open):
            waiting = [rows for rows in self._rows.values() if rows]
            if not waiting:
                return
            yield min(waiting, key=lambda rows: rows[0].timestamp).popleft()


async def _seek(
    consumer: AIOKafkaConsumer, kafka: KafkaSettings, from_ms: int | None, to_ms: int | None
) -> dict[TopicPartition, int]:
    """Assign the partitions from their beginning in time, and give where each ends."""
    names = [topic.name for topic in (topics.CALLS, topics.TALLIES)]
    states = await describe_topics(kafka, names)
    missing = [name for name in names if name not in states]
    if missing:
        raise ConfigError(f"there is no topic {missing[0]}: callstreams topics create")
    places = [
        TopicPartition(name, number) for name in names for number in range(states[name].partitions)
    ]
    consumer.assign(places)
    ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
    starts: dict[TopicPartition, int] = await consumer.beginning_offsets(places)
    if from_ms is not None:
        starts = await _at(consumer, places, from_ms, ends)
    if to_ms is not None:
        ends = await _at(consumer, places, to_ms, ends)
    for place in places:
        consumer.seek(place, starts[place])
    return {place: ends[place] for place in places if ends[place] > starts[place]}


async def _at(
    consumer: AIOKafkaConsumer,
    places: list[TopicPartition],
    moment_ms: int,
    ends: dict[TopicPartition, int],
) -> dict[TopicPartition, int]:
    found = await consumer.offsets_for_times(dict.fromkeys(places, moment_ms))
    return {
        place: ends[place] if found.get(place) is None else found[place].offset for place in places
    }
