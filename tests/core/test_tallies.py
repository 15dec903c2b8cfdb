"""Tallies: differences of cumulative counters, over resets, gaps, replays and crashes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.base import Vendor
from schemas.tally import Tally
from streams.core.counts import NOTHING
from streams.core.tallies import Counter, Reading, TallyCounter, grown
from tests.core.log import Life, log_of
from tests.core.test_calls import day_of, partials

SHANGHAI = ZoneInfo("Asia/Shanghai")
BASE = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
NOW_MS = int((BASE + timedelta(hours=1)).timestamp() * 1000)
MIDNIGHT = datetime(2026, 11, 21, 16, tzinfo=UTC)


def counter():
    return TallyCounter(
        topic="tallies",
        partials="partials",
        partitions=3,
        dead_letters="dead",
        pane_seconds=10,
        zone_of=lambda _vendor, _account: SHANGHAI,
        late_seconds=4 * 3600,
    )


def reading(at, attempts, answered, *, since=None, number="0108", **more):
    return Tally(
        vendor=Vendor.SEVENMOOR,
        account="main",
        series=f"7moor/main/display_number/{number}",
        read_at=BASE + timedelta(seconds=at),
        since=since,
        display_number=number,
        attempts=attempts,
        answered=answered,
        **more,
    )


def lived(*tallies, sizes=(), crashes=()):
    log = log_of([(each.key, each.to_json()) for each in tallies], timestamp=NOW_MS)
    return Life(counter, topic="tallies").live(log, sizes, crashes)


def counted(life, scope="tallies:7moor/main/display_number/0108"):
    day = day_of(scope, life.outputs)
    return day.attempts, day.answered


def test_a_first_reading_is_a_baseline_and_later_ones_count_by_what_they_grew():
    life = lived(reading(0, 100, 40), reading(10, 103, 41), reading(20, 110, 44))
    assert counted(life) == (10, 4)
    assert counted(life, "tallies:7moor") == (10, 4)
    fine = {pane.start for _, pane in partials(life.outputs) if pane.end - pane.start == 10}
    assert fine == {int(BASE.timestamp()) + 10, int(BASE.timestamp()) + 20}


def test_a_counter_that_fell_was_reset_and_counts_from_zero():
    assert counted(lived(reading(0, 100, 40), reading(10, 3, 1), reading(20, 5, 2))) == (5, 2)


def test_a_missing_counter_is_unknown_and_not_zero():
    life = lived(reading(0, 100, 40), reading(10, None, None), reading(20, 101, None),
                 reading(30, 104, 41))  # fmt: skip
    assert counted(life) == (4, 1)


def test_a_stated_period_that_begins_while_watched_begins_at_zero():
    tomorrow = MIDNIGHT + timedelta(days=1)
    late = (tomorrow - BASE).total_seconds()
    life = lived(
        reading(late - 10, 100, 40, since=MIDNIGHT),
        reading(late + 10, 7, 2, since=tomorrow),
        # yesterday's last calls end after midnight
        reading(late + 10, 102, 41, since=MIDNIGHT),
        reading(late + 20, 9, 3, since=tomorrow),
    )
    total = [0, 0]
    for (scope, pane), counts in partials(life.outputs).items():
        if scope == "tallies:7moor" and pane.end - pane.start == 86_400:
            total[0] += counts.attempts
            total[1] += counts.answered
    assert total == [9 + 2, 3 + 1]


def test_a_correction_of_a_stated_period_is_no_reset():
    life = lived(
        reading(0, 10, 5, since=MIDNIGHT),
        reading(10, 20, 9, since=MIDNIGHT),
        reading(20, 20, 8, since=MIDNIGHT),
        reading(30, 22, 10, since=MIDNIGHT),
    )
    assert counted(life) == (12, 5)


def test_an_older_reading_that_comes_again_adds_nothing():
    a, b, c = reading(0, 100, 40), reading(10, 105, 42), reading(20, 109, 43)
    assert counted(lived(a, b, c, b, c)) == (9, 3)


def test_a_batch_counts_in_itself_alone():
    tally = {"vendor": Vendor.HUAWEI, "account": "main", "campaign": "170", "batch": "66"}
    readings = [
        Tally(series="s", read_at=BASE + timedelta(seconds=n), attempts=n, answered=0, **tally)
        for n in (0, 5)
    ]
    life = lived(*readings)
    assert counted(life, "tallies:huawei/main/campaign/170/66") == (5, 0)
    assert day_of("tallies:huawei/main/campaign/170", life.outputs) == NOTHING
    assert day_of("tallies:huawei", life.outputs) == NOTHING


def test_a_record_that_is_no_tally_is_a_dead_letter_and_the_next_one_counts():
    good = [reading(0, 1, 0), reading(10, 3, 1)]
    messages = [(each.key, each.to_json()) for each in good]
    log = log_of([messages[0], (b"k", b"[1"), messages[1]], timestamp=NOW_MS)
    life = Life(counter, topic="tallies").live(log, [1] * 3, [])
    assert [output.topic for output in life.outputs].count("dead") == 1
    assert counted(life) == (2, 1)


growth = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=25)
crash = st.one_of(st.none(), st.tuples(st.integers(0, 6), st.integers(0, 6)))


@settings(max_examples=200, deadline=None)
@given(growth, st.lists(st.integers(1, 5), max_size=40), st.lists(crash, max_size=20))
def test_any_batches_and_crashes_count_what_the_counters_grew(steps, sizes, crashes):
    attempts = answered = 50
    tallies = []
    for at, (more, picked) in enumerate(steps):
        attempts, answered = attempts + more + picked, answered + picked
        tallies.append(reading(at * 7, attempts, answered))
    life = lived(*tallies, sizes=sizes, crashes=crashes)
    assert counted(life) == (
        tallies[-1].attempts - tallies[0].attempts,
        tallies[-1].answered - tallies[0].answered,
    )


def test_versions_before_the_commit_are_dropped():
    life = lived(*(reading(n, n, 0) for n in range(30)), sizes=[1] * 30)
    series = dict(life.changelog)[b"s|7moor/main/display_number/0108"]
    assert series.count(b"[") < 12


def test_the_first_of_an_older_period_is_a_baseline_too():
    before = Reading(1000, (Counter(500, 10, 5),))
    after, added = grown(before, 2000, Counter(400, 99, 40))
    assert (added.attempts, added.answered) == (0, 0)
    assert {counter.since_ms for counter in after.periods} == {400, 500}
