"""Quix Streams with totals over all partitions, as its documentation has one write it.

De-duplicated by message key, then `group_by` scope: four messages a call go through Kafka once
more, since state belongs to a key, and a key to a partition.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from quixstreams import Application, State

from benchmarks.engine.contenders.job import add, metrics, pane_of, scopes
from benchmarks.engine.contenders.meter import Meter, read_job


class Scopes:
    """The second step: the panes of one scope, told once a second."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}

    def count(self, one: dict[str, Any], state: State) -> Iterator[dict[str, Any]]:
        """Count a call in its scope; give its metrics where a second has passed."""
        scope, pane = one["scope"], one["pane"]
        state.set(str(pane), add(state.get(str(pane)), one))
        now = time.monotonic()
        if now >= self._due.get(scope, 0.0):
            self._due[scope] = now + 1
            panes = {each: state.get(str(each)) for each in range(pane - 60, pane + 1)}
            for key, value in metrics(scope, panes, pane):
                yield {"key": key.decode(), "value": value.decode()}


def main() -> None:
    """Run until all calls are counted in all their scopes."""
    job = read_job()
    meter = Meter()
    app = Application(
        broker_address=job.servers,
        consumer_group=job.run,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        state_dir=job.folder,
        loglevel="WARNING",
    )
    left, waited = job.calls, 0

    def spread(call: dict[str, Any], state: State) -> list[dict[str, Any]]:
        nonlocal left, waited
        if left == 0:
            return []  # the topic holds more than is asked
        meter.first()
        left -= 1
        if state.exists("seen"):
            return []
        state.set("seen", 1)
        pane = pane_of(call)
        fields = {name: call.get(name) for name in ("outcome", "talk_seconds")}
        spread_over = [{"scope": scope, "pane": pane, **fields} for scope in scopes(call)]
        waited += len(spread_over)
        return spread_over

    counter = Scopes()

    def count(one: dict[str, Any], state: State) -> list[dict[str, Any]]:
        nonlocal waited
        told = list(counter.count(one, state))
        waited -= 1
        if left == 0 and waited == 0:
            app.stop()
        return told

    calls = app.topic(job.topic, value_deserializer="json")
    out = app.topic(f"{job.run}.metrics", key_serializer="str", value_serializer="json")
    fresh = app.dataframe(calls).apply(spread, stateful=True, expand=True)
    told = fresh.group_by("scope").apply(count, stateful=True, expand=True)
    told.to_topic(out, key=lambda metric: metric["key"])
    app.run()  # ends with a checkpoint
    meter.done()


if __name__ == "__main__":
    main()
