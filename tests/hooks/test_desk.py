"""When a receiver is told what, second by second."""

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.hooks.pipeline.desk import Outcome
from connectors.hooks.settings import HooksSettings
from schemas.silence import Silence
from tests.hooks.desks import T0, Bench, news, seconds, settings, short, still

GROUPED = {"group_by": ["alertname"], "group_wait": "30s", "group_interval": "5m"}


def silence(*matchers, until=3600, since=0):
    return Silence(
        id="s", matchers=matchers, starts_at=T0 + seconds(since), ends_at=T0 + seconds(until),
        created_by="ops", comment="maintenance", updated_at=T0,
    )  # fmt: skip


def test_ungrouped_each_transition_is_a_message_at_once_and_in_order():
    bench = Bench()
    bench.fire("a", "b")
    bench.resolve("a")
    assert bench.run() == [["a+"], ["b+"], ["a-"]]
    assert bench.sent[0].id == bench.sent[0].single.id
    assert [short(each.alert) for each in bench.kept.values()] == ["b+"]
    assert bench.run(24 * 3600) == []


def test_what_was_told_is_not_told_again():
    bench = Bench()
    for _ in range(2):
        bench.fire("a")
        bench.resolve("a")
        assert bench.run() in ([["a+"], ["a-"]], [])
    bench.restart()
    assert bench.run() == []
    assert len(bench.sent) == 2


def test_a_group_waits_for_more_and_is_told_together():
    bench = Bench(settings(**GROUPED))
    bench.fire("a")
    assert bench.run(29) == []
    bench.fire("b")
    bench.resolve("a")
    assert bench.run(1) == [["a+", "b+", "a-"]]
    told = bench.sent[0]
    assert [short(each) for each in told.alerts] == ["a-", "b+"]
    assert (told.labels, told.single, told.is_firing) == ({"alertname": "low"}, None, True)


def test_news_of_a_group_wait_for_its_interval_and_come_with_what_fires_still():
    bench = Bench(settings(**GROUPED))
    bench.fire("a", "b")
    bench.run(30)
    bench.fire("c")
    bench.resolve("b")
    assert bench.run(299) == []
    assert bench.run(1) == [["c+", "b-"]]
    assert still(bench.sent[-1]) == ["a+"]


def test_groups_are_apart_by_their_labels():
    bench = Bench(settings(**GROUPED | {"group_by": ["vendor", "alertname"]}))
    bench.fire("a", "b", vendor="icsoc")
    bench.fire("c", vendor="7moor")
    assert sorted(bench.run(30)) == [["a+", "b+"], ["c+"]]
    bench = Bench(settings(**GROUPED | {"group_by": []}))
    bench.fire("a", vendor="icsoc")
    bench.fire("b", vendor="7moor")
    assert bench.run(30) == [["a+", "b+"]]
    bench = Bench(settings(**GROUPED | {"group_by": ["..."]}))
    bench.fire("a", "b")
    assert sorted(bench.run(30)) == [["a+"], ["b+"]]


def test_what_fires_is_told_again_after_the_repeat_interval_also_after_a_restart():
    bench = Bench(settings(**GROUPED, repeat_interval="1h"))
    bench.fire("a", "b")
    bench.run(30)
    assert bench.run(3599) == []
    bench.restart()
    assert bench.run(1) == [[]]
    assert still(bench.sent[-1]) == ["a+", "b+"]
    bench.resolve("a", "b")
    bench.run(300)
    assert bench.run(24 * 3600) == []
    assert bench.kept == {}
    ids = [each.id for each in bench.sent]
    assert len(set(ids)) == len(ids)


def test_grouped_it_is_repeated_after_four_hours_by_default():
    bench = Bench(settings(**GROUPED))
    bench.fire("a")
    bench.run(30)
    assert bench.run(4 * 3600 - 1) == []
    assert bench.run(1) == [[]]


def test_a_message_that_is_tried_again_by_a_successor_has_the_same_id():
    bench = Bench(settings(**GROUPED))
    bench.fire("a", "b")
    bench.now += seconds(30)
    (lost,) = bench.start()
    bench.restart()
    bench.run(10)
    assert bench.sent[0].id == lost.notification.id


def test_a_silenced_alert_is_told_when_the_silence_ends():
    bench = Bench()
    bench.muting.know_silence("s", silence('value=~"a|b"', until=600))
    bench.fire("a", "b", "c")
    assert bench.run() == [["c+"]]
    bench.restart()
    assert bench.run(599) == []
    bench.resolve("b")
    assert sorted(bench.run(1)) == [["a+"], ["b+"], ["b-"]]


