"""Reads the topics into the board, from their beginnings, and goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from connectors.kafka import (
    AIOKafkaConsumer,
    KafkaError,
    KafkaSettings,
    TopicPartition,
    new_consumer,
)
from schemas import topics
from schemas.errors import RetryableError
from streams.board.state import Board

log = logging.getLogger("callstreams")

_WHOLE = (
    topics.CAMPAIGNS,
    topics.ANSWER_RATE,
    topics.MISSED_CALL_COUNTS,
    topics.ALERTS,
    topics.SILENCES,
    topics.SOURCES,
)
_TAIL = topics.CALLS
_POLL_MS = 200
_AT_ONCE = 2_000
_RETRY_SECONDS = 1.0
_SWEEP = timedelta(minutes=1)


async def read_into(
    board: Board,
    kafka: KafkaSettings,
    *,
    calls_read_back: int,
    forget_after: timedelta,
    clock: Callable[[], datetime],
) -> None:
    """Feed the board until cancelled; it is set ready when all topics were read to their ends.

    Args:
        board: what is fed.
        kafka: where Kafka is; the topics exist.
        calls_read_back: how many calls of each partition are read at the start.
        forget_after: a scope that is silent for so long is forgotten.
        clock: tells the time.

    Raises:
        RetryableError: Kafka cannot be reached at the start.
    """
    consumer = new_consumer(kafka, *(topic.name for topic in (*_WHOLE, _TAIL)))
    try:
        await _start(consumer, kafka.bootstrap_servers)
        ends = await _seek(consumer, calls_read_back)
        await _read_on(consumer, board, ends, forget_after, clock)
    finally:
        await consumer.stop()


async def _start(consumer: AIOKafkaConsumer, servers: str) -> None:
    try:
        await consumer.start()
    except KafkaError as error:
        raise RetryableError(
            f"no Kafka at {servers}: start one with `callstreams broker`, "
            "or set KAFKA_BOOTSTRAP_SERVERS"
        ) from error


async def _seek(consumer: AIOKafkaConsumer, calls_read_back: int) -> dict[TopicPartition, int]:
    """Put all partitions where their reading begins, and give where those end now that hold any."""
    places = list(consumer.assignment())
    ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
    starts = await consumer.beginning_offsets(places)
    for place in places:
        start = starts[place]
        if place.topic == _TAIL.name:
            start = max(start, ends[place] - calls_read_back)
        consumer.seek(place, start)
    return {place: end for place, end in ends.items() if end > starts[place]}


async def _read_on(
    consumer: AIOKafkaConsumer,
    board: Board,
    ends: Mapping[TopicPartition, int],
    forget_after: timedelta,
    clock: Callable[[], datetime],
) -> None:
    waiting = dict(ends)
    swept = clock()
    while True:
        try:
            batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_AT_ONCE)
        except KafkaError as error:
            log.warning("the board cannot read: %s; it tries again", type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        for place, messages in batches.items():
            for message in messages:
                if message.key is not None:
                    board.take(place.topic, message.key, message.value)
        if not board.ready:
            waiting = {
                place: end for place, end in waiting.items() if await consumer.position(place) < end
            }
            if not waiting:
                board.set_ready()
        if clock() - swept > _SWEEP:
            swept = clock()
            board.sweep(swept, forget_after)
        await asyncio.sleep(0)  # the browsers have their turn, however much there is to read
