"""What the services count, from what happens to them."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from connectors.budget import Spaced
from connectors.hooks.measured import Measured
from connectors.poller.meter import Meter as SourceMeter
from connectors.poller.status import SourceStatus, State
from schemas import topics
from schemas.base import Vendor
from schemas.errors import FatalError, RetryableError
from schemas.scope import Basis, Kind, Scope
from streams.agents.told import Told
from streams.core.counts import Counts
from streams.core.metrics import WindowSpec
from streams.core.refuse import refuse
from streams.core.step import Batch, Effects, Output
from streams.engine.meter import Meter
from tests.core.log import Rec
from tests.telemetry import scrape

NUMBER = "075512345678"
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def name():
    """Give a name that no other test counts under: the registry is the process's."""
    return uuid.uuid4().hex


def test_a_batch_is_counted_whole(name):
    batch = Batch("raw.huawei.missed-call", 0, [Rec(0, b""), Rec(1, b""), Rec(2, b"")], 0)
    calls = scrape.now().sum("callstreams_calls_total", vendor="huawei")
    effects = Effects(
        outputs=[
            Output(topics.CALLS.name, b"", b""),
            Output(topics.MISSED_CALLS.name, b"", b""),
            Output(topics.CALLS.name, b"", b""),
            refuse(topics.DEAD_LETTERS.name, name, batch, Rec(2, b""), "not-a-call", "why"),
        ]
    )
    Meter(name).count(batch, effects, 0.003)
    told = scrape.now()
    assert told.found("callstreams_records_total", stage=name, topic=batch.topic) == [3]
    assert told.found("callstreams_batches_total", stage=name, topic=batch.topic) == [1]
    assert told.found("callstreams_messages_total", stage=name, topic="calls") == [2]
    assert told.found("callstreams_messages_total", stage=name, topic="missed-calls") == [1]
    assert told.found("callstreams_dead_letters_total", stage=name, code="not-a-call") == [1]
    assert told.found("callstreams_fold_duration_seconds_sum", stage=name) == [0.003]
    assert told.sum("callstreams_calls_total", vendor="huawei") - calls == 2


def test_a_sources_polls_and_records_are_counted_over_restarts(name):
    source = {"vendor": "icsoc", "account": name, "feed": "cdr"}
    status = f"icsoc/{name}/cdr"
    meter = SourceMeter(lambda: ())
    for each in (
        SourceStatus(status),
        SourceStatus(status, State.POLLING),
        SourceStatus(status, State.OK, polls=1, records_published=7),
        SourceStatus(status, State.POLLING, polls=1, records_published=7),
        SourceStatus(status, State.DEGRADED, "503", polls=2, records_published=7),
        SourceStatus(status, State.STOPPED, "401", polls=3, records_published=7),
        SourceStatus(status),  # another rebalance: we have it anew
        SourceStatus(status, State.OK, polls=1, records_published=2),
    ):
        meter.count(each)
    told = scrape.now()
    polls = {
        outcome: told.sum("callstreams_polls_total", outcome=outcome, **source)
        for outcome in ("ok", "degraded", "stopped")
    }
    assert polls == {"ok": 2, "degraded": 1, "stopped": 1}
    assert told.found("callstreams_polled_records_total", **source) == [9]


def test_sources_are_shown_as_long_as_they_are_ours(name):
    source = {"vendor": "icsoc", "account": name, "feed": "cdr"}
    status = SourceStatus(f"icsoc/{name}/cdr", State.STOPPED, last_success_at=AT, found_by_search=4)
    with SourceMeter(lambda: (status, SourceStatus(f"7moor/{name}", State.STOPPED))).shown():
        told = scrape.now()
    states = {
        sample.labels["state"]: sample.value
        for sample in told.samples
        if sample.name == "callstreams_source_state" and source.items() <= sample.labels.items()
    }
    assert states == {"starting": 0, "polling": 0, "ok": 0, "degraded": 0, "stopped": 1}
    success = "callstreams_source_last_success_timestamp_seconds"
    assert told.found(success, account=name) == [AT.timestamp()]
    assert told.found("callstreams_found_by_search_records", **source) == [4]
    assert told.found("callstreams_source_state", account=name, feed="", state="stopped") == [1]
    assert not scrape.now().found("callstreams_source_state", account=name)


