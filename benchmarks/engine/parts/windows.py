"""What a call costs under one window, short or long: the same calls, spread over a day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.engine.bench import PATIENCE, Bench
from benchmarks.engine.feed import feed, topics_of_run
from benchmarks.engine.traffic import Traffic, now

_DAY = 86_400


async def run(bench: Bench) -> dict[str, Any]:
    """Take the same calls under each window."""
    plan = bench.plan
    topic = bench.name("calls")
    bench.step("writing a day of calls")
    traffic = Traffic(
        plan.window_calls, plan.window_calls / _DAY, plan.numbers, now(), stamped=True
    )
    await feed(bench.kafka, topic, traffic)
    samples = []
    for window in plan.windows:
        bench.step(f"window of {window}")
        run_name = bench.name("windows")
        await topics_of_run(bench.kafka, run_name, topic)
        worker = bench.callstreams(run_name, topic, plan.window_calls, windows=[window])
        async with worker:
            done = await worker.until("done", seconds=PATIENCE)
        samples.append(
            {
                "window": window,
                "calls_per_second": plan.window_calls / done["seconds"],
                "cpu_us_per_call": done["cpu_seconds"] / plan.window_calls * 1e6,
            }
        )
    return summarise(samples)


def summarise(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Give the cost by window against the shortest."""
    first = samples[0]["cpu_us_per_call"]
    return {
        "by_window": [{**one, "times_the_cost": one["cpu_us_per_call"] / first} for one in samples]
    }
