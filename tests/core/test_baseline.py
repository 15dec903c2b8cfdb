"""What is usual: hours from closed panes, over restarts, and the alerts that compare with them."""

from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import topics
from schemas.alert import Alert
from schemas.base import Vendor
from schemas.call import Call, Direction, Outcome
from schemas.scope import Scope
from streams.backtest.machine import Machine
from streams.backtest.rows import Row
from streams.core.alerting import Watch
from streams.core.baseline import BaselineBook
from streams.core.rules import load_rules
from streams.settings import StreamsSettings
from streams.steps import new_steps
from tests.backtest.test_live import Live

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 1, 5, 10, 0, tzinfo=SHANGHAI)
WEEK = timedelta(weeks=1)
SETTINGS = StreamsSettings()
NUMBER = "calls:icsoc/main/display_number/0755"
RULE = (
    "rules: [{name: unusual, metric: answer_rate, select: {kind: display_number}, "
    "window: {last: 100}, baseline: {weeks: 4, tolerance: 20%, resolve: 10%}, min_attempts: 20}]"
)


def rules(text=RULE):
    return load_rules(text, "test.yaml")


def calls_of(start, attempts, answered, *, first=0, number="0755"):
    """Calls from `start` on, 20 s apart, the answered ones spread evenly."""
    rows = []
    for index in range(attempts):
        yes = (index + 1) * answered // attempts > index * answered // attempts
        ended = start + timedelta(seconds=20 * index)
        call = Call(
            vendor=Vendor.ICSOC,
            account="main",
            call_id=f"{first + index}-{start:%d%H%M}",
            direction=Direction.OUTBOUND,
            outcome=Outcome.CONNECTED if yes else Outcome.UNANSWERED,
            display_number=number,
            ended_at=ended,
        )
        arrived = int(ended.timestamp() * 1000)
        rows.append(Row(topics.CALLS.name, 0, 0, arrived, call.key, call.to_json()))
    return rows


def ms(at):
    return int(at.timestamp() * 1000)


