from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from streams.core.counts import NOTHING, Counts, pack
from streams.core.panes import Pane, Sliding, day_pane, fine_pane

SHANGHAI = ZoneInfo("Asia/Shanghai")
SIZES = (30, 60, 300)
PANE = 10


def ms(text):
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def test_a_fine_pane_holds_its_event_and_begins_on_its_edge():
    assert fine_pane(ms("2026-11-22T10:00:09.999Z"), 10) == Pane(
        ms("2026-11-22T10:00:00Z") // 1000, ms("2026-11-22T10:00:10Z") // 1000
    )


def test_a_day_is_the_account_zones_day():
    day = day_pane(ms("2026-11-22T16:00:00Z"), SHANGHAI)
    assert day == Pane(ms("2026-11-22T16:00:00Z") // 1000, ms("2026-11-23T16:00:00Z") // 1000)
    assert day_pane(ms("2026-11-22T15:59:59.999Z"), SHANGHAI).end == day.start


def test_a_day_with_a_clock_change_is_as_long_as_it_is():
    day = day_pane(ms("2026-03-29T12:00:00Z"), ZoneInfo("Europe/Berlin"))
    assert day.end - day.start == 23 * 3600


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(["Asia/Shanghai", "Asia/Kathmandu"]))
def test_every_event_lies_in_its_day_and_days_meet(event_ms, zone):
    day = day_pane(event_ms, ZoneInfo(zone))
    assert day.start * 1000 <= event_ms < day.end * 1000
    assert day_pane(day.end * 1000, ZoneInfo(zone)).start == day.end
    local = datetime.fromtimestamp(day.start, UTC).astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute, local.second) == (0, 0, 0)


puts = st.tuples(st.just("put"), st.integers(0, 120), st.integers(0, 9))
slides = st.tuples(st.just("slide"), st.integers(0, 130), st.just(0))
drops = st.tuples(st.just("drop"), st.integers(0, 120), st.just(0))


@given(st.lists(st.one_of(puts, slides, drops), max_size=60), st.integers(0, 60))
def test_windows_are_the_sums_of_their_panes_whatever_happens(steps, begin):
    sliding = Sliding(SIZES, begin * PANE)
    panes = {}
    for what, where, amount in steps:
        if what == "put":
            counts = Counts(attempts=amount, last_event_ms=(where * PANE + 1) * 1000)
            panes[where * PANE] = counts
            sliding.put(where * PANE, pack(counts), counts.last_event_ms)
        elif what == "drop":
            panes.pop(where * PANE, None)
            sliding.drop(where * PANE)
        else:
            sliding.slide(where * PANE)
    for index, size in enumerate(SIZES):
        inside = [c for start, c in panes.items() if sliding.end - size <= start < sliding.end]
        counted = sliding.window(index)
        assert counted.attempts == sum(c.attempts for c in inside)
        assert counted.last_event_ms == max((c.last_event_ms for c in inside), default=0)
        assert counted.attempts == sliding.between(sliding.end - size, sliding.end).attempts


@given(st.lists(st.integers(0, 40), min_size=1, max_size=20), st.integers(0, 50))
def test_nothing_changes_before_the_next_change_is_due(starts, begin):
    sliding = Sliding(SIZES, begin * PANE)
    for start in starts:
        sliding.put(start * PANE, pack(Counts(attempts=1)), 1)
    due = sliding.next_change()
    before = [sliding.window(index) for index in range(len(SIZES))]
    end = sliding.end
    while due is not None and end + PANE < due:
        end += PANE
        sliding.slide(end)
        assert [sliding.window(index) for index in range(len(SIZES))] == before
    if due is not None:
        sliding.slide(end + PANE)
        assert [sliding.window(index) for index in range(len(SIZES))] != before


def test_the_last_attempts_come_from_the_newest_panes_that_hold_them():
    sliding = Sliding(SIZES, 0)
    for start, attempts in ((0, 5), (10, 4), (20, 3)):
        sliding.put(start, pack(Counts(attempts=attempts)), 0)
    sliding.slide(30)
    assert sliding.last(7) == (10, Counts(attempts=7))
    assert sliding.last(8) == (0, Counts(attempts=12))
    assert sliding.last(100)[1].attempts == 12
    assert Sliding(SIZES, 0).last(1) == (0, NOTHING)
