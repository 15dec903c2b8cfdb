"""One worker against two: all calls come at once, when all workers are ready."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from statistics import median
from typing import Any

from benchmarks.engine.bench import PATIENCE, Bench
from benchmarks.engine.children import Contender
from benchmarks.engine.feed import Held, topics_of_run
from benchmarks.engine.traffic import Traffic, now

_PARTITIONS = 4


async def run(bench: Bench) -> dict[str, Any]:
    """Measure each, in pairs."""
    pairs = []
    for number in range(max(1, bench.plan.pairs // 2)):
        pair = {}
        for workers in (1, 2):
            bench.step(f"pair {number + 1}: {workers} worker(s)")
            pair[workers] = await _with(bench, workers)
        pairs.append(pair)
    return summarise(pairs)


async def _with(bench: Bench, size: int) -> float:
    plan = bench.plan
    run_name, topic = bench.name("workers"), bench.name("calls")
    held = Held(bench.kafka, topic)
    await held.write(Traffic(plan.calls, plan.rate, plan.numbers, now()))
    await topics_of_run(bench.kafka, run_name, topic)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(held.close)
        workers = [bench.callstreams(run_name, topic, 0) for _ in range(size)]
        for worker in workers:
            await stack.enter_async_context(worker)
        await _ready(workers)
        await held.release()
        return plan.calls / await _taken(workers, plan.calls)


async def _taken(workers: Sequence[Contender], calls: int) -> float:
    async with asyncio.timeout(PATIENCE):
        while True:
            seconds = took([worker.events for worker in workers], calls)
            if seconds is not None:
                return seconds
            await asyncio.sleep(0.05)


async def _ready(workers: Sequence[Contender]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            held = [last(worker.events, "ready").get("held", 0) for worker in workers]
            if sum(held) == _PARTITIONS and all(held):
                return
            await asyncio.sleep(0.05)


def last(events: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """Give the newest event of a name; empty where there is none."""
    return next((event for event in reversed(events) if event["event"] == name), {})


def took(events: Iterable[Sequence[Mapping[str, Any]]], calls: int) -> float | None:
    """Give the seconds from the first call to the last partial summed; None while it goes on."""
    told = [list(each) for each in events]
    newest = [last(each, "at") for each in told]
    seen, sent, received = (
        sum(each.get(name, 0) for each in newest) for name in ("seen", "sent", "received")
    )
    if seen < calls or received < sent:
        return None
    began = min(first["at"] for each in told if (first := last(each, "first")))
    return max(each["at"] for each in newest) - float(began)


def summarise(pairs: Sequence[Mapping[int, float]]) -> dict[str, Any]:
    """Give medians, and the ratio as the median of the pairs'."""
    return {
        "pairs": len(pairs),
        "cores": os.cpu_count(),
        "calls_per_second": {str(size): median(pair[size] for pair in pairs) for size in pairs[0]},
        "two_are_times_one": median(pair[2] / pair[1] for pair in pairs),
    }
