"""Which rules watch which scopes, and the state of every alert."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from schemas.alert import Alert, AlertState
from schemas.scope import Scope
from streams.core.rules import Rule, View, decide, fingerprint, retire
from streams.core.rules.windows import Age, Over
from streams.core.scopes import parse_scope
from streams.core.step import Batch, Effects

_OPEN = (AlertState.PENDING, AlertState.FIRING)


class AlertBook:
    """The newest record of each alert, by partition: topic `alerts` is this table's changelog.

    So a transition is durable and published by one and the same write: it cannot be lost
    between the two, and it is not told again after a crash.
    """

    def __init__(self) -> None:
        self._partitions: dict[int, dict[str, Alert]] = {}
        self._open: dict[int, dict[str, set[str]]] = {}

    def forget(self, partition: int) -> None:
        """Drop the state of a partition that is no longer ours."""
        self._partitions.pop(partition, None)
        self._open.pop(partition, None)

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take one record of topic `alerts` back."""
        if value is None:
            alert = self._partitions.get(partition, {}).pop(key.decode(), None)
            if alert is not None:
                self._mark(partition, alert, is_open=False)
        else:
            self.keep(partition, Alert.model_validate_json(value))

    def fold(self, batch: Batch) -> Effects:
        """Refuse: alerts follow from totals, not from records."""
        raise NotImplementedError

    def keep(self, partition: int, alert: Alert) -> None:
        """Remember an alert's newest record."""
        self._partitions.setdefault(partition, {})[alert.fingerprint] = alert
        self._mark(partition, alert, is_open=alert.state in _OPEN)

    def find(self, partition: int, name: str) -> Alert | None:
        """Give the newest record of a fingerprint."""
        return self._partitions.get(partition, {}).get(name)

    def open_scopes(self, partition: int) -> Iterable[str]:
        """Give the scopes that have an alert pending or firing: time alone may change them."""
        return list(self._open.get(partition, ()))

    def is_open(self, partition: int, scope: str) -> bool:
        """Tell whether a scope has an alert pending or firing."""
        return scope in self._open.get(partition, ())

    def open_alerts(self, partition: int, scope: str) -> list[Alert]:
        """Give a scope's alerts that are pending or firing."""
        names = self._open.get(partition, {}).get(scope, ())
        book = self._partitions.get(partition, {})
        return [book[name] for name in sorted(names)]

    def _mark(self, partition: int, alert: Alert, *, is_open: bool) -> None:
        scopes = self._open.setdefault(partition, {})
        if is_open:
            scopes.setdefault(alert.scope, set()).add(alert.fingerprint)
        elif alert.scope in scopes:
            scopes[alert.scope].discard(alert.fingerprint)
            if not scopes[alert.scope]:
                del scopes[alert.scope]


def _awaits_time(rule: Rule, window_sizes: Collection[int]) -> bool:
    if rule.active_times is not None:
        return True
    if any(condition.baseline is not None for condition in rule.conditions):
        return True
    return any(
        isinstance(part, Age) or (isinstance(part, Over) and part.seconds not in window_sizes)
        for condition in rule.conditions
        for part in condition.window.parts
    )


class _Watched(NamedTuple):
    """The rules that watch a scope, each with its alert's fingerprint.

    Attributes:
        least_attempts: without so many no alert of the scope can begin.
        weeks: how far back the rules look for what is usual; 0 where they do not.
        awaits_time: time alone may change what the rules say.
    """

    rules: tuple[tuple[Rule, str], ...]
    least_attempts: int
    awaits_time: bool
    weeks: int = 0


_UNWATCHED = _Watched((), sys.maxsize, awaits_time=False)


class Watch:
    """The rules by scope: which of them watch it is found once and kept.

    Args:
        rules: the rules in force.
        window_sizes: the windows (s) of which each change is noticed anyway.
    """

    def __init__(self, rules: Iterable[Rule], window_sizes: Collection[int]) -> None:
        self._rules = tuple(rules)
        self._window_sizes = frozenset(window_sizes)
        self._by_scope: dict[str, _Watched] = {}

    def transitions(
        self, book: AlertBook, partition: int, scope: Scope, view: View, at_ms: int
    ) -> Iterator[Alert]:
        """Give what becomes of each alert of a scope; the caller publishes and keeps it."""
        text = str(scope)
        watching = self.watched(text).rules
        for rule, name in watching:
            alert = decide(rule, scope, view, book.find(partition, name), at_ms)
            if alert is not None:
                yield alert
        names = {name for _, name in watching}
        for orphan in book.open_alerts(partition, text):
            if orphan.fingerprint not in names:
                ended = retire(orphan, at_ms)
                if ended is not None:
                    yield ended

    @property
    def weeks(self) -> int:
        """Tell how far back any rule looks for what is usual; 0 where none does."""
        return max((rule.weeks for rule in self._rules), default=0)

    def rule(self, name: str) -> Rule | None:
        """Find a rule by its name."""
        return next((rule for rule in self._rules if rule.name == name), None)

    def watched(self, text: str) -> _Watched:
        """Give the rules that watch a scope, which is given by its text form."""
        found = self._by_scope.get(text)
        if found is None:
            found = self._by_scope[text] = self._find(parse_scope(text))
        return found

    def _find(self, scope: Scope) -> _Watched:
        rules = tuple(rule for rule in self._rules if rule.selects(scope))
        if not rules:
            return _UNWATCHED
        return _Watched(
            tuple((rule, fingerprint(rule.name, scope)) for rule in rules),
            min(rule.least_attempts for rule in rules),
            any(_awaits_time(rule, self._window_sizes) for rule in rules),
            max(rule.weeks for rule in rules),
        )
