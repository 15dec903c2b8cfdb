"""Groups of rules: each call once in each, from the moment the rule is there, over crashes."""

from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.call import Outcome
from schemas.scope import Basis, Kind, Scope
from streams.core.counts import NOTHING
from streams.core.rules import load_rules
from streams.core.rules.group import group_of
from streams.core.step import Batch
from tests.core.log import Life, log_of
from tests.core.test_calls import NOW_MS, OUTCOMES, call, counter, day_of, message, partials
from tests.core.test_tallies import counter as tally_counter
from tests.core.test_tallies import reading


def rule(select='{kind: display_number, value: "075*"}', by="[account]", name="low"):
    text = (
        f"rules: [{{name: {name}, metric: answer_rate, window: 5m, below: 20%, "
        f"select: {select}, group_by: {by}}}]"
    )
    (found,) = load_rules(text, "test.yaml")
    return found


def following(make, *rules):
    def made():
        step = make()
        step.follow([each.group for each in rules])
        return step

    return made


def lived(calls, *rules):
    log = log_of([message(each) for each in calls], timestamp=NOW_MS)
    return partials(Life(following(counter, *rules)).live(log, [3] * 99, []).outputs)


def groups(counted):
    """The days of the groups, attempts and answers by scope."""
    return {
        scope: (counts.attempts, counts.answered)
        for (scope, pane), counts in counted.items()
        if Scope.parse(scope).kind is Kind.GROUP and pane.end - pane.start > 3600
    }


def test_the_selected_scopes_calls_are_counted_together():
    by_account = rule()
    calls = [
        call("1", number="0755"),
        call("2", number="0756", outcome=Outcome.UNANSWERED),
        call("3", number="010"),
        call("4", number=None),
    ]
    assert groups(lived(calls, by_account)) == {
        f"calls:icsoc/main/group/{by_account.group.name}": (2, 1)
    }


def test_a_call_is_in_the_group_of_its_dimensions_and_in_none_where_it_lacks_one():
    by_carrier = rule(by="[carrier, region]")
    calls = [
        call("1", carrier="移动", region="广东, 深圳"),
        call("2", carrier="移动", region="广东, 深圳"),
        call("3", carrier="联通", region="100%"),
        call("4", carrier="联通"),
    ]
    name = by_carrier.group.name
    assert groups(lived(calls, by_carrier)) == {
        f"calls:icsoc//group/{name}/region=广东%2C 深圳,carrier=移动": (2, 2),
        f"calls:icsoc//group/{name}/region=100%25,carrier=联通": (1, 1),
    }


def test_a_call_counts_once_however_many_of_its_scopes_are_selected():
    everything = rule(select="{}", by="[vendor]")
    counted = groups(lived([call("1", campaign="10/7", carrier="移动")], everything))
    assert counted == {f"calls:icsoc//group/{everything.group.name}": (1, 1)}


def test_a_project_s_tasks_are_in_its_group():
    by_number = rule(select="{kind: campaign, value: '10'}", by="display_number")
    calls = [call("1", campaign="10/7"), call("2", campaign="10/8"), call("3", campaign="11/7")]
    assert list(groups(lived(calls, by_number)).values()) == [(2, 2)]


values = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)


@given(values, values)
def test_a_group_s_dimensions_are_read_back_whatever_they_hold(carrier, campaign):
    grouping = rule(by="[carrier, campaign]").group
    having = {Kind.VENDOR: "icsoc", Kind.CARRIER: carrier, Kind.CAMPAIGN: campaign}
    text = grouping.scope_of(
        Basis.CALLS, having, [Scope.parse("calls:icsoc/main/display_number/0755")]
    )
    scope = Scope.parse(text)
    assert str(scope) == text
    assert grouping.holds(scope)
    assert group_of(scope) == ("low", {Kind.CARRIER: carrier, Kind.CAMPAIGN: campaign})


def test_a_rule_that_selects_otherwise_makes_another_group():
    assert rule().group.name != rule(select="{kind: queue}").group.name
    assert rule().group.name != rule(by="[vendor]").group.name
    assert rule(by="[account, carrier]").group == rule(by="[carrier, account]").group


