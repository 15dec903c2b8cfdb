"""Totals: absolutes over input partitions, whatever comes twice, late or from a zombie."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core import segments
from streams.core.counts import Counts, pack, to_wire
from streams.core.fence import ENCODE, Entry, Partials, Sheet
from streams.core.totals import Totals
from tests.core.log import Life, log_of

T0 = 1_795_000_000
DAY = (T0 // 86_400 * 86_400, T0 // 86_400 * 86_400 + 86_400)
SCOPE = "calls:icsoc/main"


@pytest.fixture(autouse=True)
def merged_often(monkeypatch):
    monkeypatch.setattr(segments, "FANOUT", 2)
    monkeypatch.setattr(segments, "_CHUNK", 3)
    monkeypatch.setattr(segments, "LARGE", 5)


def totals():
    return Totals(pane_seconds=10, window_sizes=(30, 60), late_seconds=3600, keep_seconds=7200)


def partial(start, source, offset, attempts, *, end=None, clock=None):
    entry = Entry(SCOPE, offset, start * 1000 + 1, to_wire(pack(Counts(attempts=attempts))))
    clock = start * 1000 + 5000 if clock is None else clock
    return ENCODE(Partials(source, clock, [Sheet(start, end or start + 10, [entry])]))


def lived(*values, sizes=(), crashes=()):
    log = log_of([(None, value) for value in values], timestamp=T0 * 1000)
    return Life(totals, topic="partials").live(log, sizes, crashes)


def windows(step, partition=0):
    found = step.scope(partition, SCOPE)
    return [found.sliding.window(index).attempts for index in range(2)]


def test_a_pane_is_the_sum_over_input_partitions_of_the_highest_offsets():
    life = lived(
        partial(T0, "calls-0", 5, 3), partial(T0, "calls-1", 2, 4), partial(T0, "calls-0", 9, 6),
        partial(T0, "calls-0", 7, 5),
    )  # fmt: skip
    assert windows(life.step) == [10, 10]


def test_windows_slide_with_the_clock_alone():
    step = lived(partial(T0, "calls-0", 5, 3), partial(T0 + 20, "calls-0", 6, 1)).step
    assert windows(step) == [4, 4]
    step.advance(0, (T0 + 30) * 1000)
    assert windows(step) == [1, 4]
    step.advance(0, (T0 + 100) * 1000)
    assert windows(step) == [0, 0]


def test_a_scope_is_told_when_it_changes_and_when_time_takes_from_it_and_not_otherwise():
    step = lived(partial(T0, "calls-0", 5, 3)).step

    def told():
        return [scope for scope, _ in step.take_changed(0)]

    assert told() == [SCOPE]
    assert told() == []
    step.advance(0, (T0 + 29) * 1000)
    assert told() == []
    step.advance(0, (T0 + 31) * 1000)
    assert told() == [SCOPE]
    assert told() == []


def test_a_day_is_told_under_its_own_pane_and_closed_when_it_is_too_late_for_more():
    start, end = DAY
    step = lived(partial(start, "calls-0", 1, 8, end=end, clock=T0 * 1000)).step
    ((_, found),) = step.take_changed(0)
    assert found.changed_days == ((start, end),)
    found.changed_days = ()
    step.advance(0, (end + 3600 + 20) * 1000)
    ((_, found),) = step.take_changed(0)
    assert found.changed_days == ((start, end),)
    assert found.open_days == ()


def test_a_fine_pane_that_begins_with_the_day_is_not_the_day():
    start, end = DAY
    step = lived(
        partial(start, "calls-0", 1, 8, end=end, clock=(start + 5) * 1000),
        partial(start, "calls-0", 2, 3),
    ).step
    assert windows(step) == [3, 3]
    assert step.scope(0, SCOPE).day(DAY).attempts == 8


def test_panes_past_their_time_leave_memory_and_changelog():
    life = lived(partial(T0, "calls-0", 5, 3), partial(T0 + 20_000, "calls-0", 6, 1), sizes=[1, 1])
    left = {key for key, value in dict(life.changelog).items() if value is not None}
    assert len(left) == 1
    assert len(life.step.scope(0, SCOPE).shares) == 1


def test_a_foreign_record_harms_nobody():
    life = lived(b"{", partial(T0, "calls-0", 5, 3))
    assert windows(life.step) == [3, 3]


def test_after_a_restart_all_is_told_again():
    life = lived(partial(T0, "calls-0", 5, 3), partial(T0 + 10, "calls-1", 2, 2))
    before = windows(life.step)
    revision = life.step.scope(0, SCOPE).revision
    life.restart(compacted=True)
    assert [scope for scope, _ in life.step.take_changed(0)] == [SCOPE]
    assert windows(life.step) == before
    assert life.step.scope(0, SCOPE).revision == revision


sent = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 2), st.integers(0, 50)), min_size=1, max_size=30
)
crash = st.one_of(st.none(), st.tuples(st.integers(0, 5), st.just(0)))


@settings(max_examples=200, deadline=None)
@given(sent, st.lists(st.integers(1, 6), max_size=40), st.lists(crash, max_size=20))
def test_any_order_repetition_and_crash_gives_the_highest_offsets_sum(messages, sizes, crashes):
    # the counts of a pane at an offset are a function of both
    values = [
        partial(T0 + pane * 10, f"calls-{source}", offset, offset * 3 + pane)
        for pane, source, offset in messages
    ]
    life = lived(*values, sizes=sizes, crashes=crashes)
    highest = {}
    for pane, source, offset in messages:
        highest[pane, source] = max(highest.get((pane, source), 0), offset)
    right = sum(offset * 3 + pane for (pane, _), offset in highest.items())
    life.step.advance(0, (T0 + 70) * 1000)
    assert life.step.scope(0, SCOPE).sliding.between(0, T0 + 100).attempts == right
