"""Puts dead letters back to where they came from, once their cause is mended.

The record goes back with the bytes, key and headers that it had, to the partition where it
stood. Its mark on `dead-letters` (`schemas.dead_letter.Replayed`) is written in the same Kafka
transaction: however a replay ends, a letter is both replayed and marked, or neither. There is one
transactional id for all replays, and it is taken before the marks are read: of two replays at one
time the later stops the earlier, and knows all that it did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from connectors.accounts import AccountSettings
from connectors.dead_letters.letters import Filter, Place, destination
from connectors.dead_letters.reading import read_letters, read_whole
from connectors.ingress.contract import PushedAccount, PushRefused, Reopener
from connectors.kafka import (
    AIOKafkaProducer,
    KafkaError,
    KafkaSettings,
    ProducerFenced,
    new_producer,
)
from schemas.dead_letter import DeadLetter, Replayed
from schemas.envelope import Headers
from schemas.errors import RetryableError
from schemas.topics import DEAD_LETTERS, raw_topic

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
    now: datetime,
    tell: Callable[[int, int], None],
) -> Outcome:
    """Put the letters that are meant back where they came from, and remember it.

    Args:
        kafka: where.
        wanted: which.
        pushes: who makes records of refused pushes; see `reopeners`.
        now: the moment to mark them with.
        tell: is told how many are done, and of how many.

    Raises:
        RetryableError: Kafka cannot be reached, or another replay has begun; what went back
            until then is marked.
    """
    producer = new_producer(kafka, transactional_id=_TRANSACTIONAL_ID)
    try:
        await producer.start()
        return await _replay(kafka, producer, wanted, pushes, now, tell)
    except ProducerFenced as error:
        raise RetryableError("another replay has begun: see what it leaves") from error
    except KafkaError as error:
        raise RetryableError(f"Kafka did not take it: {type(error).__name__}") from error
    finally:
        await producer.stop()


async def _replay(
    kafka: KafkaSettings,
    producer: AIOKafkaProducer,
    wanted: Filter,
    pushes: Mapping[str, Reopener],
    now: datetime,
    tell: Callable[[int, int], None],
) -> Outcome:
    chosen, kept_back = set(), []
    for each in (await read_letters(kafka)).all():
        if wanted.takes(each):
            target, why = destination(each.letter, pushes)
            if target is None:
                kept_back.append((each.place, why))
            else:
                chosen.add(each.place)
    replayed = 0
    batch: list[tuple[Place, DeadLetter, _Message]] = []
    async with aclosing(read_whole(kafka, frozenset(chosen))) as letters:
        async for place, letter in letters:
            try:
                batch.append((place, letter, _message(letter, pushes)))
            except PushRefused as refusal:
                kept_back.append((place, f"refused still: {refusal.reason}"))
            if len(batch) == _AT_ONCE:
                await _send(producer, batch, now)
                replayed += len(batch)
                batch.clear()
                tell(replayed, len(chosen))
    await _send(producer, batch, now)
    replayed += len(batch)
    tell(replayed, len(chosen))
    return Outcome(replayed, tuple(kept_back))


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
