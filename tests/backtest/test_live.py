"""Live and back-test are one core: identical input gives identical transitions."""

import asyncio
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import topics
from schemas.alert import Alert
from schemas.scope import Scope
from streams.agents.tell import Teller
from streams.backtest.machine import Machine
from streams.backtest.replay import Replay
from streams.core.alerting import AlertBook
from streams.core.fence import partition_of_scope
from streams.core.step import Batch
from streams.core.view import ScopeView
from streams.steps import new_baselines, new_steps
from tests.backtest.traffic import (
    COLLAPSE,
    NUMBER,
    RULE,
    SETTINGS,
    START_MS,
    call,
    every,
    row,
    rules,
)

PARTITIONS = 3
RULES = RULE[:-1] + (
    ", {name: quiet, metric: data_age, select: {kind: account}, above: 2m, resolve: 30s}"
    ", {name: busy, select: {kind: vendor}, for: 30s, keep_firing_for: 1m, all_of: ["
    "{metric: attempts, window: 1m, above: 5}, {metric: answer_rate, window: 5m, below: 60%}]}"
    ", {name: grouped, metric: answer_rate, select: {kind: display_number}, group_by: carrier, "
    "window: {last: 50}, below: 30%, resolve: 40%, min_attempts: 30}]"
)


class Live:
    """A worker's teller over counters that are fed by hand, and what it sends to `alerts`."""

    def __init__(self, rule_set):
        self.steps = new_steps(SETTINGS, {}, partitions=PARTITIONS, rules=rule_set)
        self.sent = []
        self.learnt = []
        self.offsets = [0] * PARTITIONS
        held = SimpleNamespace(held=set(range(PARTITIONS)), write=self.write, publish=self.publish)
        app = SimpleNamespace(
            rebalancing=False, in_recovery=False, consumer_generation_id=1, sender=self
        )
        self.teller = Teller(
            app,
            totals=self.steps.totals,
            alerts=AlertBook(),
            baselines=new_baselines(SETTINGS, {}),
            totals_table=held,
            alerts_table=held,
            baselines_table=held,
            window_names=SETTINGS.windows,
            late_seconds=SETTINGS.late,
            keep_seconds=SETTINGS.keep,
            idle_ms=SETTINGS.idle_after * 1000,
            rules=rule_set,
            also_follow=self.steps.follow,
        )

    async def write(self, partition, changes):
        self.learnt += [(partition, key, value) for key, value in changes]
        return []

    async def send(self, _):
        return []

    async def publish(self, _, outputs):
        self.sent += [
            Alert.model_validate_json(each.value)
            for each in outputs
            if each.topic == topics.ALERTS.name
        ]
        return True

    def feed(self, batch):
        for output in self.steps.calls.fold(batch).outputs:
            if output.topic == topics.PARTIALS.name:
                place = output.partition
                record = SimpleNamespace(
                    offset=self.offsets[place], timestamp=0, key=output.key, value=output.value
                )
                self.offsets[place] += 1
                partial = Batch(topics.PARTIALS.name, place, [record], record.offset)
                self.steps.totals.fold(partial)

    def tell(self, now_ms):
        asyncio.run(self.teller.tell(lambda: now_ms))


def live(rows, rule_set):
    """Feed what has come, and look each second, as the timer of a worker does."""
    worker = Live(rule_set)
    waiting = sorted(rows, key=lambda each: each.timestamp)
    last = waiting[-1].timestamp + 200_000
    now = waiting[0].timestamp // 1000 * 1000
    while now <= last:
        now += 1000
        come = [each for each in waiting if each.timestamp < now]
        waiting = waiting[len(come) :]
        if come:
            worker.feed(Batch(topics.CALLS.name, 0, come, come[0].offset))
        worker.tell(now)
    return worker.sent


def backtested(rows, rule_set):
    machine = Machine(SETTINGS, {}, {"new": rule_set}, partitions=PARTITIONS)
    replay = Replay(machine, SETTINGS)
    rows = sorted(rows, key=lambda each: each.timestamp)
    told = [told for each in rows for told in replay.take(each)]
    told += replay.advance(rows[-1].timestamp + 200_000)
    return [Alert.model_validate_json(each.alert.to_json()) for each in told]


def test_a_collapse_told_live_is_told_alike_in_the_back_test():
    rows = every(7, COLLAPSE, carrier="移动")
    sent = live(rows, rules(RULES))
    assert {alert.rule for alert in sent} == {"low", "quiet", "busy", "grouped"}
    assert backtested(rows, rules(RULES)) == sent


@st.composite
def traffic(draw):
    """Calls in bursts and gaps, some late, some of them told twice."""
    rows, ended = [], 0
    for number in range(draw(st.integers(1, 60))):
        ended += draw(st.sampled_from([0, 1, 3, 10, 45, 150]))
        a_call = call(
            number,
            ended,
            draw(st.booleans()),
            display_number=draw(st.sampled_from("ab")),
            carrier=draw(st.sampled_from([None, "移动", "联通"])),
        )
        late = draw(st.sampled_from([0, 0, 0, 20, 400]))
        rows.append((ended + late, a_call))
        if draw(st.integers(0, 9)) == 0:
            rows.append((ended + late + 5, a_call))
    rows.sort(key=lambda each: each[0])
    return [row(offset, a_call, arrives=at) for offset, (at, a_call) in enumerate(rows)]


