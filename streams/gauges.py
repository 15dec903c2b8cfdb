"""What a worker can be asked at any moment: its lag, its delay, its partitions, its readiness."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from connectors import telemetry
from connectors.health import Health
from connectors.telemetry import Reading
from streams.topology import Topology


@contextmanager
def shown(
    topology: Topology, health: Health, *, clock: Callable[[], float] = time.time
) -> Iterator[None]:
    """Let the worker be asked while the context is open.

    Args:
        topology: the worker.
        health: is told how to find out whether it is ready.
        clock: Unix seconds, by which its delay is measured.
    """

    def lag() -> Reading:
        consumer = topology.app.consumer
        return (((tp.topic, str(tp.partition)), count) for tp, count in consumer.lag().items())

    def partitions() -> Reading:
        return (((table.name,), len(table.held)) for table in topology.tables)

    def delay() -> Reading:
        for partition in topology.told_partitions():
            behind = clock() - topology.totals.clock_ms(partition) / 1000
            yield (str(partition),), max(0, behind)

    async def why_not() -> str | None:
        return why_not_ready(topology)

    with ExitStack() as stack:
        stack.enter_context(telemetry.LAG.reading(lag))
        stack.enter_context(telemetry.PARTITIONS.reading(partitions))
        stack.enter_context(telemetry.WATERMARK_DELAY.reading(delay))
        stack.enter_context(telemetry.OPEN_ALERTS.reading(lambda: _open_alerts(topology)))
        stack.enter_context(topology.teller.told.shown())
        health.ready_unless(why_not)
        yield


def _open_alerts(topology: Topology) -> Reading:
    book = topology.alerts
    return Counter(
        (alert.rule, str(alert.severity), str(alert.state))
        for partition in topology.told_partitions()
        for scope in book.open_scopes(partition)
        for alert in book.open_alerts(partition, scope)
    ).items()


def why_not_ready(topology: Topology) -> str | None:
    """Tell why a worker cannot count and tell now; None where it can."""
    if not topology.liveness.is_beating:
        return "its pulse does not beat"
    recovery = topology.app.tables.recovery
    if not recovery.completed.is_set() or topology.app.rebalancing or topology.app.in_recovery:
        return "its partitions are being given out and restored"
    return None