def test_what_came_and_went_in_a_silence_is_never_told():
    bench = Bench()
    bench.muting.know_silence("s", silence('value="a"', until=600))
    bench.fire("a")
    bench.resolve("a")
    bench.run()
    assert bench.run(3600) == []
    assert bench.kept == {}


def test_the_end_of_what_was_told_before_the_silence_is_told_after_it():
    bench = Bench()
    bench.fire("a")
    bench.run()
    bench.muting.know_silence("s", silence("value=a", until=600))
    bench.resolve("a")
    assert bench.run(599) == []
    assert bench.run(1) == [["a-"]]


def test_the_end_of_what_may_have_been_told_before_a_kill_is_told_after_the_silence():
    bench = Bench()
    bench.fire("a")
    bench.start()
    bench.restart()
    bench.muting.know_silence("s", silence("value=a", until=600))
    bench.resolve("a")
    assert bench.run(599) == []
    assert bench.run(1) == [["a+"], ["a-"]]
    assert bench.kept == {}


@pytest.mark.parametrize("told", [False, True])
def test_what_is_read_again_takes_back_nothing_that_was_noted(told):
    bench = Bench()
    bench.fire("a")
    (task,) = bench.start()
    if told:
        bench.finish(task)
    bench.fire("a")
    (notice,) = bench.kept.values()
    assert notice.attempted_at is not None or notice.told_at is not None
    bench.restart()
    assert bench.run() == ([] if told else [["a+"]])


@pytest.mark.parametrize("outcome", [Outcome.GAVE_UP, Outcome.REFUSED])
def test_what_was_a_dead_letter_is_told_when_it_is_replayed_once_and_after_a_restart(outcome):
    bench = Bench()
    bench.fire("a")
    bench.run(outcome=outcome)
    assert bench.run() == []
    for _ in range(2):  # it is read again
        bench.replay("a")
    bench.restart()
    assert bench.run() == [["a+"]]
    bench.restart()
    bench.resolve("a")
    assert bench.run() == [["a-"]]
    assert bench.kept == {}


def test_beginning_and_end_are_replayed_in_order():
    bench = Bench()
    bench.fire("a")
    bench.resolve("a")
    bench.run(outcome=Outcome.GAVE_UP)
    bench.replay("a")
    bench.replay("a", "resolved")
    assert bench.run() == [["a+"], ["a-"]]
    assert bench.kept == {}


def test_what_a_former_owner_notes_behind_the_end_does_not_fire_again():
    bench = Bench(settings(repeat_interval="1m"))
    bench.fire("a")
    bench.run()
    (stale,) = bench.kept.values()
    bench.resolve("a")
    bench.run()
    assert bench.desk.put(stale) is None
    assert bench.run(60) == []


def test_what_is_read_again_behind_a_later_transition_is_told_before_it():
    bench = Bench()
    bench.fire("a", at=9)
    bench.fire("b")
    bench.fire("a")
    bench.resolve("a")
    assert bench.run() == [["a+"], ["b+"], ["a-"], ["a+"]]
    assert bench.sent[-1].single.starts_at == T0 + seconds(9)


@pytest.mark.parametrize("route", [{}, GROUPED | {"group_wait": 0, "group_interval": 0}])
def test_what_is_read_again_after_a_later_transition_was_told_is_not_told(route):
    bench = Bench(settings(**route))
    bench.fire("a", at=9)
    bench.run()
    bench.restart()
    bench.fire("a", "b")
    bench.resolve("a")
    assert bench.run() == [["b+"]]
    assert len(bench.kept) == 2


@pytest.mark.parametrize("state", ["firing", "resolved"])
def test_what_is_read_again_while_a_later_transition_is_under_way_is_not_told(state):
    bench = Bench()
    bench.put(bench.made("a", state, at=9))
    (task,) = bench.start()
    bench.fire("a")
    bench.resolve("a")
    bench.finish(task)
    assert bench.run() == []
    bench.fire("a")
    assert bench.run() == []
    assert len(bench.kept) == (state == "firing")


def test_an_expired_silence_speaks_at_once():
    bench = Bench()
    bench.muting.know_silence("s", silence("value=a"))
    bench.fire("a")
    assert bench.run(60) == []
    bench.muting.know_silence("s", silence("value=a", until=60))
    assert bench.run() == [["a+"]]


