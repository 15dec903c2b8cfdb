"""Calls counted once, whatever copies come, in whatever order, over whatever crashes."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.base import Vendor
from schemas.call import Call, Direction, Outcome
from schemas.dead_letter import read_dead_letter
from streams.core import segments
from streams.core.calls import CallCounter
from streams.core.counts import NOTHING, from_wire, unpack
from streams.core.fence import DECODE_PARTIALS, partition_of_scope
from streams.core.panes import Pane
from streams.core.step import Batch
from tests.core.log import Life, Rec, log_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
BASE = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
NOW_MS = int((BASE + timedelta(hours=1)).timestamp() * 1000)
OUTCOMES = (Outcome.UNANSWERED, Outcome.ABANDONED, Outcome.CONNECTED)


def counter(**changes):
    options = {
        "topic": "calls",
        "partials": "partials",
        "partitions": 3,
        "dead_letters": "dead",
        "pane_seconds": 10,
        "zone_of": lambda _vendor, _account: SHANGHAI,
        "late_seconds": 4 * 3600,
        "copies_seconds": 48 * 3600,
    }
    return CallCounter(**(options | changes))


@pytest.fixture(autouse=True)
def merged_often(monkeypatch):
    monkeypatch.setattr(segments, "FANOUT", 2)
    monkeypatch.setattr(segments, "_CHUNK", 3)
    monkeypatch.setattr(segments, "LARGE", 5)


def call(call_id, *, end=0, outcome=Outcome.CONNECTED, talk=10, number="0755", **more):
    return Call(
        vendor=Vendor.ICSOC,
        account="main",
        call_id=call_id,
        direction=Direction.OUTBOUND,
        outcome=outcome,
        display_number=number,
        ended_at=None if end is None else BASE + timedelta(seconds=end),
        talk_seconds=talk if outcome is Outcome.CONNECTED else None,
        **more,
    )


def message(a_call):
    return a_call.key, a_call.to_json()


def entries(outputs):
    """What is told: by scope, pane and input partition, offset and counts."""
    for output in outputs:
        if output.topic == "partials":
            told = DECODE_PARTIALS(output.value)
            for sheet in told.sheets:
                for entry in sheet.entries:
                    assert output.partition == partition_of_scope(entry.scope, 3)
                    key = (entry.scope, Pane(sheet.start, sheet.end), told.source)
                    counts = unpack(from_wire(entry.counts), entry.newest_ms)
                    yield key, entry.offset, counts


def partials(outputs):
    """What the next stage holds: the highest offset of each scope, pane and input partition."""
    held = {}
    for key, offset, counts in entries(outputs):
        if key not in held or held[key][0] <= offset:
            held[key] = (offset, counts)
    return {
        key[:2]: counts
        for key, (_, counts) in held.items()
        if counts._replace(last_event_ms=0) != NOTHING
    }


def day_of(scope, outputs):
    days = [
        counts
        for (name, pane), counts in partials(outputs).items()
        if name == scope and pane.end - pane.start > 3600
    ]
    return days[0] if days else NOTHING


def test_a_call_counts_once_in_each_of_its_scopes_in_its_pane_and_its_day():
    one = call("1", campaign="10/7", region="广东 深圳", carrier="MOBILE", queue="660")
    life = Life(counter).live(log_of([message(one)], timestamp=NOW_MS), [1], [])
    counted = partials(life.outputs)
    assert {scope for scope, _ in counted} == {
        "calls:icsoc",
        "calls:icsoc/main",
        "calls:icsoc/main/display_number/0755",
        "calls:icsoc/main/campaign/10",
        "calls:icsoc/main/campaign/10/7",
        "calls:icsoc/main/queue/660",
        "calls:icsoc/main/region/广东 深圳",
        "calls:icsoc/main/carrier/MOBILE",
    }
    assert all(
        (c.attempts, c.answered, c.connected, c.abandoned, c.talk_seconds) == (1, 1, 1, 0, 10)
        for c in counted.values()
    )
    assert len(counted) == 16


def test_a_call_in_progress_counts_when_it_has_ended():
    log = log_of([message(call("1", end=None)), message(call("1", end=30))], timestamp=NOW_MS)
    life = Life(counter).live(log[:1], [1], [])
    assert partials(life.outputs) == {}
    life.live(log, [1], [])
    assert day_of("calls:icsoc", life.outputs).attempts == 1


def test_a_copy_adds_nothing_and_a_better_copy_replaces():
    worse = call("1", outcome=Outcome.UNANSWERED, end=10)
    better = call("1", outcome=Outcome.CONNECTED, end=70, talk=42)
    for order in ([worse, worse, better], [better, worse], [worse, better, worse, better]):
        log = log_of([message(each) for each in order], timestamp=NOW_MS)
        life = Life(counter).live(log, [1] * 9, [])
        day = day_of("calls:icsoc/main/display_number/0755", life.outputs)
        assert (day.attempts, day.answered, day.talk_seconds) == (1, 1, 42)
        fine = {
            pane.start: counts
            for (scope, pane), counts in partials(life.outputs).items()
            if scope == "calls:icsoc" and pane.end - pane.start == 10
        }
        assert fine.keys() == {int(BASE.timestamp()) + 70}


def test_a_masked_number_never_replaces_the_number():
    clear, masked = call("1", number="01012344343"), call("1", number="010xxxx4343")
    for order in ([clear, masked], [masked, clear]):
        log = log_of([message(each) for each in order], timestamp=NOW_MS)
        outputs = Life(counter).live(log, [1, 1], []).outputs
        assert day_of("calls:icsoc/main/display_number/01012344343", outputs).attempts == 1
        assert day_of("calls:icsoc/main/display_number/010xxxx4343", outputs).attempts == 0


def test_a_missed_call_is_missed_and_no_attempt():
    missed = Call(
        vendor=Vendor.HUAWEI,
        account="main",
        call_id="9",
        direction=Direction.INBOUND,
        outcome=Outcome.MISSED,
        queue="6300",
        ended_at=BASE,
        wait_seconds=12,
    )
    outputs = Life(counter).live(log_of([message(missed)], timestamp=NOW_MS), [1], []).outputs
    day = day_of("calls:huawei/main/queue/6300", outputs)
    assert (day.attempts, day.missed, day.wait_seconds) == (0, 1, 12)


def test_what_comes_too_late_for_a_pane_is_left_out_of_it_and_of_nothing_else():
    log = log_of([message(call("1"))], timestamp=int((BASE.timestamp() + 5 * 3600) * 1000))
    counted = partials(Life(counter).live(log, [1], []).outputs)
    assert {pane.end - pane.start for _, pane in counted} == {86_400}


def test_what_comes_too_late_for_every_window_is_counted_as_late():
    two_days = int((BASE.timestamp() + 48 * 3600) * 1000)
    log = log_of([message(call("1")), message(call("2", end=47 * 3600))], timestamp=two_days)
    effects = counter().fold(Batch("calls", 0, log, 0))
    assert effects.late == 1
    assert {counts.attempts for _, _, counts in entries(effects.outputs)} == {1}


def test_a_record_that_is_no_call_is_a_dead_letter_and_the_next_one_counts():
    log = log_of([(b"k", b'{"vendor": 7}'), (b"k", None), message(call("1"))], timestamp=NOW_MS)
    outputs = Life(counter).live(log, [3], []).outputs
    letters = [
        read_dead_letter(output.headers, output.value)
        for output in outputs
        if output.topic == "dead"
    ]
    assert [(letter.code, letter.offset, letter.value) for letter in letters] == [
        ("bad-call", 0, b'{"vendor": 7}'),
        ("bad-call", 1, None),
    ]
    assert day_of("calls:icsoc", outputs).attempts == 1


def test_state_beyond_its_horizon_is_dropped_from_memory_and_changelog():
    life = Life(lambda: counter(late_seconds=3600, copies_seconds=7200))
    hour = 3600_000
    times = [NOW_MS, NOW_MS + hour, NOW_MS + 40 * hour]
    calls = [call("1"), call("2", end=3600), call("3", end=40 * 3600)]
    log = [
        Rec(n, each.to_json(), each.key, at)
        for n, (each, at) in enumerate(zip(calls, times, strict=True))
    ]
    life.live(log, [1, 1, 1], [])
    left = {key: value for key, value in dict(life.changelog).items() if value is not None}
    assert sum(key.startswith(b"l|") for key in left) == 1
    reborn = counter(late_seconds=3600, copies_seconds=7200)
    for key, value in left.items():
        reborn.restore(0, key, value)
    ends = {pane.end for pane in reborn._panes._book(0).panes}
    assert min(ends) > NOW_MS // 1000 + 30 * 3600


def test_a_version_outlives_the_older_one_it_replaced():
    hour = 3600_000
    first, better = call("1", outcome=Outcome.UNANSWERED), call("1", talk=42)
    other = call("2")
    arrivals = [(first, 0), (better, hour), (other, 2 * hour + 1), (better, 2 * hour + 2)]
    log = [
        Rec(n, each.to_json(), each.key, NOW_MS + late) for n, (each, late) in enumerate(arrivals)
    ]
    life = Life(lambda: counter(copies_seconds=7200)).live(log, [1] * 4, [])
    day = day_of("calls:icsoc", life.outputs)
    assert (day.attempts, day.talk_seconds) == (2, 52)


copies = st.lists(
    st.builds(
        lambda name, end, outcome, talk, number: call(
            f"c{name}", end=end, outcome=outcome, talk=talk, number=f"075{number}"
        ),
        st.integers(0, 9),
        st.one_of(st.none(), st.integers(0, 90)),
        st.sampled_from(OUTCOMES),
        st.integers(0, 3),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=40,
)
crash = st.one_of(st.none(), st.tuples(st.integers(0, 12), st.integers(0, 12)))


def oracle(calls):
    """Count from the whole log at once: the best copy of each call, in its scopes and panes."""
    best = {}
    for each in calls:
        if each.ended_at is not None:
            rank = (each.ended_at, OUTCOMES.index(each.outcome), each.talk_seconds or 0)
            known = best.get(each.call_id)
            if known is None or (rank, each.display_number) > known[0]:
                best[each.call_id] = ((rank, each.display_number), each)
    counted = defaultdict(lambda: [0, 0, 0, 0])
    for _, each in best.values():
        end = int(each.ended_at.timestamp())
        midnight = int(datetime(2026, 11, 21, 16, tzinfo=UTC).timestamp())
        for scope in (
            "calls:icsoc",
            "calls:icsoc/main",
            f"calls:icsoc/main/display_number/{each.display_number}",
        ):
            for pane in ((end // 10 * 10, end // 10 * 10 + 10), (midnight, midnight + 86_400)):
                counts = counted[scope, pane]
                counts[0] += 1
                counts[1] += each.outcome is not Outcome.UNANSWERED
                counts[2] += each.outcome is Outcome.CONNECTED
                counts[3] += each.talk_seconds or 0
    return dict(counted)


def told(outputs):
    return {
        (scope, tuple(pane)): [c.attempts, c.answered, c.connected, c.talk_seconds]
        for (scope, pane), c in partials(outputs).items()
    }


@settings(max_examples=300, deadline=None)
@given(copies, st.lists(st.integers(1, 9), max_size=60), st.lists(crash, max_size=25))
def test_any_copies_batches_and_crashes_give_what_the_whole_log_gives(calls, sizes, crashes):
    log = log_of([message(each) for each in calls], timestamp=NOW_MS)
    life = Life(counter).live(log, sizes, crashes)
    assert told(life.outputs) == oracle(calls)


@settings(max_examples=60, deadline=None)
@given(copies, st.lists(crash, max_size=8), st.randoms())
def test_any_order_of_the_same_calls_gives_the_same(calls, crashes, random):
    shuffled = list(calls)
    random.shuffle(shuffled)
    log = log_of([message(each) for each in shuffled], timestamp=NOW_MS)
    assert told(Life(counter).live(log, [3] * 30, crashes).outputs) == oracle(calls)


@settings(max_examples=60, deadline=None)
@given(copies, st.lists(crash, max_size=8))
def test_a_compacted_changelog_restores_the_same(calls, crashes):
    log = log_of([message(each) for each in calls], timestamp=NOW_MS)
    life = Life(counter).live(log[: len(log) // 2], [4] * 30, crashes)
    life.restart(compacted=True)
    life.live(log, [4] * 30, [])
    assert told(life.outputs) == oracle(calls)


def test_the_partial_says_how_far_event_time_has_come_but_never_far_past_arrival():
    ahead = call("1", end=10 * 3600)
    log = log_of([message(call("0")), message(ahead)], timestamp=NOW_MS)
    outputs = Life(counter).live(log, [2], []).outputs
    clocks = {DECODE_PARTIALS(output.value).clock_ms for output in outputs}
    assert clocks == {NOW_MS + 60_000}


def test_no_record_is_larger_than_kafka_takes(monkeypatch):
    monkeypatch.undo()  # segments as large as they come
    many = [
        message(call(f"{n:0200d}", number=f"{n:060d}", campaign=f"{n:0100d}", end=n % 60))
        for n in range(6000)
    ]
    log = log_of(many, timestamp=NOW_MS)
    life = Life(counter).live(log, [6000], [])
    records = [value for _, value in life.changelog] + [each.value for each in life.outputs]
    assert max(len(value or b"") for value in records) <= 600_000
    assert day_of("calls:icsoc", life.outputs).attempts == 6000
    life.restart(compacted=True)
    assert life.step.fold(Batch("calls", 0, log, 0)).late == 0
    again = partials(life.step.fold(Batch("calls", 0, log, 0)).outputs)
    assert again == partials(life.outputs)
