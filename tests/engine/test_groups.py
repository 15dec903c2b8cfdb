"""Groups over a real Kafka: exact over a kill, and begun while the worker runs."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from connectors.broker import Broker
from connectors.kafka import create_topics, new_producer
from schemas import topics
from schemas.scope import Scope
from tests.engine.oracle import Told
from tests.engine.test_exactness import PATIENCE, publish
from tests.engine.traffic import make
from tests.engine.workers import Workers

CALLS = 1500
ONE = """
rules:
  - {name: all, metric: answer_rate, select: {basis: calls}, group_by: vendor, window: 15m,
     baseline: {tolerance: 20%}}
"""
TWO = ONE + "  - {name: later, metric: attempts, group_by: account, window: 15m, above: 9000}\n"


def days(told, rule):
    """Attempts and answers of a rule's groups and of what they lie in, by that scope."""
    found = {}
    for (topic, _), metric in told.metrics.items():
        if topic != topics.ANSWER_RATE.name or metric["window"]["name"] != "day":
            continue
        scope = Scope.parse(metric["scope"])
        if scope.basis != "calls":
            continue
        counts = (metric["attempts"], metric["answered"], metric["connected"])
        if scope.kind in ("vendor", "account"):
            found.setdefault(str(scope), [None, None])[0] = counts
        if scope.kind == "group" and scope.value.startswith(f"{rule}~"):
            home = str(scope._replace(value=None))
            found.setdefault(home, [None, None])[1] = counts
    return {home: pair for home, pair in found.items() if pair[1] is not None}


def begun(pairs):
    return bool(pairs) and all(min(group) > 0 for _, group in pairs.values())


def written(folder):
    return "".join(path.read_text() for path in folder.glob("worker-*.log"))


async def until(told, workers, settled):
    deadline = time.monotonic() + PATIENCE
    while not settled():
        await told.read()
        workers.check()
        assert time.monotonic() < deadline, workers.logs()


@pytest.mark.timeout(400)
async def test_a_group_holds_what_its_vendor_does_and_a_later_one_what_came_since(
    installation, tmp_path
):
    file = tmp_path / "rules.yaml"
    file.write_text(ONE)
    async with Broker(installation=installation) as broker:
        kafka = broker.settings
        await create_topics(kafka, topics.ALL)
        records = make(3, CALLS, datetime.now(UTC)).records
        half = len(records) // 2
        workers = Workers(kafka, tmp_path, rules=str(file))
        producer = new_producer(kafka)
        await producer.start()
        try:
            workers.start()
            async with Told(kafka) as told:

                def whole():
                    pairs = days(told, "all").values()
                    return bool(pairs) and all(own == group for own, group in pairs)

                await publish(producer, records[: half // 2])
                await until(told, workers, whole)
                before = days(told, "all")
                await asyncio.to_thread(workers.kill, 0)
                await publish(producer, records[half // 2 : half])
                await until(told, workers, lambda: whole() and days(told, "all") != before)
                before = days(told, "all")
                file.write_text(TWO)
                await until(told, workers, lambda: "2 are in force" in written(tmp_path))
                await publish(producer, records[half:])
                await until(told, workers, lambda: whole() and days(told, "all") != before)
                await until(told, workers, lambda: begun(days(told, "later")))
                for own, group in days(told, "later").values():
                    assert all(part < count for part, count in zip(group, own, strict=True))
        finally:
            workers.stop()
            await producer.stop()
