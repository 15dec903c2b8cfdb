"""Bytewax: a dataflow with two stateful steps, in memory (its recovery store is left off).

Totals are over all partitions: its exchange between steps stays within the process. Nothing
survives a crash; what its snapshots would cost is spared to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import msgspec
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.testing import cluster_main

from benchmarks.engine.contenders.job import add, metrics, pane_of, scopes
from benchmarks.engine.contenders.meter import Meter, read_job

_SECOND = timedelta(seconds=1)


class Once(StatefulBatchLogic):
    """Lets each call through once, to each of its scopes."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def on_batch(self, values: list[dict[str, Any]]) -> tuple[Iterable[Any], bool]:
        """Give (scope, pane, call) of what is new."""
        fresh = []
        for call in values:
            if call["call_id"] not in self._seen:
                self._seen.add(call["call_id"])
                pane = pane_of(call)
                fresh.extend((scope, pane, call) for scope in scopes(call))
        return fresh, self.RETAIN

    def snapshot(self) -> object:
        """Give the state."""
        return frozenset(self._seen)


class Count(StatefulBatchLogic):
    """One scope's panes; tells its metrics once a second."""

    def __init__(self) -> None:
        self._scope = ""
        self._panes: dict[int, list[int]] = {}
        self._due: datetime | None = None

    def on_batch(self, values: list[tuple[str, int, dict[str, Any]]]) -> tuple[Iterable[Any], bool]:
        """Count."""
        for scope, pane, call in values:
            self._scope = scope
            self._panes[pane] = add(self._panes.get(pane), call)
        self._due = self._due or datetime.now(UTC) + _SECOND
        return (), self.RETAIN

    def on_notify(self) -> tuple[Iterable[Any], bool]:
        """Tell."""
        self._due = None
        return metrics(self._scope, self._panes, max(self._panes)), self.RETAIN

    def on_eof(self) -> tuple[Iterable[Any], bool]:
        """Tell what is left."""
        return self.on_notify() if self._due else ((), self.RETAIN)

    def notify_at(self) -> datetime | None:
        """Give when to tell."""
        return self._due

    def snapshot(self) -> object:
        """Give the state."""
        return dict(self._panes)


def main() -> None:
    """Run the flow over what is on the topic."""
    job = read_job()
    meter = Meter()
    decode = msgspec.json.Decoder().decode
    taken = 0

    def read(message: Any) -> tuple[str, dict[str, Any]]:  # noqa: ANN401
        nonlocal taken
        meter.first()
        taken += 1
        return str(message.partition), decode(message.value)

    flow = Dataflow("job")
    source = KafkaSource([job.servers], [job.topic], tail=False)
    calls = op.map("decode", op.input("in", flow, source), read)
    fresh = op.stateful_batch("once", calls, lambda _: Once())
    scoped = op.map("scope", fresh, lambda pair: (pair[1][0], pair[1]))
    told = op.stateful_batch("count", scoped, lambda _: Count())
    sink = KafkaSink([job.servers], f"{job.run}.metrics")
    op.output("out", op.map("message", told, lambda pair: KafkaSinkMessage(*pair[1])), sink)
    cluster_main(flow, [], 0)
    meter.done(taken=taken)


if __name__ == "__main__":
    main()
