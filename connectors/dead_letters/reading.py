"""Reads dead letters from Kafka."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

from connectors.dead_letters.letters import Letters, Place
from connectors.kafka import (
    AIOKafkaConsumer,
    KafkaError,
    KafkaSettings,
    create_topics,
    new_consumer,
)
from schemas.dead_letter import DeadLetter, read_dead_letter, read_mark
from schemas.errors import RetryableError
from schemas.topics import DEAD_LETTERS

_POLL_MS = 200


async def read_letters(kafka: KafkaSettings) -> Letters:
    """Read all that stands on `dead-letters`; values and own headers are not kept.

    Raises:
        RetryableError: Kafka cannot be reached.
    """
    letters = Letters()
    async with _reader(kafka) as consumer:
        async for place, record in records(consumer):
            letters.take(place, record.headers, record.value)
    return letters


async def read_whole(
    kafka: KafkaSettings, places: frozenset[Place]
) -> AsyncGenerator[tuple[Place, DeadLetter], None]:
    """Give the letters that stand at these places, whole; where none stands, nothing.

    Close it (`contextlib.aclosing`): it holds a connection.

    Raises:
        RetryableError: Kafka cannot be reached.
    """
    starts: dict[int, int] = {}
    for partition, offset in places:
        starts[partition] = min(starts.get(partition, offset), offset)
    left = len(places)
    async with _reader(kafka) as consumer, aclosing(records(consumer, starts)) as found:
        async for place, record in found:
            if place in places and read_mark(record.headers) is None:
                yield place, read_dead_letter(record.headers, record.value)
                left -= 1
                if not left:
                    return


async def records(
    consumer: AIOKafkaConsumer, starts: Mapping[int, int] | None = None
) -> AsyncGenerator[tuple[Place, Any], None]:
    """Give what stands on the topic now, from the offsets by partition, or all of it."""
    places = {each for each in consumer.assignment() if starts is None or each.partition in starts}
    consumer.pause(*(consumer.assignment() - places))
    ends = await consumer.end_offsets(places)
    if starts is not None:
        for each in places:
            consumer.seek(each, starts[each.partition])
    while any([await consumer.position(each) < ends[each] for each in places]):
        for each, found in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
            for record in found:
                if record.offset < ends[each]:
                    yield Place(record.partition, record.offset), record


@asynccontextmanager
async def _reader(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    await create_topics(kafka, [DEAD_LETTERS])
    consumer = new_consumer(kafka, DEAD_LETTERS.name)
    try:
        await consumer.start()
        yield consumer
    except KafkaError as error:
        raise RetryableError(f"the dead letters cannot be read: {type(error).__name__}") from error
    finally:
        await consumer.stop()
