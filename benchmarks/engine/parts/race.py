"""The whole job by each contender, in paired runs: calls a second, CPU a call, memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.engine.bench import PATIENCE, Bench
from benchmarks.engine.feed import feed, topics_of_run
from benchmarks.engine.traffic import Traffic, now
from connectors.kafka import create_topics
from schemas.topics import Topic

CONTENDERS = {
    "callstreams": "callstreams_worker",
    "plain Faust": "plain_faust",
    "Quix Streams": "quix_grouped",
    "Quix Streams, each partition alone": "quix",
    "Bytewax": "bytewax_flow",
    "bare loop": "bare",
}
OURS = "callstreams"

Sample = Mapping[str, float]


async def run(bench: Bench) -> dict[str, Any]:
    """Let them run, each in turn, as often as planned; who begins changes."""
    plan = bench.plan
    topic = bench.name("calls")
    bench.step(f"writing {plan.calls:,} calls")
    await feed(bench.kafka, topic, Traffic(plan.calls, plan.rate, plan.numbers, now()))
    pairs = []
    order = list(CONTENDERS)
    for number in range(plan.pairs):
        pair = {}
        for name in order:
            bench.step(f"race {number + 1}/{plan.pairs}: {name}")
            pair[name] = await _one(bench, name, topic)
        pairs.append(pair)
        order = order[1:] + order[:1]
    return summarise(pairs)


async def _one(bench: Bench, name: str, topic: str) -> Sample:
    share = dict(bench.plan.shares).get(name, 1.0)
    calls = int(bench.plan.calls * share)
    run_name = bench.name("race")
    if name == OURS:
        await topics_of_run(bench.kafka, run_name, topic)
    else:
        await create_topics(bench.kafka, [Topic(f"{run_name}.metrics", "metrics", key="scope")])
    async with bench.contender(CONTENDERS[name], run_name, topic, calls) as contender:
        done = await contender.until("done", seconds=PATIENCE)
    return {
        "calls": calls,
        "calls_per_second": calls / done["seconds"],
        "cpu_us_per_call": done["cpu_seconds"] / calls * 1e6,
        "rss_mib": done["rss"] / 2**20,
    }


def summarise(pairs: Sequence[Mapping[str, Sample]]) -> dict[str, Any]:
    """Give medians, and ratios as medians of each pair's own."""
    figures: dict[str, Any] = {}
    for name in pairs[0]:
        mine = [pair[name] for pair in pairs]
        figures[name] = {key: median(sample[key] for sample in mine) for key in mine[0]}
        figures[name]["callstreams_is_times"] = median(
            pair[OURS]["calls_per_second"] / pair[name]["calls_per_second"] for pair in pairs
        )
        figures[name]["callstreams_cpu_is_times"] = median(
            pair[OURS]["cpu_us_per_call"] / pair[name]["cpu_us_per_call"] for pair in pairs
        )
    return {"pairs": len(pairs), "contenders": figures}
