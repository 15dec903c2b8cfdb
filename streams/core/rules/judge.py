"""Judge counts by a rule: does its condition hold, has it cleared, or is neither shown?

Three answers and not two are what keeps an alert from flapping. For `below`, with the Wilson
interval `low ≤ value ≤ high` of a rate:

- HOLDS: `high < below`. The whole interval lies under the threshold; chance does not explain it.
- CLEARS: `value ≥ resolve` (and so `high ≥ below`, since `high ≥ value ≥ resolve ≥ below`).
- UNSURE: all between, which is the hysteresis band; and a sample below `min_attempts`.

`above` is the mirror image. A point test and a count take the value for both ends. UNSURE changes
nothing that fires or is at rest, so no sequence of readings in the band causes a transition.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import Literal, NamedTuple

from streams.core.rules.metrics import Reading, read
from streams.core.rules.model import Condition, NoData, Rule, Side
from streams.core.rules.moments import moment
from streams.core.rules.windows import Measured, View, Window


class Verdict(IntEnum):
    """Ordered, so that `all` is the least verdict and `any` the greatest (Kleene)."""

    CLEARS = 0
    UNSURE = 1
    HOLDS = 2


class Finding(NamedTuple):
    """A verdict with the condition, the window and the numbers it rests on."""

    verdict: Verdict
    condition: Condition
    window: Window
    measured: Measured
    reading: Reading

    @property
    def last_event_at(self) -> datetime | None:
        """Give the newest event that was counted."""
        milliseconds = self.measured.counts.last_event_ms
        return moment(milliseconds) if milliseconds else None


_NO_DATA = {
    NoData.KEEP: Verdict.UNSURE,
    NoData.OK: Verdict.CLEARS,
    NoData.ALERT: Verdict.HOLDS,
}


def judge(rule: Rule, view: View) -> Finding:
    """Judge all conditions of a rule, and give the finding that decides."""
    findings = [judge_condition(condition, view) for condition in rule.conditions]
    return _pick(findings, rule.combine)


def judge_condition(condition: Condition, view: View) -> Finding:
    """Judge all windows of a condition, and give the finding that decides."""
    if condition.baseline is not None:
        condition = condition.against(view.usual(condition.baseline.weeks))
    windows = condition.window
    findings = [judge_window(condition, part, part.measure(view)) for part in windows.parts]
    return _pick(findings, windows.combine)


def judge_window(condition: Condition, window: Window, measured: Measured) -> Finding:
    """Judge one window."""
    reading = read(condition.metric, measured.counts, condition.confidence, end_ms=measured.end_ms)
    return Finding(judge_reading(condition, reading), condition, window, measured, reading)


def judge_reading(condition: Condition, reading: Reading) -> Verdict:
    """Judge the numbers alone; without the baseline that is asked for nothing is shown."""
    if condition.awaits_history:
        return Verdict.UNSURE
    if reading.value is None:
        return Verdict.UNSURE if reading.sample else _NO_DATA[condition.no_data]
    if condition.has_sample and (reading.sample or 0) < condition.min_attempts:
        return Verdict.UNSURE
    # Mirror `above` onto `below`, so that the comparison is written once.
    sign = 1 if condition.side is Side.BELOW else -1
    far_end = reading.value
    if condition.tests_interval and reading.high is not None and reading.low is not None:
        far_end = reading.high if condition.side is Side.BELOW else reading.low
    if sign * far_end < sign * condition.threshold:
        return Verdict.HOLDS
    if sign * reading.value >= sign * condition.resolve_at:
        return Verdict.CLEARS
    return Verdict.UNSURE


def _pick(findings: Sequence[Finding], combine: Literal["all", "any"]) -> Finding:
    pick = min if combine == "all" else max
    return pick(findings, key=lambda finding: finding.verdict)
