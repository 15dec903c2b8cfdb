"""Counts for the tests: a fixed view, and one over events cut in panes of ten seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.scope import Scope
from streams.core.counts import NOTHING, Counts
from streams.core.rules import Measured, Rule

NUMBER = Scope.parse("calls:icsoc/main/display_number/075512345678")
QUEUE = Scope.parse("calls:huawei/main/queue/4001")
PANE = 10_000
START = 1_700_000_000_000


def rule(**keys: object) -> Rule:
    base = {"name": "answer-rate", "metric": "answer_rate", "window": "15m"}
    if "above" not in keys:
        base["below"] = "20%"
    return Rule.model_validate({**base, **keys})


def calls(attempts: int, answered: int, **others: int) -> Counts:
    return Counts(attempts=attempts, answered=answered, **others)


@dataclass
class Fixed:
    """The same counts in every window, or by the window's length."""

    counts: Counts = NOTHING
    by_seconds: dict[int, Counts] = field(default_factory=dict)
    recount: Counts | None = None
    end_ms: int = START

    def over(self, seconds: int) -> Measured:
        counts = self.by_seconds.get(seconds, self.counts)
        return Measured(counts, self.end_ms - seconds * 1000, self.end_ms)

    def last(self, attempts: int) -> Measured:
        return Measured(self.counts, self.end_ms - 60_000, self.end_ms)

    def between(self, start_ms: int, end_ms: int) -> Measured | None:
        return None if self.recount is None else Measured(self.recount, start_ms, end_ms)

    def newest(self) -> Measured:
        return Measured(self.counts, self.counts.last_event_ms or self.end_ms, self.end_ms)


class Panes:
    """Counts of events `(at_ms, counts)`, whatever the order they came in."""

    def __init__(self, events: Iterable[tuple[int, Counts]], end_ms: int) -> None:
        self.panes: dict[int, Counts] = {}
        self.end_ms = end_ms
        for at_ms, counts in events:
            start = at_ms // PANE * PANE
            self.panes[start] = self.panes.get(start, NOTHING).plus(
                counts._replace(last_event_ms=at_ms)
            )

    def between(self, start_ms: int, end_ms: int) -> Measured:
        total = NOTHING
        for start, counts in self.panes.items():
            if start_ms <= start < end_ms:
                total = total.plus(counts)
        return Measured(total, start_ms, end_ms)

    def over(self, seconds: int) -> Measured:
        return self.between(self.end_ms - seconds * 1000, self.end_ms)

    def last(self, attempts: int) -> Measured:
        total, begin = NOTHING, self.end_ms
        for start in sorted((s for s in self.panes if s < self.end_ms), reverse=True):
            total, begin = total.plus(self.panes[start]), start
            if total.attempts >= attempts:
                break
        return Measured(total, begin, self.end_ms)

    def newest(self) -> Measured:
        newest = max((each.last_event_ms for each in self.panes.values()), default=0)
        return Measured(NOTHING._replace(last_event_ms=newest), newest, self.end_ms)