def test_a_better_copy_takes_nothing_from_a_group_that_its_first_copy_was_not_in():
    step = counter()
    worse = message(call("1", outcome=Outcome.UNANSWERED, carrier="移动"))
    better = message(call("1", carrier="联通"))
    log = log_of([worse, better], timestamp=NOW_MS)
    outputs = step.fold(Batch("calls", 0, log[:1], 0)).outputs
    step.follow([rule(by="[carrier]").group])
    outputs += step.fold(Batch("calls", 0, log[1:], 1)).outputs
    assert list(groups(partials(outputs)).values()) == [(1, 1)]
    assert day_of("calls:icsoc/main/carrier/移动", outputs).attempts == 0


copies = st.lists(
    st.builds(
        lambda name, end, outcome, number, carrier: call(
            f"c{name}", end=end, outcome=outcome, number=number, carrier=carrier
        ),
        st.integers(0, 5),
        st.integers(0, 40),
        st.sampled_from(OUTCOMES),
        st.sampled_from(["0755", "0756", "010"]),
        st.sampled_from([None, "移动", "联通"]),
    ),
    min_size=1,
    max_size=30,
)
crash = st.one_of(st.none(), st.tuples(st.integers(0, 8), st.integers(0, 8)))


def spans(life, name):
    """From and to which offsets the group was counted, as the changelog has it at the end."""
    written = [value for key, value in life.changelog if key == b"g|" + name.encode()]
    return msgspec.json.decode(written[-1]) if written else []


def wanted(calls, name, counts):
    """The best copy of each call that came while its group was counted, by scope."""
    best, counted = {}, {}
    for offset, each in enumerate(calls):
        rank = (each.ended_at, OUTCOMES.index(each.outcome), each.talk_seconds or 0)
        texts = (each.display_number, each.carrier)
        said = (rank, sum(text is not None for text in texts), tuple(t or "" for t in texts))
        if each.call_id in best and best[each.call_id] >= said:
            continue
        best[each.call_id] = said
        if any(start <= offset and (end is None or offset < end) for start, end in counts):
            counted[each.call_id] = each
    told = Counter()
    for each in counted.values():
        if each.display_number != "010" and each.carrier is not None:
            told[f"calls:icsoc//group/{name}/carrier={each.carrier}"] += 1
    return dict(told)


@given(
    copies,
    st.lists(st.integers(1, 6), min_size=30, max_size=30),
    st.lists(crash, max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
@settings(deadline=None, max_examples=150)
def test_a_group_holds_what_came_while_its_rule_was_there_over_any_crashes(
    calls, sizes, crashes, in_force
):
    """The rule comes and goes between batches, and a new process reads the file as it is."""
    group = rule(by="[carrier]").group
    log = log_of([message(each) for each in calls], timestamp=NOW_MS)
    now = [False]

    def made():
        step = counter()
        step.follow([group] if now[0] else [])
        return step

    life = Life(made)
    crashes = iter(crashes)
    for number, size in enumerate(sizes):
        now[0] = in_force[min(number, len(in_force) - 1)]
        life.step.follow([group] if now[0] else [])
        upto = log[: life.committed + size]
        life.live(upto, [size] * 9, [next(crashes, None)])
    held = {scope: attempts for scope, (attempts, _) in groups(partials(life.outputs)).items()}
    assert held == wanted(calls[: len(log)], group.name, spans(life, group.name))
    assert all(counts.attempts >= 0 for counts in partials(life.outputs).values())


def test_tallies_are_grouped_by_what_they_have_and_batches_are_in_none():
    grouping = rule(select="{kind: display_number}", by="[account]")
    batch = reading(10, 900, 100, campaign="10", batch="7")
    told = [reading(0, 100, 40), reading(20, 110, 44), batch]
    told += [
        reading(at, n, 0, number="0109").model_copy(update={"series": "other"})
        for at, n in ((0, 5), (30, 8))
    ]
    log = log_of([(each.key, each.to_json()) for each in told], timestamp=NOW_MS)
    life = Life(following(tally_counter, grouping), topic="tallies").live(log, [2, 2, 2], [])
    scope = f"tallies:7moor/main/group/{grouping.group.name}"
    assert day_of(scope, life.outputs).attempts == 10 + 3
    assert day_of("tallies:7moor/main", life.outputs).attempts == 10 + 3


def test_without_groups_nothing_is_noted():
    life = Life(counter).live(log_of([message(call("1"))], timestamp=NOW_MS), [1], [])
    assert not any(key.startswith(b"g|") for key, _ in life.changelog)
    assert NOTHING not in partials(life.outputs).values()
