"""What a call costs, and a scope holds, at few scopes and at many."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.engine.bench import PATIENCE, Bench
from benchmarks.engine.feed import feed, topics_of_run
from benchmarks.engine.traffic import Traffic, now

_WARM = 1.5
"""Calls before the measured ones, for each of the most numbers."""


async def run(bench: Bench) -> dict[str, Any]:
    """Take the same number of calls, over more and more display numbers."""
    plan = bench.plan
    warm = int(max(plan.scopes) * _WARM)
    calls = warm + plan.scope_calls
    samples = []
    for numbers in plan.scopes:
        bench.step(f"{numbers:,} scopes")
        run_name, topic = bench.name("scopes"), bench.name("calls")
        await feed(bench.kafka, topic, Traffic(calls, plan.rate, numbers, now()))
        await topics_of_run(bench.kafka, run_name, topic)
        async with bench.callstreams(run_name, topic, calls) as worker:
            known = partial(_has_seen, warm)
            began = await worker.until("at", seconds=PATIENCE, where=known)
            done = await worker.until("done", seconds=PATIENCE)
        measured = calls - began["seen"]
        samples.append(
            {
                "numbers": numbers,
                "calls": calls,
                "calls_per_second": measured / (done["at"] - began["at"]),
                "cpu_us_per_call": (done["cpu"] - began["cpu"]) / measured * 1e6,
                "rss": done["rss"],
            }
        )
    return summarise(samples)


def _has_seen(calls: int, told: dict[str, Any]) -> bool:
    return bool(told["seen"] >= calls)


def summarise(samples: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Give the cost by scopes against the fewest, and bytes for each scope more.

    Each sample has seen as many calls, so what memory grows by are the scopes. Of n numbers at
    random in c calls, n (1 - (1 - 1/n)^c) were dialled.
    """
    first, last = samples[0], samples[-1]
    live = [one["numbers"] * (1 - (1 - 1 / one["numbers"]) ** one["calls"]) for one in samples]
    more = live[-1] - live[0]
    return {
        "by_scopes": [
            {**one, "times_the_cost": one["cpu_us_per_call"] / first["cpu_us_per_call"]}
            for one in samples
        ],
        "bytes_per_scope": (last["rss"] - first["rss"]) / more if more > 0 else None,
    }
