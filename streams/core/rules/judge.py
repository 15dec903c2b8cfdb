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

from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from streams.core.rules.metrics import Form, Reading, read
from streams.core.rules.model import NoData, Rule, Side
from streams.core.rules.moments import moment
from streams.core.rules.windows import Measured, View, Window


class Verdict(IntEnum):
    """Ordered, so that `all` windows is the least verdict and `any` the greatest (Kleene)."""

    CLEARS = 0
    UNSURE = 1
    HOLDS = 2


class Finding(NamedTuple):
    """A verdict with the window and the numbers it rests on."""

    verdict: Verdict
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
    """Judge all windows of a rule, and give the first that decides."""
    findings = [judge_window(rule, part, part.measure(view)) for part in rule.window.parts]
    pick = min if rule.window.combine == "all" else max
    return pick(findings, key=lambda finding: finding.verdict)


def judge_window(rule: Rule, window: Window, measured: Measured) -> Finding:
    """Judge one window."""
    reading = read(rule.metric, measured.counts, rule.confidence)
    return Finding(judge_reading(rule, reading), window, measured, reading)


def judge_reading(rule: Rule, reading: Reading) -> Verdict:
    """Judge the numbers alone."""
    if reading.value is None:
        return Verdict.UNSURE if reading.sample else _NO_DATA[rule.no_data]
    if rule.metric.form is not Form.COUNT and (reading.sample or 0) < rule.min_attempts:
        return Verdict.UNSURE
    # Mirror `above` onto `below`, so that the comparison is written once.
    sign = 1 if rule.side is Side.BELOW else -1
    far_end = reading.value
    if rule.tests_interval and reading.high is not None and reading.low is not None:
        far_end = reading.high if rule.side is Side.BELOW else reading.low
    if sign * far_end < sign * rule.threshold:
        return Verdict.HOLDS
    if sign * reading.value >= sign * rule.resolve_at:
        return Verdict.CLEARS
    return Verdict.UNSURE
