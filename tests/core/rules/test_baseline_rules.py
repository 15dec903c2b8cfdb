"""Rules with a baseline: how they are written, judged and told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import AlertState
from streams.core.rules import RulesError, decide, load_rules, rules_schema
from streams.core.rules.baseline import Usual
from streams.core.rules.explain import explain
from streams.core.rules.judge import Verdict, judge
from streams.core.rules.moments import moment
from streams.core.wilson import wilson
from tests.core.rules.views import NUMBER, START, Fixed, calls
from tests.core.rules.views import rule as threshold_rule

HEAD = "rules:\n  - name: odd\n    metric: answer_rate\n    window: 15m\n"


def problem(body, head=HEAD):
    with pytest.raises(RulesError) as caught:
        load_rules(head + body, "my.yaml")
    return str(caught.value)


def rule(**keys):
    return threshold_rule(below=None, baseline={"tolerance": "20%", **keys})


class Weekly(Fixed):
    """Counts now, and what was usual."""

    history = calls(0, 0)

    def usual(self, weeks):
        return Usual(self.history, moment(START))


def view(now, usual, **options):
    found = Weekly(now, **options)
    found.history = usual
    return found


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("    baseline: {weeks: 0, tolerance: 20%}\n", "my.yaml:5: rule odd: baseline.weeks: "),
        ("    baseline: {weeks: 4}\n", "baseline.tolerance: this key is missing"),
        ("    baseline: {tolerance: 100%}\n", "100% of a baseline is no bound: write 20%"),
        ("    baseline: {tolerance: 20%, resolve: 30%}\n", "must lie within `tolerance`"),
        ("    baseline: {tolerence: 20%}\n", "do you mean `tolerance`?"),
        (
            "    baseline: {tolerance: 20%}\n    below: 20%\n",
            "write exactly one of `below`, `above` and `baseline`",
        ),
        (
            "    baseline: {tolerance: 20%}\n    resolve: 20%\n",
            "my.yaml:6: rule odd: resolve: write it in the baseline",
        ),
    ],
)
def test_what_is_wrong_names_the_mend(body, told):
    assert told in problem(body)


def test_a_count_has_no_baseline():
    head = HEAD.replace("answer_rate", "attempts")
    assert "attempts is no rate or mean: write `below` or `above`" in problem(
        "    baseline: {tolerance: 20%}\n", head
    )


samples = st.integers(0, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


@given(samples, samples, st.sampled_from(["below", "above"]))
def test_nothing_holds_or_clears_without_evidence_in_both_samples(now, usual, side):
    verdict = judge(rule(side=side), view(calls(*now), calls(*usual))).verdict
    (attempts, answered), (before, was) = now, usual
    if min(attempts, before) < 20:
        assert verdict is Verdict.UNSURE
        return
    low, high = wilson(answered, attempts)
    bound = was / before * (0.8 if side == "below" else 1.2)
    beyond = high < bound if side == "below" else low > bound
    assert (verdict is Verdict.HOLDS) == beyond
    if verdict is Verdict.CLEARS:
        rate = answered / attempts
        assert rate >= bound if side == "below" else rate <= bound


def test_between_tolerance_and_resolve_nothing_changes():
    held = rule(resolve="10%")
    assert judge(held, view(calls(100, 44), calls(1000, 500))).verdict is Verdict.UNSURE
    assert judge(held, view(calls(100, 45), calls(1000, 500))).verdict is Verdict.CLEARS


def test_late_calls_disprove_by_the_baseline_that_it_fired_on():
    odd = rule()
    fired = decide(odd, NUMBER, view(calls(100, 10), calls(1000, 500)), None, START)
    assert fired.state is AlertState.FIRING
    later = view(calls(5, 0), calls(3, 0), recount=calls(300, 150))
    ended = decide(odd, NUMBER, later, fired, START + 10_000)
    assert "late_data" in ended.annotations
    assert ended.evidence.baseline == fired.evidence.baseline
    assert ended.evidence.threshold == pytest.approx(0.4)


def test_an_average_can_be_compared_too():
    talk = threshold_rule(
        metric="average_talk_seconds", below=None, baseline={"tolerance": "50%"}, test="point"
    )
    usual = calls(100, 50, connected=50, talk_seconds=3000)
    now = calls(100, 50, connected=50, talk_seconds=1000)
    fired = decide(talk, NUMBER, view(now, usual), None, START)
    assert "average talk time 20 s (50 calls over 15m)" in fired.annotations["summary"]
    assert "had 60 s (50): more than 50% below that" in fired.annotations["summary"]


def test_explain_says_what_is_compared():
    told = explain(rule(resolve="10%"))
    assert told.threshold == (
        "answer rate more than 20% below that of the same weekday and hour over the last 4 weeks"
    )
    assert told.resolve == "within 10%"
    assert "is no more than 10% below its baseline" in told.english[2]
    assert "Fewer than 20 attempts in the window or in the baseline" in told.english[3]
    assert "低于最近 4 周同一星期与钟点 20% 以上" in told.chinese[0]


def test_editors_know_the_key():
    assert rules_schema()["$defs"]["Baseline"]["required"] == ["tolerance"]
