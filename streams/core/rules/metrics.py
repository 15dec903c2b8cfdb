"""What a rule can watch, and how it is read from counts."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from schemas.scope import Basis
from streams.core.counts import Counts
from streams.core.wilson import wilson


class Form(StrEnum):
    """How a metric is made, and so how it can be tested."""

    RATE = "rate"
    MEAN = "mean"
    COUNT = "count"
    AGE = "age"


class Metric(StrEnum):
    """The metrics by the names that rules use."""

    ANSWER_RATE = "answer_rate"
    CONNECT_RATE = "connect_rate"
    ABANDON_RATE = "abandon_rate"
    MISSED_CALLS = "missed_calls"
    AVERAGE_TALK_SECONDS = "average_talk_seconds"
    ATTEMPTS = "attempts"
    DATA_AGE = "data_age"

    @property
    def form(self) -> Form:
        """Tell a rate from a mean, a plain count and an age."""
        return _FORMS[self]

    @property
    def bases(self) -> tuple[Basis, ...]:
        """Name the sources that report it.

        Tallies hold attempts and answered alone: the rest is unknown there, and not zero.
        """
        if self in (Metric.ANSWER_RATE, Metric.ATTEMPTS, Metric.DATA_AGE):
            return (Basis.CALLS, Basis.TALLIES)
        return (Basis.CALLS,)


_FORMS = {
    Metric.ANSWER_RATE: Form.RATE,
    Metric.CONNECT_RATE: Form.RATE,
    Metric.ABANDON_RATE: Form.RATE,
    Metric.MISSED_CALLS: Form.COUNT,
    Metric.AVERAGE_TALK_SECONDS: Form.MEAN,
    Metric.ATTEMPTS: Form.COUNT,
    Metric.DATA_AGE: Form.AGE,
}


class Reading(NamedTuple):
    """A metric as it was read from counts.

    Attributes:
        value: None where there is nothing to divide by, or the counts make no rate.
        successes: the upper number of a rate.
        sample: what a rate or mean is taken over: attempts; for the abandon rate the answered
            calls; for the average talk time the connected ones. None for a count.
        low, high: the Wilson interval of a rate.
    """

    value: float | None
    successes: int | None = None
    sample: int | None = None
    low: float | None = None
    high: float | None = None


def read(metric: Metric, counts: Counts, confidence: float = 0.95, *, end_ms: int = 0) -> Reading:
    """Read a metric from counts that end at `end_ms`."""
    match metric:
        case Metric.ANSWER_RATE:
            return _rate(counts.answered, counts.attempts, confidence)
        case Metric.CONNECT_RATE:
            return _rate(counts.connected, counts.attempts, confidence)
        case Metric.ABANDON_RATE:
            return _rate(counts.abandoned, counts.answered, confidence)
        case Metric.AVERAGE_TALK_SECONDS:
            sample = counts.connected
            return Reading(counts.talk_seconds / sample if sample else None, sample=sample)
        case Metric.MISSED_CALLS:
            return Reading(counts.missed)
        case Metric.ATTEMPTS:
            return Reading(counts.attempts)
        case Metric.DATA_AGE:
            last = counts.last_event_ms
            return Reading(max(0, end_ms - last) / 1000 if last else None)


def _rate(successes: int, sample: int, confidence: float) -> Reading:
    if sample <= 0:
        return Reading(None, successes=0, sample=0)
    # Tallies that a vendor corrects may answer more than they attempt for a moment.
    if not 0 <= successes <= sample:
        return Reading(None, sample=sample)
    low, high = wilson(successes, sample, confidence)
    return Reading(successes / sample, successes, sample, low, high)
