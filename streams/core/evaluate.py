"""Which scopes are judged now, and what becomes of their alerts: one way for live and back-test."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from schemas.alert import Alert, AlertState
from schemas.scope import Scope
from streams.core.alerting import AlertBook, Watch
from streams.core.baseline import BaselineBook
from streams.core.rules.baseline import Usual
from streams.core.rules.diagnose import diagnose
from streams.core.scopes import parse_scope
from streams.core.siblings import Siblings
from streams.core.totals import Totals
from streams.core.view import ScopeView


class Evaluator:
    """Judges the scopes of a partition by the rules in force, on event time.

    Args:
        totals, alerts: the steps that hold the state.
        watch: the rules; may be replaced while running, and then all scopes are judged anew.
        baselines: what was usual.
        keep_seconds: how long fine panes are kept.
    """

    def __init__(
        self,
        totals: Totals,
        alerts: AlertBook,
        watch: Watch,
        *,
        baselines: BaselineBook,
        keep_seconds: int,
    ) -> None:
        self.watch = watch
        self._totals = totals
        self._alerts = alerts
        self._baselines = baselines
        self._keep = keep_seconds
        self._last: dict[int, tuple[int, Watch]] = {}
        self._awaiting: dict[int, set[str]] = {}
        self._siblings = Siblings(totals, ())

    def begin(self, partitions: Iterable[int]) -> None:
        """Begin a round over these partitions: siblings are looked up in them."""
        self._siblings = Siblings(self._totals, partitions)

    def learn(self, partition: int) -> list[tuple[bytes, bytes | None]]:
        """Take in what has become history; give the records of the baselines' changelog."""
        kept_from = self._totals.end(partition) - self._keep
        return list(self._baselines.learn(partition, self._totals, self.watch, kept_from))

    def view(self, partition: int, text: str) -> ScopeView:
        """Look at a scope as its rules do now."""
        end, scope = self._totals.end(partition), parse_scope(text)

        def usual(weeks: int) -> Usual:
            return self._baselines.usual(partition, scope, end, weeks)

        return ScopeView(self._totals, partition, text, end - self._keep, usual)

    def also_due(self, partition: int, told: Collection[str]) -> Iterator[str]:
        """Give the scopes to judge beside `told`, whose counts have changed.

        Those with an open alert; and, when the windows have slid, those that time alone may
        change. After the rules were replaced, all.
        """
        due = set(self._alerts.open_scopes(partition))
        now = (self._totals.end(partition), self.watch)
        before = self._last.get(partition)
        if before is None or before[1] is not self.watch:
            scopes = self._totals.scopes(partition)
            due.update(scopes)
            awaiting = {text for text in scopes if self.watch.watched(text).awaits_time}
            self._awaiting[partition] = awaiting
        elif before[0] != now[0]:
            awaiting = self._awaiting[partition]
            awaiting -= {each for each in awaiting if not self._totals.holds(partition, each)}
            due |= awaiting
        self._last[partition] = now
        yield from sorted(due.difference(told))

    def transitions(self, partition: int, text: str) -> Iterator[Alert]:
        """Give what becomes of each alert of a scope, and keep it; the caller publishes it."""
        watched = self.watch.watched(text)
        if watched.awaits_time:
            self._awaiting.setdefault(partition, set()).add(text)
        if not self._alerts.is_open(partition, text):
            known = self._totals.attempts(partition, text)
            if known < watched.least_attempts:
                return
        scope, end = parse_scope(text), self._totals.end(partition)
        view = self.view(partition, text)
        for alert in self.watch.transitions(self._alerts, partition, scope, view, end * 1000):
            told = alert
            before = self._alerts.find(partition, alert.fingerprint)
            if alert.state is AlertState.FIRING and (before is None or before.id != alert.id):
                told = self._diagnosed(scope, alert)
            self._alerts.keep(partition, told)
            yield told

    def _diagnosed(self, scope: Scope, alert: Alert) -> Alert:
        rule = self.watch.rule(alert.rule)
        if rule is None:
            return alert
        condition = next(each for each in rule.conditions if each.metric == alert.metric)
        condition = condition.as_it_was(alert.evidence.threshold)
        span = alert.evidence.window_end - alert.evidence.window_start
        rates = self._siblings.over(scope, int(span.total_seconds()))
        found = diagnose(condition, scope, rates)
        if found is None:
            return alert
        return alert.model_copy(
            update={"annotations": {**alert.annotations, **found.annotations()}}
        )
