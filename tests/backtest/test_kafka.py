"""The retained topics, read back by arrival over all partitions."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connectors.kafka import new_producer
from schemas import topics
from schemas.call import Call
from streams.backtest.kafka import read_rows
from tests.backtest.traffic import COLLAPSE, START, every, run

# Kafka drops what is older than its topic keeps.
SHIFT = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2) - START


def shifted(row):
    call = Call.model_validate_json(row.value)
    moved = call.model_copy(update={"ended_at": call.ended_at + SHIFT})
    shift_ms = int(SHIFT.total_seconds() * 1000)
    return replace(row, value=moved.to_json(), timestamp=row.timestamp + shift_ms)


async def written(kafka, rows):
    producer = new_producer(kafka)
    await producer.start()
    try:
        for row in rows:
            await producer.send_and_wait(
                topics.CALLS.name, row.value, row.key, timestamp_ms=row.timestamp
            )
    finally:
        await producer.stop()


async def read(kafka, from_ms=None, to_ms=None):
    return [row async for row in read_rows(kafka, from_ms, to_ms)]


def test_what_was_retained_is_read_by_its_arrival(fresh_kafka):
    rows = [shifted(row) for row in every(7, COLLAPSE)]
    start = rows[0].timestamp
    asyncio.run(written(fresh_kafka, rows))
    found = asyncio.run(read(fresh_kafka))
    assert [(row.key, row.timestamp) for row in found] == [(r.key, r.timestamp) for r in rows]
    assert {row.partition for row in found} == set(range(fresh_kafka.partitions))
    part = asyncio.run(read(fresh_kafka, start + 70_000, start + 140_000))
    assert [row.key for row in part] == [row.key for row in rows[10:20]]
    assert asyncio.run(read(fresh_kafka, rows[-1].timestamp + 1)) == []
    (episode,) = run(
        found,
        partitions=fresh_kafka.partitions,
    ).episodes("new")
    (from_memory,) = run(rows).episodes("new")
    assert (episode.scope, episode.onset.calls) == (from_memory.scope, from_memory.onset.calls)