async def test_quota_left_is_what_the_last_minute_did_not_use():
    now = [0.0]
    budget = Spaced(timedelta(milliseconds=10), clock=lambda: now[0])
    assert budget.left is None  # whether another process has the account is not known
    for _ in range(3):
        await budget.acquire()
    assert budget.left == 1 - 3 / 6000
    now[0] = 59
    assert budget.left == 1 - 3 / 6000
    now[0] = 60
    assert budget.left == 1


async def test_one_request_in_a_long_gap_is_the_whole_quota():
    now = [0.0]
    budget = Spaced(timedelta(seconds=302), clock=lambda: now[0])
    await budget.acquire()
    now[0] = 301
    assert budget.left == 0
    now[0] = 303
    assert budget.left == 1


class _Receiver:
    def __init__(self, *faults):
        self._faults = iter(faults)
        self.closed = False

    async def deliver(self, _notification):
        fault = next(self._faults)
        if fault is not None:
            raise fault

    async def close(self):
        self.closed = True


async def test_attempts_to_tell_are_counted_by_how_they_ended(name):
    within = _Receiver(RetryableError("503"), RetryableError("503"), FatalError("404"), None)
    receiver = Measured(name, within)
    for fault in (RetryableError, RetryableError, FatalError):
        with pytest.raises(fault):
            await receiver.deliver(None)
    await receiver.deliver(None)
    told = scrape.now()
    attempts = {
        outcome: told.sum(
            "callstreams_hook_attempt_duration_seconds_count", receiver=name, outcome=outcome
        )
        for outcome in ("ok", "retryable", "fatal")
    }
    assert attempts == {"ok": 1, "retryable": 2, "fatal": 1}
    await receiver.close()
    assert within.closed


def _window(attempts, answered=0, *, missed=0, name="5m"):
    counts = Counts(attempts=attempts, answered=answered, missed=missed, last_event_ms=1_700_000)
    return WindowSpec(name, 0, 300, counts, final=False)


_VENDOR = Scope(Basis.CALLS, Vendor.ICSOC, None, Kind.VENDOR, None)
_CAMPAIGN = Scope(Basis.CALLS, Vendor.ICSOC, "main", Kind.CAMPAIGN, "10195/7")
_SHOWN = Scope(Basis.CALLS, Vendor.ICSOC, "main", Kind.DISPLAY_NUMBER, NUMBER)


def _told(told, *takes):
    for partition, scope, window in takes:
        told.take(partition, str(scope), window, outbound=True, inbound=False)
    with told.shown():
        return scrape.now()


def test_rates_are_told_with_their_attempts_and_without_them_there_is_none():
    about = {"basis": "calls", "vendor": "icsoc", "window": "5m"}
    seen = _told(Told(), (0, _VENDOR, _window(8, 2)), (1, _CAMPAIGN, _window(4, 3)))
    assert seen.found("callstreams_answer_ratio", kind="vendor", **about) == [0.25]
    assert seen.found("callstreams_answer_ratio", value="10195/7", **about) == [0.75]
    assert seen.found("callstreams_last_event_timestamp_seconds", vendor="icsoc") == [1700]
    assert not seen.found("callstreams_window_missed_calls")
    silent = _told(Told(), (0, _VENDOR, _window(0)))
    assert not silent.found("callstreams_answer_ratio")
    assert silent.found("callstreams_window_attempts", kind="vendor") == [0]


def test_a_campaign_that_is_over_and_a_partition_that_is_gone_leave_no_series():
    told = Told()
    _told(told, (0, _VENDOR, _window(8)), (1, _CAMPAIGN, _window(4)))
    over = _told(told, (1, _CAMPAIGN, _window(0)))
    assert not over.found("callstreams_window_attempts", kind="campaign")
    told.keep({1})
    with told.shown():
        left = scrape.now()
    assert not left.found("callstreams_window_attempts")
    assert not left.found("callstreams_last_event_timestamp_seconds")


def test_past_days_are_left_out():
    seen = _told(Told(), (0, _VENDOR, _window(8, name="day@2026-03-01T16:00Z")))
    assert not seen.found("callstreams_window_attempts")


def test_display_numbers_are_told_where_they_are_asked_for_and_else_not():
    assert NUMBER not in _told(Told(), (0, _SHOWN, _window(8, 2))).text
    asked = _told(Told(display_numbers=True), (0, _SHOWN, _window(8, 2)))
    assert asked.found("callstreams_answer_ratio", kind="display_number", value=NUMBER) == [0.25]