class Weeks:
    """A machine that lives through weeks: what is due is looked at, the quiet is skipped."""

    def __init__(self, rule_set=None, machine=None):
        self.machine = machine or Machine(SETTINGS, {}, {"new": rule_set or rules()})
        self.told = []
        self.offset = 0

    def hear(self, rows):
        for each in rows:
            self.machine.feed([each.at(self.offset)])
            self.offset += 1
        self.look(rows[-1].timestamp + 1000)

    def look(self, now_ms):
        self.told += [alert for _, alert in self.machine.tell(now_ms)]

    def history(self, weeks, attempts=120, answered=60, at=MONDAY):
        for _ in range(weeks):
            self.hear(calls_of(at, attempts, answered))
            self.close(at)
            at += WEEK
        return at

    def close(self, at):
        """Let the hour be closed for late calls."""
        for minutes in range(60, 60 + SETTINGS.late // 60 + 20, 5):
            self.look(ms(at + timedelta(minutes=minutes)))

    def usual(self, at, weeks=4):
        self.machine.totals.advance(0, ms(at))
        view, _ = self.machine.view(NUMBER)
        return view.usual(weeks)


def test_the_same_weekday_and_hour_of_the_last_weeks_is_usual_and_no_other_hour():
    life = Weeks()
    life.hear(calls_of(MONDAY - timedelta(hours=1), 60, 1))
    now = life.history(3)
    counts, hour = life.usual(now + timedelta(minutes=20))
    assert (counts.attempts, counts.answered) == (360, 180)
    assert hour == now
    assert life.usual(now + timedelta(minutes=30), weeks=2).counts.attempts == 240
    assert life.usual(now + timedelta(hours=1, minutes=1)).counts.attempts == 0
    assert life.usual(now + timedelta(hours=24)).counts.attempts == 0


def test_an_hour_counts_when_no_call_of_it_can_come_any_more():
    life = Weeks()
    life.hear(calls_of(MONDAY, 90, 30))
    end = MONDAY + timedelta(hours=1, seconds=SETTINGS.late)
    for minutes in range(30, 300, 5):
        now = MONDAY + timedelta(minutes=minutes)
        life.look(ms(now))
        if now == end - timedelta(minutes=60):
            late = calls_of(MONDAY + timedelta(minutes=45), 30, 0, first=500)
            life.machine.feed([replace(each, offset=900, timestamp=ms(now)) for each in late[:1]])
    known = life.machine._evaluators["new"]._baselines._partitions[0].scopes[NUMBER]
    assert [counts.attempts for _, counts in known.hours.values()] == [90]  # of three quarters
    for minutes in range(300, 330, 5):
        life.look(ms(MONDAY + timedelta(minutes=minutes)))
    assert life.usual(MONDAY + WEEK).counts.attempts == 91


def test_what_is_unusual_fires_with_what_was_usual_and_ends_when_it_is_again():
    life = Weeks()
    now = life.history(4)
    life.hear(calls_of(now, 100, 10))
    (fired,) = life.told
    assert str(fired.state) == "firing"
    usual = fired.evidence.baseline
    assert (usual.value, usual.successes, usual.attempts) == (0.5, 240, 480)
    assert (usual.weeks, usual.hour, usual.tolerance) == (4, "Monday 10:00", 0.2)
    assert fired.evidence.threshold == pytest.approx(0.4)
    assert fired.evidence.high < 0.4
    assert (
        "where Mondays 10:00 of the last 4 weeks had 50% (240 of 480): more than 20% below"
        in (fired.annotations["summary"])
    )
    assert (
        "而最近 4 周的周一 10:00为 50%（240/480），低于该基线 20% 以上"
        in (fired.annotations["summary_zh"])
    )
    assert "no more than 10% below its baseline" in fired.resolves_when
    life.hear(calls_of(now + timedelta(minutes=34), 75, 75))
    assert [str(each.state) for each in life.told] == ["firing", "resolved"]
    assert Alert.model_validate_json(life.told[-1].to_json()) == life.told[-1]


def test_what_is_usual_for_that_hour_does_not_fire():
    life = Weeks()
    now = life.history(4, answered=12)
    life.hear(calls_of(now, 100, 10))
    assert life.told == []


def test_too_little_history_neither_fires_nor_resolves():
    life = Weeks()
    now = life.history(1, attempts=19, answered=19)
    life.hear(calls_of(now, 100, 5))
    assert life.told == []
    life = Weeks()
    now = life.history(4)
    life.hear(calls_of(now, 160, 16))
    life.hear(calls_of(now + timedelta(hours=1), 100, 100))  # of 11:00 nothing is known
    assert [str(each.state) for each in life.told] == ["firing"]


def test_above_is_the_mirror_image():
    above = rules(RULE.replace("resolve: 10%", "side: above, resolve: 10%"))
    life = Weeks(above)
    now = life.history(4)
    life.hear(calls_of(now, 100, 90))
    (fired,) = life.told
    assert fired.evidence.threshold == pytest.approx(0.6)
    assert "more than 20% above that" in fired.annotations["summary"]


@given(
    st.lists(
        st.tuples(st.integers(0, 59), st.booleans(), st.sampled_from(["0755", "0756"])),
        min_size=1,
        max_size=60,
    ),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=30)
def test_the_order_of_the_calls_does_not_matter_and_a_restart_loses_nothing(happened, random):
    """What one worker wrote, twice and in part even, is what its successor knows."""
    rows = [
        calls_of(MONDAY + timedelta(minutes=minute), 1, yes, first=number, number=which)[0]
        for number, (minute, yes, which) in enumerate(happened)
    ]
    shuffled = list(rows)
    random.shuffle(shuffled)
    known = []
    for order in (rows, shuffled):
        steps = new_steps(SETTINGS, {}, partitions=1)
        life = Weeks(machine=_Bare(steps))
        for each in order:
            life.machine.feed([each.at(life.offset)])
            life.offset += 1
        book, written = book_of(), []
        watch = Watch(rules(), SETTINGS.window_sizes)
        for minutes in range(0, 360, 5):
            if random.random() < 0.1:
                book = book_of()
                for key, value in written:
                    book.restore(0, key, value)
            steps.totals.advance(0, ms(MONDAY + timedelta(minutes=minutes)))
            kept = steps.totals.end(0) - 8 * 3600  # as with a long window
            written += book.learn(0, steps.totals, watch, kept)
        successor = book_of()
        for key, value in [*written, *random.sample(written, len(written))]:
            successor.restore(0, key, value)
        end = int((MONDAY + WEEK).timestamp()) + 10
        for which in ("0755", "0756"):
            scope = Scope.parse(NUMBER.replace("0755", which))
            usual = book.usual(0, scope, end, 4)
            assert successor.usual(0, scope, end, 4) == usual
            mine = [yes for _, yes, each in happened if each == which]
            assert (usual.counts.attempts, usual.counts.answered) == (len(mine), sum(mine))
            known.append(usual.counts._replace(last_event_ms=0))
    assert known[:2] == known[2:]


class _Bare(Machine):
    """A machine's counting alone."""

    def __init__(self, steps):
        super().__init__(SETTINGS, {}, {"new": ()})
        self.totals = steps.totals
        self._steps = {topics.CALLS.name: steps.calls}


def book_of():
    return BaselineBook(late_seconds=SETTINGS.late, zone_of=lambda _vendor, _account: SHANGHAI)


def watching(weeks):
    return SimpleNamespace(watched=lambda _: SimpleNamespace(weeks=weeks), weeks=weeks)


def test_history_is_dropped_a_week_after_no_rule_looks_at_it():
    steps = new_steps(SETTINGS, {}, partitions=1)
    machine, book, changelog = _Bare(steps), book_of(), {}
    for week in range(8):
        at = MONDAY + week * WEEK
        rows = calls_of(at, 40, 20)
        for index, each in enumerate(rows):
            machine.feed([each.at(week * 40 + index)])
        for minutes in range(0, 400, 5):
            steps.totals.advance(0, ms(at + timedelta(minutes=minutes)))
            kept = steps.totals.end(0) - SETTINGS.keep
            for key, value in book.learn(0, steps.totals, watching(4), kept):
                changelog[key] = value
    left = {key for key, value in changelog.items() if value is not None and b"0755" in key}
    assert len(left) == 6
    assert len(book._partitions[0].scopes[NUMBER].hours) == 6


def test_an_hour_is_the_zones_own_and_so_is_a_week_over_a_change_of_the_clocks():
    kolkata, berlin = ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")
    for zone, at in (
        (kolkata, datetime(2026, 1, 5, 10, 0, tzinfo=kolkata)),
        (berlin, datetime(2026, 3, 23, 10, 0, tzinfo=berlin)),
    ):
        zones = {("icsoc", "main"): zone}
        life = Weeks(machine=Machine(SETTINGS, zones, {"new": rules()}))
        life.history(1, at=at)
        counts, hour = life.usual(at + WEEK + timedelta(minutes=59))
        assert (counts.attempts, hour.hour, hour.weekday()) == (120, 10, 0)


def test_live_and_back_test_learn_and_tell_alike():
    live, machine = (
        Live(rules()),
        Weeks(machine=Machine(SETTINGS, {}, {"n": rules()}, partitions=3)),
    )
    at = MONDAY
    for week in range(4):
        rows = calls_of(at, 100, 10 if week == 3 else 50)
        for each in rows:
            live.feed(
                SimpleNamespace(
                    topic=topics.CALLS.name,
                    partition=0,
                    committed=0,
                    records=[each.at(machine.offset)],
                )
            )
            machine.machine.feed([each.at(machine.offset)])
            machine.offset += 1
        for minutes in range(34, 400, 5):
            now = ms(at + timedelta(minutes=minutes))
            live.tell(now)
            machine.look(now)
        at += WEEK
    assert [str(each.state) for each in live.sent] == ["firing"]
    assert live.sent == [Alert.model_validate_json(each.to_json()) for each in machine.told]
    assert {key for _, key, _ in live.learnt} == {
        f"{NUMBER}|{int((MONDAY + week * WEEK).timestamp())}".encode() for week in range(4)
    }
