from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.http import DeniedError, RefusedError
from connectors.poller.schedule import (
    Failure,
    Fault,
    FencedError,
    History,
    Success,
    decide,
    judge,
)
from connectors.poller.settings import PollerSettings
from connectors.poller.status import State
from schemas.errors import ConfigError, RetryableError

SETTINGS = PollerSettings()
INTERVAL = timedelta(seconds=10)

jitters = st.floats(0, 1)
failure_counts = st.integers(0, 10_000)
moments = st.floats(0, 1e7)


def wait_after(failure: Failure, failures: int, jitter: float) -> float:
    """Seconds from a failure at 0 to the next poll."""
    history = History(due=0, failures=failures)
    return decide(failure, history, now=0, interval=INTERVAL, settings=SETTINGS, jitter=jitter).due


@given(failure_counts, jitters, st.sampled_from([Fault.RETRYABLE, Fault.BUG]))
def test_backoff_is_bounded(failures: int, jitter: float, fault: Fault) -> None:
    wait = wait_after(Failure(fault, "r"), failures, jitter)
    first = SETTINGS.first_wait if fault is Fault.RETRYABLE else SETTINGS.bug_wait
    assert first.total_seconds() / 2 <= wait <= SETTINGS.longest_wait.total_seconds()


@given(failure_counts, jitters, st.sampled_from([Fault.RETRYABLE, Fault.BUG]))
def test_backoff_never_shrinks_with_more_failures(
    failures: int, jitter: float, fault: Fault
) -> None:
    failure = Failure(fault, "r")
    assert wait_after(failure, failures, jitter) <= wait_after(failure, failures + 1, jitter)


@given(failure_counts, jitters, st.timedeltas(timedelta(0), timedelta(days=2)))
def test_a_vendor_is_never_asked_sooner_than_it_said(
    failures: int, jitter: float, retry_after: timedelta
) -> None:
    failure = Failure(Fault.RETRYABLE, "r", retry_after)
    assert wait_after(failure, failures, jitter) >= retry_after.total_seconds()


@given(due=st.floats(0, 1e6), late=st.floats(0, 1e4), seconds=st.floats(0.01, 1e4))
def test_turns_keep_their_beat_and_missed_ones_are_not_made_up(
    due: float, late: float, seconds: float
) -> None:
    now = due + late
    after = decide(
        Success(),
        History(due),
        now=now,
        interval=timedelta(seconds=seconds),
        settings=SETTINGS,
        jitter=0,
    )
    interval = timedelta(seconds=seconds).total_seconds()
    assert now <= after.due <= now + interval + 1e-3
    turns = (after.due - due) / interval
    assert turns == pytest.approx(round(turns), abs=1e-3) or after.due == now


@given(moments, failure_counts)
def test_more_to_read_is_read_at_once_and_success_forgets_failures(
    now: float, failures: int
) -> None:
    history = History(due=0, failures=failures, state=State.DEGRADED, reason="r")
    after = decide(
        Success(more=True), history, now=now, interval=INTERVAL, settings=SETTINGS, jitter=1
    )
    assert after == History(due=now, state=State.OK)


@pytest.mark.parametrize(
    ("error", "state", "wait"),
    [
        (DeniedError("no", status=401), State.STOPPED, SETTINGS.denied_pause),
        (DeniedError("locked", status=403), State.STOPPED, SETTINGS.denied_pause),
        (RefusedError("bad", status=400), State.STOPPED, SETTINGS.fatal_pause),
        (ConfigError("set x"), State.STOPPED, SETTINGS.fatal_pause),
        (FencedError("gone"), State.STOPPED, 2 * SETTINGS.session_timeout),
        (RetryableError("later"), State.DEGRADED, SETTINGS.first_wait),
        (KeyError("x"), State.DEGRADED, SETTINGS.bug_wait),
    ],
)
def test_each_kind_of_failure_has_its_state_and_wait(
    error: Exception, state: State, wait: timedelta
) -> None:
    after = decide(
        judge(error), History(due=0), now=5, interval=INTERVAL, settings=SETTINGS, jitter=1
    )
    assert after.state is state
    assert after.due == 5 + wait.total_seconds()
    assert after.reason


def test_the_text_of_a_bug_stays_out_of_the_status() -> None:
    assert "18512342456" not in judge(ValueError("bad number 18512342456")).reason
    assert "ValueError" in judge(ValueError("bad number 18512342456")).reason


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="first_wait <= bug_wait <= longest_wait"):
        PollerSettings(first_wait=timedelta(minutes=1))
