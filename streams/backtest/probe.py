"""One scope over time, as one rule saw it."""

from __future__ import annotations

from typing import NamedTuple

from schemas.scope import Scope
from streams.backtest.machine import Machine
from streams.core.rules.judge import judge_condition
from streams.core.rules.model import Condition, Rule


class Point(NamedTuple):
    """What was measured at one moment (Unix ms)."""

    at_ms: int
    value: float | None
    low: float | None
    high: float | None
    sample: int | None


class Probe:
    """Looks at one scope whenever its windows have moved.

    Args:
        rule: through whose first condition is looked.
        scope: where is looked.
    """

    def __init__(self, machine: Machine, rule: Rule, scope: Scope) -> None:
        self.rule = rule
        self.scope = scope
        self.points: list[Point] = []
        self._machine = machine

    @property
    def condition(self) -> Condition:
        """Give what is looked through."""
        return self.rule.conditions[0]

    def look(self, _now_ms: int) -> None:
        """Note what the rule sees now, where it is not what it saw before."""
        view, end_ms = self._machine.view(str(self.scope))
        reading = judge_condition(self.condition, view).reading
        point = Point(end_ms, reading.value, reading.low, reading.high, reading.sample)
        if self.condition.has_sample and (reading.sample or 0) < self.condition.min_attempts:
            # Too few calls to say anything of: a gap, since no rule looks at them either.
            point = Point(end_ms, None, None, None, reading.sample)
        same = len(self.points) > 1 and self.points[-1][1:] == self.points[-2][1:] == point[1:]
        if same or (self.points and self.points[-1].at_ms == end_ms):
            self.points[-1] = point
        else:
            self.points.append(point)
