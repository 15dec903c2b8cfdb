"""Reads back from Kafka how far a source was read and what it published."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from connectors.kafka import AIOKafkaConsumer, KafkaSettings, TopicPartition, new_consumer
from connectors.poller.memory import Memory
from connectors.poller.unpushed import NONE_FOUND, Found, read_found
from schemas.envelope import FORM, PUSHED, read_envelope
from schemas.errors import InvalidRecord
from schemas.topics import CURSORS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PATIENCE_MS = 100
PUSH_HEADER = (f"ce_{FORM}", PUSHED.encode())


class Message(Protocol):
    """What aiokafka gives for each message, as far as it is read here."""

    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class SavedCursor:
    """A cursor as it stands in Kafka: its JSON, and when the poll that wrote it began.

    Attributes:
        found: what had been found by search until then.
    """

    json: bytes
    at: datetime
    found: Found = NONE_FOUND


def to_millis(moment: datetime) -> int:
    """Give Kafka's timestamp of a moment."""
    return max(0, (moment - _EPOCH) // timedelta(milliseconds=1))


def new_reader(kafka: KafkaSettings) -> AIOKafkaConsumer:
    """Make a consumer outside of any group."""
    return new_consumer(kafka, fetch_max_wait_ms=_PATIENCE_MS)


@asynccontextmanager
async def reader(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """Open a consumer outside of any group."""
    consumer = new_reader(kafka)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def read_cursor(consumer: AIOKafkaConsumer, name: str, partition: int) -> SavedCursor | None:
    """Find a source's last committed cursor, or None where it has none.

    Args:
        consumer: from `reader`.
        name: the source's.
        partition: the account's partition of the cursors topic.
    """
    key = name.encode()
    place = TopicPartition(CURSORS.name, partition)
    consumer.assign([place])
    start = await consumer.beginning_offsets([place])
    found = None
    async for message in read_on(consumer, start):
        if message.key == key:
            found = message
    if found is None or found.value is None:
        return None
    at = _EPOCH + timedelta(milliseconds=found.timestamp)
    return SavedCursor(found.value, at, read_found(found.headers))


async def read_memory(
    consumer: AIOKafkaConsumer,
    topic: str,
    partitions: Collection[int],
    *,
    source: str,
    since: datetime,
) -> Memory:
    """Learn what a source has published on its raw topic.

    Args:
        consumer: from `reader`.
        topic: the raw topic, which other accounts write as well.
        partitions: all of it.
        source: the source's `ce_source`.
        since: Kafka's timestamps of its records are their `observed_at`; older ones are left out.
    """
    offsets = await offsets_since(consumer, topic, partitions, since)
    memory = Memory()
    wanted = ("ce_source", source.encode())
    async for message in read_on(consumer, offsets):
        # What was pushed came past the poller: its other form would be taken for a change.
        if wanted in message.headers and PUSH_HEADER not in message.headers:
            try:
                memory.remember([read_envelope(message.headers, message.value)])
            except InvalidRecord:
                continue  # not written by us; the streams make it a dead letter
    memory.forget(since)
    return memory


async def offsets_since(
    consumer: AIOKafkaConsumer, topic: str, partitions: Collection[int], since: datetime
) -> dict[TopicPartition, int]:
    """Assign a topic's partitions, and tell from which offsets on they hold what is that young."""
    places = [TopicPartition(topic, number) for number in partitions]
    consumer.assign(places)
    # The end is asked for first: no message can then slip in between the two answers.
    ends = await consumer.end_offsets(places)
    starts = await consumer.offsets_for_times(dict.fromkeys(places, to_millis(since)))
    return {
        place: ends[place] if starts[place] is None else min(starts[place].offset, ends[place])
        for place in places
    }


async def read_on(
    consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]
) -> AsyncIterator[Message]:
    """Read from the offsets to the end, as it stood when the reading began.

    The end is the high watermark and not the last stable offset: an open transaction of somebody
    else hides our committed messages behind it, so it is waited for.
    """
    for place, offset in offsets.items():
        consumer.seek(place, offset)
    ends: dict[TopicPartition, int] = {}
    while True:
        batches = await consumer.getmany(timeout_ms=_PATIENCE_MS)
        for messages in batches.values():
            for message in messages:
                yield message
        for place in offsets:
            end = consumer.highwater(place)
            if end is not None:
                ends.setdefault(place, end)
        if len(ends) == len(offsets):
            places = [(await consumer.position(place), end) for place, end in ends.items()]
            if all(position >= end for position, end in places):
                return