DOWN = [{"source": "alertname=vendor-down", "target": 'value!=""', "equal": "vendor"}]


def test_a_vendor_that_is_down_mutes_its_own_numbers_until_it_is_back():
    bench = Bench(settings(inhibit=DOWN))
    bench.fire("icsoc", alertname="vendor-down", vendor="icsoc", value="")
    bench.fire("a", vendor="icsoc")
    bench.fire("b", vendor="7moor")
    assert bench.run() == [["icsoc+"], ["b+"]]
    bench.restart()
    assert bench.run(3600) == []
    bench.resolve("icsoc", alertname="vendor-down", vendor="icsoc", value="")
    assert bench.run() == [["icsoc-"], ["a+"]] or bench.sent[-2:]
    assert sorted(map(news, bench.sent[-2:])) == [["a+"], ["icsoc-"]]


def test_an_alert_that_is_source_and_target_mutes_neither_itself_nor_its_like():
    both = [{"source": "alertname=low", "target": "alertname=low"}]
    bench = Bench(settings(inhibit=both))
    bench.fire("a", "b")
    assert bench.run() == [["a+"], ["b+"]]


def test_beyond_its_budget_a_receiver_gets_one_digest():
    bench = Bench(settings({"rate": "3/1m"}))
    bench.fire("a", "b")
    assert bench.run() == [["a+"], ["b+"]]
    bench.fire(*(f"n{number}" for number in range(50)))
    (flood,) = bench.run(1)
    assert len(flood) == 50
    assert bench.sent[-1].group == "digest"
    bench.fire("c", "d", "e", "f")
    assert bench.run(58) == []
    assert bench.run(1) == [["c+", "d+", "e+", "f+"]] or len(bench.sent) == 4
    assert sum(map(len, map(news, bench.sent))) == 56


def test_a_receiver_of_batches_is_told_all_in_one_and_again_every_minute():
    bench = Bench(settings({"type": "alertmanager", "format": None} | {"url": "http://am"}))
    bench.fire("a", "b")
    assert bench.run() == [["a+", "b+"]]
    assert bench.run(59) == []
    assert bench.run(1) == [[]]
    assert still(bench.sent[-1]) == ["a+", "b+"]
    bench.resolve("a")
    assert bench.run() == [["a-"]]
    assert bench.run(60) == [[]]
    assert still(bench.sent[-1]) == ["b+"]


def test_a_refused_digest_is_taken_apart_so_that_one_bad_alert_costs_one():
    bench = Bench(settings({"rate": "1/1s"}))
    bench.fire("a", "bad", "c")
    (task,) = bench.start()
    bench.finish(task, Outcome.REFUSED)
    assert len(bench.kept) == 3
    for _ in range(3):
        bench.now += seconds(1)
        (task,) = bench.start()
        refused = news(task.notification) == ["bad+"]
        bench.finish(task, Outcome.REFUSED if refused else Outcome.DELIVERED)
    assert [news(each) for each in bench.sent] == [["a+"], ["c+"]]
    assert {short(each.alert) for each in bench.kept.values()} == {"a+", "c+"}


def test_what_was_given_up_is_still_repeated_and_what_was_refused_is_not():
    bench = Bench(settings(repeat_interval="1m"))
    bench.fire("a")
    bench.run(outcome=Outcome.GAVE_UP)
    assert bench.run(60) == [[]]
    bench = Bench(settings(repeat_interval="1m"))
    bench.fire("a")
    bench.run(outcome=Outcome.REFUSED)
    assert bench.run(60) == []
    assert bench.kept == {}


def test_patience_is_counted_from_when_it_could_be_told_but_not_from_before_the_start():
    bench = Bench(settings(**GROUPED))
    bench.fire("a")
    bench.now += seconds(100)
    assert bench.start()[0].since == T0 + seconds(30)
    bench.restart()
    assert bench.start()[0].since == T0 + seconds(100)


@pytest.mark.parametrize(
    ("changes", "mend"),
    [
        ({"group_wait": "5s"}, "set group_by too"),
        ({"matchers": ["severity"]}, 'write label="value"'),
        ({"matchers": ['value=~"("']}, "no regular expression"),
    ],
)
def test_wrong_routes_name_the_mend(changes, mend):
    with pytest.raises(ValidationError, match=mend):
        settings(**changes)


def test_wrong_rates_name_the_mend():
    for rate in ("20", "0/1m", "20/", "x/1m"):
        with pytest.raises(ValidationError, match="20/1m"):
            HooksSettings.model_validate(
                {"receivers": [{"name": "a", "url": "http://a", "rate": rate}]}
            )


