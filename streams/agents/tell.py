"""Tell: totals into metrics and alerts, on a timer and not per call.

Everything told is derived from state, keyed and versioned, so that telling twice is harmless,
and after a recovery everything is told once more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

import faust

from connectors import telemetry
from schemas import topics
from streams.agents.pace import Pace
from streams.agents.told import Told
from streams.agents.traced import Traces
from streams.core.alerting import AlertBook, Watch
from streams.core.baseline import BaselineBook
from streams.core.counts import unpack
from streams.core.evaluate import Evaluator
from streams.core.metrics import (
    WindowSpec,
    answer_rate,
    metric_key,
    missed_calls,
)
from streams.core.rules import Rule
from streams.core.step import Output
from streams.core.totals import ScopeTotals, Totals
from streams.engine.table import StepTable, durable

log = logging.getLogger(__name__)

_AT_ONCE = 2_000
"""Scopes that are told of before others have their turn: some 50 ms."""


class Teller:
    """Writes metrics and alerts for the partitions whose totals are ours.

    Args:
        totals, alerts, baselines: the steps that hold the state.
        totals_table, alerts_table, baselines_table: their tables; all know which partitions are
            restored.
        window_names: the names of the totals' rolling windows, in their order.
        day_name: what the calendar day is called.
        late_seconds: how late a call may come; the watermark stays so far behind.
        keep_seconds: how long fine panes are kept.
        idle_ms: where nothing comes, event time follows the wall clock at this distance.
        rules: the rules in force.
        also_follow: is given the rules whenever they change.
        told: keeps what Prometheus may see of what is told.
        pace: is told how long the work took.
        traces: know whose trace an alert belongs to.
    """

    def __init__(
        self,
        app: faust.App,
        *,
        totals: Totals,
        alerts: AlertBook,
        baselines: BaselineBook,
        totals_table: StepTable,
        alerts_table: StepTable,
        baselines_table: StepTable,
        window_names: tuple[str, ...],
        late_seconds: int,
        keep_seconds: int,
        idle_ms: int,
        rules: Iterable[Rule],
        also_follow: Callable[[tuple[Rule, ...]], None] = lambda _rules: None,
        day_name: str = "day",
        told: Told | None = None,
        pace: Pace | None = None,
        traces: Traces | None = None,
    ) -> None:
        self.told = told or Told()
        self.pace = pace or Pace(1.0)
        self._traces = traces or Traces()
        self._app = app
        self._totals = totals
        self._totals_table = totals_table
        self._alerts_table = alerts_table
        self._baselines_table = baselines_table
        self._names = window_names
        self._late = late_seconds
        self._idle_ms = idle_ms
        self._day_name = day_name
        self._also_follow = also_follow
        watch = Watch(rules, totals.window_sizes)
        self._evaluator = Evaluator(
            totals, alerts, watch, baselines=baselines, keep_seconds=keep_seconds
        )

    def follow(self, rules: Iterable[Rule]) -> None:
        """Judge by these rules from now on."""
        followed = tuple(rules)
        self._evaluator.watch = Watch(followed, self._totals.window_sizes)
        self._also_follow(followed)

    def held(self) -> set[int]:
        """Give the partitions of which everything is ours and restored."""
        tables = (self._totals_table, self._alerts_table, self._baselines_table)
        return set.intersection(*(table.held for table in tables))

    async def tell(self, now_ms: Callable[[], int]) -> None:
        """Write what has changed in each partition that is ours and whole."""
        if self._app.rebalancing or self._app.in_recovery:
            return
        generation = self._app.consumer_generation_id
        held = sorted(self.held())
        self._evaluator.begin(held)
        self.told.keep(held)
        for partition in held:
            self._totals.advance(partition, now_ms() - self._idle_ms)
            learnt = self._evaluator.learn(partition)
            if learnt:
                await durable(await self._baselines_table.write(partition, learnt))
                if self._app.consumer_generation_id != generation:
                    return
            told: set[str] = set()
            for _ in range(-(-self._totals.changed(partition) // _AT_ONCE)):
                with self.pace.working():
                    outputs = list(self._changed(partition, told))
                if not await self._write(partition, outputs, generation):
                    return
            with self.pace.working():
                outputs = list(self._due(partition, told))
            self._traces.told(partition)
            if not await self._write(partition, outputs, generation):
                return

    async def _write(self, partition: int, outputs: Sequence[Output], generation: int) -> bool:
        """Write alerts, then metrics; tell whether to go on."""
        alerts = [output for output in outputs if output.topic == topics.ALERTS.name]
        if not await self._alerts_table.publish(partition, alerts):
            return False
        metrics = (output for output in outputs if output.topic != topics.ALERTS.name)
        await durable(await self._app.sender.send(metrics))
        return bool(self._app.consumer_generation_id == generation)

    def _changed(self, partition: int, told: set[str]) -> Iterator[Output]:
        """Tell of some of the scopes that have changed, and note them."""
        end = self._totals.end(partition)
        watermark_ms = self._totals.clock_ms(partition) - self._late * 1000
        for text, totals in self._totals.take_changed(partition, _AT_ONCE):
            told.add(text)
            shown = self.told.shows(text)
            for window in self._windows(totals, end, watermark_ms):
                if shown:
                    self.told.take(
                        partition,
                        text,
                        window,
                        outbound=totals.outbound,
                        inbound=totals.inbound,
                    )
                yield from _metrics(text, window, totals, watermark_ms, partition)
            yield from self._transitions(partition, text)

    def _due(self, partition: int, told: set[str]) -> Iterator[Output]:
        for text in self._evaluator.also_due(partition, told):
            yield from self._transitions(partition, text)

    def _windows(self, totals: ScopeTotals, end: int, watermark_ms: int) -> Iterator[WindowSpec]:
        sliding, told = totals.sliding, totals.told
        for index, name in enumerate(self._names):
            sums = sliding.sums(index)
            if told[index] != sums:
                told[index] = sums
                size = self._totals.window_sizes[index]
                yield WindowSpec(name, end - size, end, unpack(*sums), final=False)
        if totals.changed_days:
            yield from self._days(totals, watermark_ms)

    def _days(self, totals: ScopeTotals, watermark_ms: int) -> Iterator[WindowSpec]:
        changed, totals.changed_days = totals.changed_days, ()
        newest = max(totals.days, default=None)
        for day in sorted(changed):
            final = watermark_ms >= day.end * 1000
            # A day that is over has a key of its own, or a late call would overwrite today.
            name = self._day_name if day == newest else f"{self._day_name}@{_utc(day.start)}"
            yield WindowSpec(name, day.start, day.end, totals.day(day), final=final)

    def _transitions(self, partition: int, text: str) -> Iterator[Output]:
        for alert in self._evaluator.transitions(partition, text):
            telemetry.ALERT_TRANSITIONS.labels(alert.rule, alert.severity, alert.state).inc()
            headers = self._traces.headers(partition, alert)
            yield Output(
                topics.ALERTS.name, alert.key, alert.to_json(), headers, partition=partition
            )


def _metrics(
    text: str, window: WindowSpec, totals: ScopeTotals, watermark_ms: int, partition: int
) -> Iterator[Output]:
    # All that is told of a scope lies in the partition that sums it.
    key = metric_key(text, window.name)
    if totals.outbound:
        value = answer_rate(text, window, watermark_ms, totals.revision)
        yield Output(topics.ANSWER_RATE.name, key, value, partition=partition)
    if totals.inbound:
        value = missed_calls(text, window, watermark_ms, totals.revision)
        yield Output(topics.MISSED_CALL_COUNTS.name, key, value, partition=partition)


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%MZ")
