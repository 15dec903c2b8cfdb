"""Quix Streams: a stateful step over RocksDB with changelogs, at least once, as it comes.

Its state is kept by message key; here all of a partition is under one key, so that counts are per
input partition. The group_by that totals over all partitions would need, four messages a call
through Kafka once more, is spared to it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from quixstreams import Application, State, message_context
from quixstreams.models.serializers import Deserializer, Serializer

from benchmarks.engine.contenders.job import add, metrics, pane_of, scopes
from benchmarks.engine.contenders.meter import Meter, read_job


class OneKey(Deserializer):
    """Every key is the same."""

    def __call__(self, value: bytes, ctx: Any) -> str:  # noqa: ANN401
        """Give it."""
        return "all"


class ValueOf(Serializer):
    """A metric's value, encoded already."""

    def __call__(self, value: dict[str, bytes], ctx: Any) -> bytes:  # noqa: ANN401
        """Give it."""
        return value["value"]


class Counter:
    """The stateful step of one partition."""

    def __init__(self) -> None:
        self._due = 0.0
        self._changed: dict[str, int] = {}

    def count(self, call: dict[str, Any], state: State, *, last: bool) -> list[dict[str, bytes]]:
        """Count a call once; give the changed metrics once a second, and after the last call."""
        if not state.exists(call["call_id"]):
            state.set(call["call_id"], 1)
            pane = pane_of(call)
            for scope in scopes(call):
                key = f"{scope}|{pane}"
                state.set(key, add(state.get(key), call))
                self._changed[scope] = max(pane, self._changed.get(scope, 0))
        if not last and time.monotonic() < self._due:
            return []
        self._due = time.monotonic() + 1
        return list(self._tell(state))

    def _tell(self, state: State) -> Iterator[dict[str, bytes]]:
        changed, self._changed = self._changed, {}
        for scope, end in changed.items():
            panes = {pane: state.get(f"{scope}|{pane}") for pane in range(end - 60, end + 1)}
            for key, value in metrics(scope, panes, end):
                yield {"key": key, "value": value}


def main() -> None:
    """Run until the job is done."""
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
    counters: defaultdict[int, Counter] = defaultdict(Counter)
    left = job.calls

    def count(call: dict[str, Any], state: State) -> list[dict[str, bytes]]:
        nonlocal left
        meter.first()
        left -= 1
        if left == 0:
            app.stop()
        return counters[message_context().partition].count(call, state, last=left == 0)

    calls = app.topic(job.topic, value_deserializer="json", key_deserializer=OneKey())
    out = app.topic(f"{job.run}.metrics", key_serializer="bytes", value_serializer=ValueOf())
    told = app.dataframe(calls).apply(count, stateful=True, expand=True)
    told.to_topic(out, key=lambda metric: metric["key"])
    app.run()  # ends with a checkpoint
    meter.done()


if __name__ == "__main__":
    main()
