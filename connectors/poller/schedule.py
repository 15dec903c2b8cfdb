"""What an outcome means: when to poll next, and in which state the source is meanwhile. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import floor

from connectors.http import DeniedError
from connectors.poller.settings import PollerSettings
from connectors.poller.status import State
from schemas.errors import CallstreamsError, FatalError, RetryableError

_MOST_DOUBLINGS = 20  # more change nothing, and a timedelta has its limit


class FencedError(CallstreamsError):
    """Another producer has taken this source's transactional id: we are the zombie."""


class Fault(StrEnum):
    """What kind of failure it was, by what helps."""

    RETRYABLE = "retryable"
    BUG = "bug"
    FATAL = "fatal"
    DENIED = "denied"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True)
class Success:
    """A poll that was published; `more` says that there is more to read at once."""

    more: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A poll that failed and published no cursor."""

    fault: Fault
    reason: str
    retry_after: timedelta | None = None


Outcome = Success | Failure


@dataclass(frozen=True, slots=True)
class History:
    """What the schedule remembers of a source.

    Attributes:
        due: when to poll next, in monotonic seconds.
        failures: how many polls failed in a row.
        state: where the source stands until then.
        reason: why, where it failed.
    """

    due: float
    failures: int = 0
    state: State = State.STARTING
    reason: str | None = None


def judge(error: Exception) -> Failure:
    """Tell from an exception what kind of failure it is."""
    if isinstance(error, FencedError):
        return Failure(Fault.FENCED, str(error))
    if isinstance(error, DeniedError):
        return Failure(Fault.DENIED, str(error))
    if isinstance(error, FatalError):
        return Failure(Fault.FATAL, str(error))
    if isinstance(error, RetryableError):
        return Failure(Fault.RETRYABLE, str(error), error.retry_after)
    # The text of an exception that nobody foresaw may hold anything, a phone number too.
    return Failure(
        Fault.BUG, f"unexpected {type(error).__name__}: a fault of ours, see the log for where"
    )


def decide(
    outcome: Outcome,
    history: History,
    *,
    now: float,
    interval: timedelta,
    settings: PollerSettings,
    jitter: float,
) -> History:
    """Decide when to poll next.

    Args:
        outcome: how the poll ended.
        history: what was known before it.
        now: monotonic seconds.
        interval: the source's own.
        settings: how patient to be.
        jitter: 0..1, drawn anew each time.
    """
    if isinstance(outcome, Success):
        due = now if outcome.more else _next_turn(history.due, interval.total_seconds(), now)
        return History(due, state=State.OK)
    wait = _wait(outcome, history.failures, settings, jitter)
    stopped = outcome.fault in (Fault.FATAL, Fault.DENIED, Fault.FENCED)
    return History(
        now + wait.total_seconds(),
        failures=history.failures + 1,
        state=State.STOPPED if stopped else State.DEGRADED,
        reason=outcome.reason,
    )


def _next_turn(due: float, interval: float, now: float) -> float:
    """Give the first turn after `now`: turns keep their beat, and missed ones are not made up."""
    if interval <= 0:
        return now
    missed = max(0, floor((now - due) / interval))
    return max(now, due + (missed + 1) * interval)


def _wait(failure: Failure, before: int, settings: PollerSettings, jitter: float) -> timedelta:
    match failure.fault:
        case Fault.DENIED:
            return settings.denied_pause
        case Fault.FATAL:
            return settings.fatal_pause
        case Fault.FENCED:
            return settings.fenced_pause
        case Fault.BUG:
            return _backoff(settings.bug_wait, before, settings.longest_wait, jitter)
        case Fault.RETRYABLE:
            wait = _backoff(settings.first_wait, before, settings.longest_wait, jitter)
            return max(wait, failure.retry_after or timedelta(0))


def _backoff(first: timedelta, before: int, longest: timedelta, jitter: float) -> timedelta:
    """Double with each failure, half of it random: never less than half, never none."""
    doublings = min(before, _MOST_DOUBLINGS)
    whole = min(first * (1 << doublings), longest)
    return whole * (1 + jitter) / 2
