"""Faust as its documentation has one write it: an agent, a Record, plain tables, a timer.

Its hopping windows write one changelog message for each of their panes and cost milliseconds a
call, so the tables here are plain, with the pane in the key. Counts are per input partition: a
repartition by scope, which a second worker would need, is spared to it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import faust

from benchmarks.engine.contenders.job import add, metrics, pane_of, scopes
from benchmarks.engine.contenders.meter import Meter, read_job

job = read_job()
meter = Meter()
app = faust.App(
    job.run,
    broker=f"kafka://{job.servers}",
    value_serializer="json",
    topic_partitions=4,
    topic_replication_factor=1,
    topic_disable_leader=True,
    web_enabled=False,
    datadir=Path(job.folder),
)


class Call(faust.Record, serializer="json"):
    """A call's fields that the job needs."""

    vendor: str
    account: str
    call_id: str
    outcome: str
    display_number: str
    campaign: str
    ended_at: str
    talk_seconds: int | None = None


calls = app.topic(job.topic, value_type=Call)
out = app.topic(f"{job.run}.metrics", key_type=bytes, value_type=bytes, value_serializer="raw")
seen = app.Table("seen", default=int)
counted = app.Table("counted", default=list)
changed: dict[str, int] = {}
taken = 0


async def emit() -> None:
    """Write the metrics of what has changed."""
    dirty = dict(changed)
    changed.clear()
    for scope, end in dirty.items():
        span = range(end - 60, end + 1)
        panes = {pane: counted[f"{scope}|{pane}"] for pane in span if f"{scope}|{pane}" in counted}
        for key, value in metrics(scope, panes, end):
            await out.send(key=key, value=value)


@app.timer(1.0)
async def tell() -> None:
    """Write metrics once a second."""
    await emit()


@app.agent(calls)
async def count(stream: faust.StreamT[Call]) -> None:
    """Count each call once."""
    global taken
    async for call in stream:
        meter.first()
        if call.call_id not in seen:
            seen[call.call_id] = 1
            fields = call.asdict()
            pane = pane_of(fields)
            for scope in scopes(fields):
                key = f"{scope}|{pane}"
                counted[key] = add(counted[key] or None, fields)
                changed[scope] = max(pane, changed.get(scope, 0))
        taken += 1
        if taken == job.calls:
            await emit()
            meter.done()
            os._exit(0)


if __name__ == "__main__":
    sys.argv = ["faust", "worker", "-l", "warn"]
    app.main()
