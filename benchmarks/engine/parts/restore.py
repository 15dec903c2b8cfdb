"""How long a worker takes until it serves: with nothing to restore, and with much."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from benchmarks.engine.bench import PATIENCE, Bench
from benchmarks.engine.feed import topics_of_run
from benchmarks.engine.parts.core import PARTITIONS, batches, stages
from benchmarks.engine.traffic import Traffic, make, now
from connectors.kafka import create_topics, new_producer
from schemas.topics import Topic
from streams.engine.app import changelog

_ENTRIES_PER_CALL = 5
"""A call of a number of its own: what it said, its fine pane and its day, counted and summed."""


async def run(bench: Bench) -> dict[str, Any]:
    """Start a worker on nothing, then one on a state that the steps themselves have made."""
    bench.step("start-up")
    empty = await _until_ready(bench, bench.name("empty"))
    run_name = bench.name("restore")
    bench.step(f"writing a state of {bench.plan.restored:,} entries")
    entries = await _write_state(bench, run_name)
    bench.step("restoring it")
    return summarise(empty, await _until_ready(bench, run_name), entries)


async def _until_ready(bench: Bench, run_name: str) -> Mapping[str, float]:
    topic = f"{run_name}-calls"
    await create_topics(bench.kafka, [Topic(topic, "calls", key="call id")])
    await topics_of_run(bench.kafka, run_name, topic)
    async with bench.callstreams(run_name, topic, 0) as worker:
        ready = await worker.until(
            "ready", seconds=PATIENCE, where=lambda told: told["held"] == PARTITIONS
        )
        return {"seconds": ready["at"] - worker.began, "rss": ready["rss"]}


async def _write_state(bench: Bench, run_name: str) -> int:
    calls = bench.plan.restored // _ENTRIES_PER_CALL
    traffic = Traffic(calls, bench.plan.rate, calls, now(), copies=0)
    logs = {step: changelog(run_name, step) for step in ("calls", "totals")}
    await create_topics(bench.kafka, logs.values())
    parts = stages()
    producer = new_producer(bench.kafka, linger_ms=20)
    await producer.start()
    try:
        for partition, records in batches(make(traffic)):
            effects = parts.count(partition, records)
            changes = [("calls", partition, *change) for change in effects.state]
            for to, routed in parts.route(effects.outputs):
                changes += [("totals", to, *one) for one in parts.total(to, routed).state]
            sent = []
            for step, to, key, value in changes:
                sent.append(await producer.send(logs[step].name, value, key=key, partition=to))
            await asyncio.gather(*sent)
    finally:
        await producer.stop()
    return parts.entries()


def summarise(
    empty: Mapping[str, float], full: Mapping[str, float], entries: int
) -> dict[str, Any]:
    """Give seconds from the start of the process until it serves, and what each entry adds."""
    return {
        "entries": entries,
        "start_seconds": empty["seconds"],
        "restore_seconds": full["seconds"],
        "restore_us_per_entry": (full["seconds"] - empty["seconds"]) / entries * 1e6,
        "bytes_per_entry": (full["rss"] - empty["rss"]) / entries,
    }