NAMES = "abcd"
STEPS = st.one_of(
    st.tuples(st.just("next"), st.sampled_from(NAMES)),
    st.tuples(st.just("again"), st.sampled_from(NAMES)),
    st.tuples(st.just("wait"), st.integers(1, 400)),
    st.tuples(st.just("send"), st.booleans()),
    st.tuples(st.just("kill"), st.none()),
    st.tuples(st.just("silence"), st.integers(1, 400)),
)
ROUTES = st.sampled_from(
    [
        {},
        GROUPED,
        {"group_by": []},
        {"group_by": ["value"], "group_wait": 0},
        {"repeat_interval": 60},
    ]
)
RECEIVERS = st.sampled_from(
    [{}, {"rate": "1/30s"}, {"rate": "3/1m"}, {"type": "alertmanager", "format": None}]
)


class Story(Bench):
    """What may happen to a receiver."""

    def __init__(self, configured) -> None:
        super().__init__(configured)
        self.read = []
        self.silenced = False
        self.unremembered = set()

    def next(self, name):
        count = sum(each.fingerprint == name for each in self.read)
        state = "resolved" if count % 2 else "firing"
        self.read.append(self.made(name, state, at=count // 2))
        self.put(self.read[-1])

    def again(self, name):
        """The same records are read twice."""
        told = [each.id for message in self.sent for each in message.news]
        mine = [each.id for each in self.read if each.fingerprint == name and each.id in told]
        noted = {each.alert.id for each in self.kept.values() if each.told_at is not None}
        if mine and mine[-1] not in noted:
            self.unremembered.add(name)
        self.put(*(each for each in self.read if each.fingerprint == name))

    def wait(self, duration):
        self.now += seconds(duration)

    def send(self, delivered):
        for task in self.start():
            self.finish(task, Outcome.DELIVERED if delivered else Outcome.GAVE_UP)
            if not delivered:  # the dead letters have it
                self.sent.append(task.notification)

    def start(self, limit=1000):
        tasks = super().start(limit)
        noted = [each.alert for each in self.kept.values() if each.told_at is not None]
        for each in (each for task in tasks for each in task.news):
            later = [
                other.id
                for other in noted
                if other.fingerprint == each.alert.fingerprint
                and self.read.index(other) > self.read.index(each.alert)
            ]
            assert not later, f"{each.alert.id} is told after {later}"
        return tasks

    def kill(self, _):
        """It is delivered, and the process killed before that was noted."""
        tasks = self.start(limit=2)
        self.sent += [task.notification for task in tasks]
        self.restart()

    def silence(self, duration):
        self.silenced = True
        end = (self.now - T0).total_seconds() + duration
        self.muting.know_silence("s", silence("alertname=low", until=end))

    def end(self):
        for _ in range(30):
            self.run(401)


@hypothesis_settings(max_examples=300, deadline=None)
@given(ROUTES, RECEIVERS, st.lists(STEPS, max_size=40))
@example(
    {},
    {},
    [("next", "a"), ("next", "a"), ("silence", 1), ("kill", None), ("next", "a"), ("again", "a")],
)
def test_every_transition_is_told_in_order_whatever_happens(route, receiver, steps):
    """Through kills, failed sends, silences and repeats: none lost, none invented, in order."""
    story = Story(settings(receiver, **route))
    for step, what in steps:
        getattr(story, step)(what)
    story.end()
    told = {each.id for message in story.sent for each in message.transitions}
    read = [each.id for each in story.read]
    assert told <= set(read)
    assert story.silenced or told == set(read)
    first_told = list(dict.fromkeys(each.id for message in story.sent for each in message.news))
    for name in NAMES:
        mine = [each for each in first_told if each.startswith(f"{name}-")]
        # What passed in a silence is news to a successor that reads it again. Where Kafka does not
        # hold what was told since (it is over, or a kill came first), nobody can know it is late.
        if not (story.silenced and name in story.unremembered):
            assert mine == [each for each in read if each in mine]
        heard = [
            each for message in story.sent for each in message.news if each.fingerprint == name
        ]
        if heard:
            assert heard[-1].state == [e for e in story.read if e.fingerprint == name][-1].state
    assert {each.alert.state for each in story.kept.values()} <= {"firing"}
    for message in story.sent:
        assert len({each.id for each in message.transitions}) == len(message.transitions)