LOW = RULES.replace("{last: 50}", "{last: 8}").replace("min_attempts: 30", "min_attempts: 4")


@given(traffic())
@settings(max_examples=25, deadline=None)
def test_live_and_back_test_give_identical_transitions(rows):
    rule_set = rules(LOW)
    assert backtested(rows, rule_set) == live(rows, rule_set)


@given(
    st.lists(st.tuples(st.integers(0, 900), st.booleans()), min_size=1, max_size=80),
    st.randoms(use_true_random=False),
    st.integers(1, 9),
)
@settings(deadline=None)
def test_the_order_in_which_calls_come_does_not_matter_once_all_have_come(happened, random, size):
    """The watermark has passed: whatever the order and the batches, the transitions are alike."""
    calls = [call(number, ended, yes) for number, (ended, yes) in enumerate(happened)]
    shuffled = list(calls)
    random.shuffle(shuffled)
    told = []
    for order, step in ((calls, 1), (shuffled, size)):
        machine = Machine(SETTINGS, {}, {"new": rules(LOW)})
        rows = [row(offset, each, arrives=1000) for offset, each in enumerate(order)]
        for start in range(0, len(rows), step):
            machine.feed(rows[start : start + step])
        told.append(machine.tell(START_MS + 1_100_000))
    assert told[0] == told[1]


def test_the_rules_are_replaced_without_losing_the_state():
    worker = Live(rules())
    for each in every(7, COLLAPSE):
        worker.feed(Batch(topics.CALLS.name, 0, [each], each.offset))
    end = START_MS + 7_000 * len(COLLAPSE)
    worker.tell(end)
    (fired,) = worker.sent
    worker.teller.follow(rules(RULE.replace("below: 20%", "below: 19%")))
    worker.tell(end + 1000)
    assert worker.sent == [fired]
    other = RULE.replace("name: low", "name: other")
    worker.teller.follow(rules(other))
    worker.tell(end + 2000)
    ended = {alert.rule: alert for alert in worker.sent[1:]}
    assert str(ended["low"].state) == "resolved"
    assert ended["low"].starts_at == fired.starts_at
    assert "no longer watches" in ended["low"].annotations["resolution"]
    assert str(ended["other"].state) == "firing"  # at once, though no call has come since


def test_a_group_is_watched_from_when_its_rule_is_there_and_ends_with_it():
    grouped = rules(RULE.replace("display_number}", "display_number}, group_by: account"))
    worker = Live(rules(RULE.replace("below: 20%", "below: 1%")))
    rows = every(7, [*COLLAPSE, *[False] * 60])
    for each in rows[:-60]:
        worker.feed(Batch(topics.CALLS.name, 0, [each], each.offset))
    worker.teller.follow(grouped)
    for each in rows[-60:]:
        worker.feed(Batch(topics.CALLS.name, 0, [each], each.offset))
    end = START_MS + 7_000 * len(rows)
    worker.tell(end)
    (fired,) = [alert for alert in worker.sent if str(alert.state) == "firing"]
    assert fired.labels["kind"] == "group"
    assert fired.evidence.attempts <= 60
    worker.teller.follow(rules())
    worker.tell(end + 1000)
    ended = {alert.fingerprint: alert for alert in worker.sent}[fired.fingerprint]
    assert "no longer watches" in ended.annotations["resolution"]


def test_an_alert_says_where_the_fault_lies():
    worker = Live(rules())
    well = every(7, [True, False] * 100, display_number="0756", first=1000)
    rows = sorted([*every(7, COLLAPSE), *well], key=lambda each: each.timestamp)
    for offset, each in enumerate(rows):
        worker.feed(Batch(topics.CALLS.name, 0, [each.at(offset)], offset))
    worker.tell(START_MS + 7_000 * len(COLLAPSE))
    (fired,) = worker.sent
    assert fired.annotations["diagnosis"].startswith(
        "this display number alone: the rest of account icsoc/main 50% ("
    )
    assert fired.annotations["diagnosis_zh"].startswith("仅此外显号码异常")


def test_a_view_forgets_by_the_clock_and_not_by_what_happens_to_be_in_memory():
    steps = new_steps(SETTINGS, {}, partitions=PARTITIONS)
    live_ = Live(rules())
    live_.steps = steps
    for each in every(10, [True] * 40):
        live_.feed(Batch(topics.CALLS.name, 0, [each], each.offset))
    place = partition_of_scope(NUMBER, PARTITIONS)
    steps.totals.advance(place, START_MS + (SETTINGS.keep + 200) * 1000)
    end = steps.totals.end(place)
    view = ScopeView(steps.totals, place, NUMBER, end - SETTINGS.keep)
    assert view.last(1000).counts.attempts == 40 - 21
    assert Scope.parse(NUMBER).value == "0755"
    assert view.newest().counts.last_event_ms == START_MS + 390_000


def test_what_was_evaluated_is_no_part_of_the_next_alerts_trace():
    worker = Live(rules())
    old, new = (b"00-%032x-%016x-00" % (number, number) for number in (1, 2))
    for place in range(PARTITIONS):
        worker.teller._traces.take(place, [SimpleNamespace(headers=[("traceparent", old)])])
    worker.tell(START_MS)
    worker.teller._traces.take(0, [SimpleNamespace(headers=[("traceparent", new)])])
    assert list(worker.teller._traces._newest[0]) == [new]
