"""Workers die, join and leave, the broker dies: every metric is still what SQL counts.

CALLSTREAMS_EXACTNESS_RUNS asks for more runs than the handful that is always made
(`make soak` makes 100).
"""

import asyncio
import os
import random
import time
from datetime import UTC, datetime

import pytest

from connectors.broker import Broker
from connectors.kafka import create_topics, new_producer
from schemas import topics
from schemas.envelope import RawRecord
from tests.engine.oracle import Told
from tests.engine.traffic import make
from tests.engine.workers import Workers

RUNS = int(os.environ.get("CALLSTREAMS_EXACTNESS_RUNS", "3"))
CALLS = int(os.environ.get("CALLSTREAMS_EXACTNESS_CALLS", "3000"))
CHUNK = 400
PATIENCE = 150
EVENTS = ("kill", "kill", "join", "leave", "broker")
RULES = """
rules:
  - {name: low, metric: answer_rate, select: {kind: display_number}, window: 15m, below: 52%,
     min_attempts: 5}
"""


async def publish(producer, records: list[RawRecord]):
    sent = [
        await producer.send(
            topics.raw_topic(record.vendor, record.feed).name,
            record.data,
            key=record.key,
            headers=record.headers(),
        )
        for record in records
    ]
    await asyncio.gather(*sent)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(RUNS))
async def test_metrics_are_exact_whatever_is_killed(installation, seed, tmp_path):
    rng = random.Random(seed)
    (tmp_path / "rules.yaml").write_text(RULES)
    async with Broker(installation=installation) as broker:
        kafka = broker.settings
        await create_topics(kafka, topics.ALL)
        traffic = make(seed, CALLS, datetime.now(UTC))
        workers = Workers(
            kafka,
            tmp_path,
            rules=str(tmp_path / "rules.yaml"),
            state="rocksdb" if seed % 3 == 1 else "memory",
            state_dir=str(tmp_path / "state"),
        )
        producer = new_producer(kafka)
        await producer.start()
        try:
            for _ in range(1 + seed % 3):
                workers.start()
            async with Told(kafka) as told:
                chunks = [
                    traffic.records[at : at + CHUNK] for at in range(0, len(traffic.records), CHUNK)
                ]
                moments = rng.sample(range(1, len(chunks)), min(len(EVENTS), len(chunks) - 1))
                events = dict(zip(moments, rng.sample(EVENTS, len(EVENTS)), strict=False))
                for number, chunk in enumerate(chunks):
                    await publish(producer, chunk)
                    if number in events:
                        # Wait for what was told to grow, so that work is under way when it dies.
                        await _more_is_told(told, workers)
                        await asyncio.to_thread(_happen, events[number], broker, workers, rng)
                off = await _settled(told, traffic.poison, workers)
                assert off == [], f"{len(off)} differ, such as {off[:3]}\n{workers.logs()}"
                assert told.repeated_transitions() == []
        finally:
            workers.stop()
            await producer.stop()


def _happen(event, broker, workers, rng):
    match event:
        case "kill":
            workers.kill(rng.randrange(9))
        case "join":
            workers.start()
        case "leave":
            workers.leave(rng.randrange(9))
        case "broker":
            broker.kill()
            broker.start()


async def _more_is_told(told, workers):
    known = sum(metric["revision"] for metric in told.metrics.values())
    deadline = time.monotonic() + PATIENCE
    while sum(metric["revision"] for metric in told.metrics.values()) <= known:
        await told.read()
        workers.check()
        assert time.monotonic() < deadline, workers.logs()


async def _settled(told, poison, workers):
    deadline = time.monotonic() + PATIENCE
    while True:
        await told.read()
        workers.check()
        off = told.differences(poison)
        if not off or time.monotonic() > deadline:
            return off


def test_the_oracle_sees_a_lost_call(kafka):
    """The oracle itself: it must not call a wrong count right."""
    told = Told(kafka)
    traffic = make(1, 50, datetime.now(UTC))
    told.raw = [
        (topics.raw_topic(r.vendor, r.feed).name, r.extensions.get("form", "").encode(), r.data)
        for r in traffic.records
    ]
    assert any(what == ("calls:icsoc", "all days") for what, *_ in told.differences(0))
