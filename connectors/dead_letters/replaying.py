"""Puts dead letters back to where they came from, once their cause is mended.

An alert goes to the receiver that was not told of it: see `retelling`. Any other record goes back
with the bytes, key and headers that it had, to the partition where it stood. The letter's mark on
`dead-letters` (`schemas.dead_letter.Replayed`) is written in the same Kafka transaction: however a
replay ends, a letter is both replayed and marked, or neither. There is one transactional id for
all replays, and it is taken before the marks are read: of two replays at one time the later stops
the earlier, and knows all that it did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from connectors.accounts import AccountSettings
from connectors.dead_letters.letters import Filter, Place, destination, receiver_of
from connectors.dead_letters.reading import read_letters, read_whole
from connectors.dead_letters.retelling import NOBODY, Hooks, Untold, newest_alerts, retell
from connectors.hooks.intake import partition_for, read_alert
from connectors.ingress.contract import PushedAccount, PushRefused, Reopener
from connectors.kafka import (
    AIOKafkaProducer,
    KafkaError,
    KafkaSettings,
    ProducerFenced,
    create_topics,
    new_producer,
)
from schemas.alert import Alert
from schemas.dead_letter import DeadLetter, Replayed
from schemas.envelope import Headers
from schemas.errors import RetryableError
from schemas.topics import ALERTS, DEAD_LETTERS, NOTICES, raw_topic

_TRANSACTIONAL_ID = "callstreams.dead-letters"
_AT_ONCE = 200


class Outcome(NamedTuple):
    """What a replay has done.

    Attributes:
        replayed: how many letters went back.
        kept_back: those that could not, with the reason.
    """

    replayed: int
    kept_back: tuple[tuple[Place, str], ...]


@dataclass(frozen=True, slots=True)
class _Message:
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    partition: int | None = None


def reopeners(accounts: Iterable[AccountSettings]) -> dict[str, Reopener]:
    """Give what makes records of refused pushes, by the address that takes them."""
    found: dict[str, Reopener] = {}
    for account in accounts:
        receiver = account.receiver() if isinstance(account, PushedAccount) else None
        if receiver is not None and isinstance(receiver, Reopener):
            found[f"/push/{receiver.vendor}/{receiver.account}"] = receiver
    return found


async def replay(
    kafka: KafkaSettings,
    wanted: Filter,
    *,
    pushes: Mapping[str, Reopener],
    hooks: Hooks = NOBODY,
    now: datetime,
    tell: Callable[[int, int], None],
) -> Outcome:
    """Put the letters that are meant back where they came from, and remember it.

    Args:
        kafka: where.
        wanted: which.
        pushes: who makes records of refused pushes; see `reopeners`.
        hooks: who can be told of alerts.
        now: the moment to mark them with.
        tell: is told how many are done, and of how many.

    Raises:
        RetryableError: Kafka cannot be reached, or another replay has begun; what went back
            until then is marked.
    """
    await create_topics(kafka, [ALERTS, NOTICES, DEAD_LETTERS])
    producer = new_producer(kafka, transactional_id=_TRANSACTIONAL_ID)
    try:
        await producer.start()
        return await _Replay(kafka, producer, pushes, hooks, now, tell).run(wanted)
    except ProducerFenced as error:
        raise RetryableError("another replay has begun: see what it leaves") from error
    except KafkaError as error:
        raise RetryableError(f"Kafka did not take it: {type(error).__name__}") from error
    finally:
        await producer.stop()


@dataclass(slots=True)
class _Replay:
    """One replay, and what it has done so far."""

    kafka: KafkaSettings
    producer: AIOKafkaProducer
    pushes: Mapping[str, Reopener]
    hooks: Hooks
    now: datetime
    tell: Callable[[int, int], None]
    replayed: int = 0
    kept_back: list[tuple[Place, str]] = field(default_factory=list)
    batch: list[tuple[Place, DeadLetter, _Message]] = field(default_factory=list)

    async def run(self, wanted: Filter) -> Outcome:
        chosen = set()
        for each in (await read_letters(self.kafka)).all():
            if wanted.takes(each):
                target, why = destination(each.letter, self.pushes, self.hooks.receivers)
                if target is None:
                    self.kept_back.append((each.place, why))
                else:
                    chosen.add(each.place)
        untold: list[Untold] = []
        async with aclosing(read_whole(self.kafka, frozenset(chosen))) as letters:
            async for place, letter in letters:
                if receiver_of(letter) is None:
                    await self._put_back(place, letter, len(chosen))
                elif isinstance(alert := read_alert(letter.value or b""), Alert):
                    untold.append(Untold(place, letter, alert))
                else:
                    self.kept_back.append((place, alert.reason))
        if untold:
            await self._retell(untold, len(chosen))
        await self._send(len(chosen))
        return Outcome(self.replayed, tuple(self.kept_back))

    async def _put_back(self, place: Place, letter: DeadLetter, of: int) -> None:
        try:
            message = _message(letter, self.pushes)
        except PushRefused as refusal:
            self.kept_back.append((place, f"refused still: {refusal.reason}"))
        else:
            await self._add(place, letter, message, of)

    async def _retell(self, untold: list[Untold], of: int) -> None:
        newest = await newest_alerts(self.kafka)
        retold = retell(untold, newest, self.hooks.group, self.now)
        self.kept_back += retold.kept_back
        partitions = len(await self.producer.partitions_for(NOTICES.name))
        for place, letter, notice in retold.notices:
            there = partition_for(notice, partitions)
            message = _Message(NOTICES.name, notice.key, notice.to_json(), [], there)
            await self._add(place, letter, message, of)

    async def _add(self, place: Place, letter: DeadLetter, message: _Message, of: int) -> None:
        self.batch.append((place, letter, message))
        if len(self.batch) == _AT_ONCE:
            await self._send(of)

    async def _send(self, of: int) -> None:
        await _send(self.producer, self.batch, self.now)
        self.replayed += len(self.batch)
        self.batch.clear()
        self.tell(self.replayed, of)


def _message(letter: DeadLetter, pushes: Mapping[str, Reopener]) -> _Message:
    """Make the message that goes back.

    Raises:
        PushRefused: it is a push that cannot be opened.
    """
    if letter.offset < 0:
        record = pushes[letter.topic].reopen(letter.value or b"", letter.failed_at)
        topic = raw_topic(record.vendor, record.feed).name
        return _Message(topic, record.key, record.data, record.headers())
    own = list(letter.record_headers)
    return _Message(letter.topic, letter.record_key, letter.value, own, letter.partition)


async def _send(
    producer: AIOKafkaProducer, batch: list[tuple[Place, DeadLetter, _Message]], now: datetime
) -> None:
    if not batch:
        return
    async with producer.transaction():
        for place, letter, message in batch:
            # a topic that was made anew with fewer partitions has not this one any more
            there = message.partition in await producer.partitions_for(message.topic)
            await producer.send(
                message.topic,
                message.value,
                key=message.key,
                partition=message.partition if there else None,
                headers=message.headers,
            )
            # behind the letter on its own partition, so that it is not deleted before it
            await producer.send(
                DEAD_LETTERS.name,
                None,
                key=letter.key,
                partition=place.partition,
                headers=Replayed(*place, now).headers(),
            )
