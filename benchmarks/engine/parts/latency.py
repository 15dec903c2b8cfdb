"""From a call's arrival to the metric that holds it, at a steady rate."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from benchmarks.engine.bench import PATIENCE, Bench
from benchmarks.engine.contenders.apart import catalogue
from benchmarks.engine.feed import topics_of_run
from benchmarks.engine.traffic import Traffic, Written, make, now
from connectors.kafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    create_topics,
    new_consumer,
    new_producer,
)
from schemas.topics import Topic

TELL_EVERY = 0.1
_TICK = 0.01
_WARM_SECONDS = 2


class _Told(msgspec.Struct):
    value: str
    attempts: int


class Watch:
    """When how many attempts of each display number's day were told."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.told: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)

    async def run(self) -> None:
        """Watch until cancelled."""
        decode = msgspec.json.Decoder(_Told).decode
        while True:
            fetched = await self._consumer.getmany(timeout_ms=200)
            at = time.monotonic()
            for records in fetched.values():
                for record in records:
                    if record.key.endswith(b"|day") and b"/display_number/" in record.key:
                        metric = decode(record.value)
                        self.told[metric.value].append((at, metric.attempts))


async def run(bench: Bench) -> dict[str, Any]:
    """Let calls come at the planned rate, and watch the metrics."""
    plan = bench.plan
    bench.step(f"latency at {plan.live_rate:,} calls/s")
    run_name, topic = bench.name("live"), bench.name("calls")
    await create_topics(bench.kafka, [Topic(topic, "calls", key="call id")])
    await topics_of_run(bench.kafka, run_name, topic)
    count = plan.live_rate * plan.live_seconds
    written = list(make(Traffic(count, plan.live_rate * 10, plan.numbers, now())))
    async with AsyncExitStack() as stack:
        worker = await stack.enter_async_context(
            bench.callstreams(run_name, topic, count, tell_every=TELL_EVERY)
        )
        answer_rate = catalogue(run_name, topic)["ANSWER_RATE"].name
        consumer = new_consumer(bench.kafka, answer_rate)
        producer = new_producer(bench.kafka, linger_ms=1)
        for client in (consumer, producer):
            await client.start()
            stack.push_async_callback(client.stop)
        await worker.until("ready", seconds=PATIENCE, where=lambda told: told["held"] == 4)
        watch = Watch(consumer)
        watching = asyncio.create_task(watch.run())
        sent = await _send(producer, topic, written, plan.live_rate)
        done = await worker.until("done", seconds=PATIENCE)
        await asyncio.sleep(1)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    return summarise(sent, watch.told, plan.live_rate) | {
        "calls_per_batch": count / done["batches"],
        "cpu_us_per_call": done["cpu_seconds"] / count * 1e6,
    }


async def _send(
    producer: AIOKafkaProducer, topic: str, written: Sequence[Written], rate: int
) -> dict[str, list[float]]:
    sent: defaultdict[str, list[float]] = defaultdict(list)
    began = time.monotonic()
    step = int(rate * _TICK)
    for at in range(0, len(written), step):
        await asyncio.sleep(began + at / rate - time.monotonic())
        for call in written[at : at + step]:
            if not call.copy:
                sent[call.number].append(time.monotonic())
            await producer.send(topic, call.value, key=call.key)
    return sent


def waits(sent: Sequence[float], told: Sequence[tuple[float, int]]) -> list[float]:
    """Give how long each call of a number waited for a metric with as many attempts.

    Calls of a number that overtake one another on their partitions are taken for one another.
    """
    found, place = [], 0
    for number, at in enumerate(sent, start=1):
        while place < len(told) and told[place][1] < number:
            place += 1
        if place == len(told):
            break
        found.append(told[place][0] - at)
    return found


def summarise(
    sent: Mapping[str, Sequence[float]],
    told: Mapping[str, Sequence[tuple[float, int]]],
    rate: int,
) -> dict[str, Any]:
    """Give percentiles in milliseconds; the first seconds warm up."""
    began = min(times[0] for times in sent.values())
    waited = sorted(
        wait
        for number, times in sent.items()
        for at, wait in zip(times, waits(times, told.get(number, ())), strict=False)
        if at - began >= _WARM_SECONDS
    )
    calls = sum(len(times) for times in sent.values())
    missing = calls - sum(len(waits(times, told.get(n, ()))) for n, times in sent.items())

    def percentile(share: float) -> float:
        return waited[min(len(waited) - 1, int(share * len(waited)))] * 1000

    return {
        "calls_per_second": rate,
        "tell_every": TELL_EVERY,
        "calls": len(waited),
        "not_told": missing,
        "p50_ms": percentile(0.5),
        "p99_ms": percentile(0.99),
        "max_ms": waited[-1] * 1000,
    }
