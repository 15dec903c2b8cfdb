from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from connectors.vendors.icsoc.windows import Progress, Sweep, first_start, plan

from .conftest import NOW

LOOKBACK = timedelta(hours=3, minutes=30)
EVERY = timedelta(minutes=5)
FIRST = NOW - timedelta(hours=16)


def planned(progress, now=NOW):
    return plan(progress, now, first=FIRST, lookback=LOOKBACK, every=EVERY)


def test_the_first_sweep_begins_at_the_start():
    assert planned(Progress()).sweep == Sweep(since=FIRST, until=NOW)


def test_between_two_sweeps_there_is_none():
    progress = Progress(swept=NOW - EVERY + timedelta(seconds=1))
    assert planned(progress) == progress


def test_a_sweep_reaches_back_from_the_last_ones_end():
    swept = NOW - timedelta(hours=6)
    assert planned(Progress(swept=swept)).sweep == Sweep(since=swept - LOOKBACK, until=NOW)


def test_a_sweep_under_way_goes_on_with_its_own_span():
    under_way = Progress(swept=FIRST, sweep=Sweep(since=FIRST, until=NOW, after="x"))
    assert planned(under_way, NOW + timedelta(hours=1)) == under_way
    assert under_way.advanced("y").sweep == Sweep(since=FIRST, until=NOW, after="y")
    assert under_way.advanced(None) == Progress(swept=NOW)


def test_the_first_poll_begins_at_local_midnight_or_the_given_span_ago():
    shanghai = ZoneInfo("Asia/Shanghai")
    late = datetime(2021, 6, 18, 17, 30, tzinfo=UTC)  # 01:30 on the 19th in Shanghai
    assert first_start(late, shanghai, None) == datetime(2021, 6, 18, 16, tzinfo=UTC)
    assert first_start(late, shanghai, timedelta(hours=1)) == late - timedelta(hours=1)


@given(
    st.lists(st.tuples(st.timedeltas(timedelta(0), timedelta(hours=9)), st.booleans()), min_size=1)
)
def test_however_polls_come_each_call_is_swept_once_more_when_it_is_settled(steps):
    """A call that started after the beginning is in some sweep that ended `LOOKBACK` later."""
    now, progress, sweeps = NOW, Progress(), []
    for pause, finishes in steps:
        progress = planned(progress, now)
        if progress.sweep is not None and finishes:
            sweeps.append(progress.sweep)
        progress = progress.advanced(None if finishes else "more")
        now += pause
    for one, following in pairwise(sweeps):
        assert following.since == one.until - LOOKBACK
        assert following.until > one.until
