"""When the trouble began that a rule has seen: how many calls it needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from streams.core.counts import Counts
from streams.core.rules.condition import Condition, Side
from streams.core.rules.metrics import Form, read


class Onset(NamedTuple):
    """When the trouble began (Unix ms), and how many calls were counted from there on."""

    at_ms: int
    calls: int


def find_onset(condition: Condition, panes: Iterable[tuple[int, Counts]]) -> Onset | None:
    """Find the pane from which on the rate lay farthest on the wrong side of the threshold.

    That is where the cumulated difference to the threshold turned: the maximum-likelihood place
    of a change, as in E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954).

    Args:
        condition: what fired; None is given where it is no rate.
        panes: where each begins (Unix s) and what it holds, oldest first, up to the firing.
    """
    if condition.metric.form is not Form.RATE:
        return None
    sign = 1.0 if condition.side is Side.BELOW else -1.0
    best = total = 0.0
    at: int | None = None
    calls = 0
    for start, counts in panes:
        reading = read(condition.metric, counts)
        sample, successes = reading.sample or 0, reading.successes or 0
        if at is None:
            at = start
        total += sign * (successes - condition.threshold * sample)
        calls += sample
        if total >= best:
            best, at, calls = total, None, 0
    return None if at is None else Onset(at * 1000, calls)
