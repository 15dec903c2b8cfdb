"""Several conditions in one rule, the age of the data, and the times at which a rule is asked."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import AlertState
from schemas.scope import Scope
from streams.core.rules import RulesError, decide, load_rules, rules_schema
from streams.core.rules.explain import explain
from streams.core.rules.judge import Verdict, judge
from streams.core.rules.model import Rule
from tests.core.rules.views import NUMBER, START, Fixed, calls

RATE = {"metric": "answer_rate", "window": "15m", "below": "20%", "resolve": "25%"}
BUSY = {"metric": "attempts", "window": "15m", "above": 50}
BAD_BUSY, BAD_QUIET, GOOD_BUSY = calls(100, 5), calls(30, 1), calls(100, 40)


def several(**keys):
    return Rule.model_validate({"name": "several", **keys})


@pytest.mark.parametrize(
    ("key", "counts", "expected"),
    [
        ("all_of", BAD_BUSY, Verdict.HOLDS),
        ("all_of", BAD_QUIET, Verdict.CLEARS),
        ("all_of", GOOD_BUSY, Verdict.CLEARS),
        ("any_of", BAD_QUIET, Verdict.HOLDS),
        ("any_of", GOOD_BUSY, Verdict.HOLDS),
        ("any_of", calls(40, 20), Verdict.CLEARS),
    ],
)
def test_each_condition_must_hold_or_one_is_enough(key, counts, expected):
    assert judge(several(**{key: [RATE, BUSY]}), Fixed(counts)).verdict is expected


def test_an_alert_of_several_conditions_tells_the_one_that_decided():
    rule = several(all_of=[RATE, BUSY])
    fired = decide(rule, NUMBER, Fixed(BAD_BUSY), None, START)
    assert fired.metric == "answer_rate"
    assert fired.evidence.value == 0.05
    assert fired.resolves_when == (
        "resolves when the answer rate over 15m is 25% or more, with at least 20 attempts "
        "or the number of attempts over 15m is 50 or less"
    )
    resolved = decide(rule, NUMBER, Fixed(BAD_QUIET, end_ms=START + 10), fired, START + 10)
    assert resolved.state is AlertState.RESOLVED
    assert resolved.metric == "attempts"
    assert "attempts 30 over 15m" in resolved.annotations["resolution"]


readings = st.integers(0, 120).flatmap(lambda n: st.builds(calls, st.just(n), st.integers(0, n)))


@given(readings, st.sampled_from(["all_of", "any_of"]))
def test_several_conditions_are_judged_as_each_by_itself(counts, key):
    each = [judge(several(**part), Fixed(counts)).verdict for part in (RATE, BUSY)]
    pick = min if key == "all_of" else max
    assert judge(several(**{key: [RATE, BUSY]}), Fixed(counts)).verdict is pick(each)


def heard(seconds_ago):
    return Fixed(calls(0, 0, last_event_ms=START - seconds_ago * 1000), end_ms=START)


SILENT = {"metric": "data_age", "above": "10m", "resolve": "1m"}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(601, Verdict.HOLDS), (600, Verdict.UNSURE), (61, Verdict.UNSURE), (60, Verdict.CLEARS)],
)
def test_the_age_of_the_data_is_held_against_a_duration(seconds, expected):
    assert judge(several(**SILENT), heard(seconds)).verdict is expected


def test_a_silent_source_is_told_with_its_last_event():
    scope = Scope.parse("tallies:7moor/main")
    fired = decide(several(**SILENT), scope, heard(900), None, START)
    assert fired.annotations["summary"] == (
        "account 7moor/main: nothing for 15m, above 10m; the last at 2023-11-14T21:58:20+00:00"
    )
    assert fired.evidence.value == 900
    back = decide(several(**SILENT), scope, heard(30), fired, START + 1)
    assert back.annotations["resolution"] == "account 7moor/main: data age 30s"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("keep", Verdict.UNSURE), ("ok", Verdict.CLEARS), ("alert", Verdict.HOLDS)],
)
def test_a_source_never_heard_of_is_no_data(policy, expected):
    assert judge(several(**SILENT, no_data=policy), Fixed()).verdict is expected


SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = {
    "zone": "Asia/Shanghai",
    "weekdays": "mon-fri",
    "hours": ["09:00-12:00", "13:30-24:00"],
    "holidays": ["2026-10-01"],
    "workdays": ["2026-10-10"],
}


def at_ms(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "active"),
    [
        ("2026-09-30 09:00", True),  # a Wednesday
        ("2026-09-30 08:59", False),
        ("2026-09-30 12:00", False),
        ("2026-09-30 23:59", True),
        ("2026-10-01 10:00", False),  # the national holiday
        ("2026-10-10 10:00", True),  # a Saturday that is worked
        ("2026-10-11 10:00", False),
    ],
)
def test_a_rule_is_asked_in_its_active_times_alone(moment, active):
    rule = several(**RATE, active_times=HOURS)
    fired = decide(rule, NUMBER, Fixed(BAD_BUSY), None, at_ms(moment))
    assert (fired is not None) is active


def test_what_fires_ends_with_the_active_times_and_says_so():
    rule = several(**RATE, active_times=HOURS)
    fired = decide(rule, NUMBER, Fixed(BAD_BUSY), None, at_ms("2026-09-30 11:59"))
    ended = decide(rule, NUMBER, Fixed(BAD_BUSY), fired, at_ms("2026-09-30 12:00"))
    assert ended.state is AlertState.RESOLVED
    assert "active times of the rule are over" in ended.annotations["resolution"]
    assert decide(rule, NUMBER, Fixed(BAD_BUSY), ended, at_ms("2026-09-30 12:01")) is None


@pytest.mark.parametrize(
    ("body", "line", "mend"),
    [
        ("all_of: [{metric: answer_rate, window: 5m}]", 3, "exactly one of"),
        ("all_of: []", 3, "at least 1 item"),
        ("all_of: [{metric: attempts, window: 5m, abov: 1}]", 3, "do you mean `above`?"),
        (
            "all_of: [{metric: attempts, window: 5m, above: 1}]\n    below: 20%",
            4,
            "in each condition of the list",
        ),
        (
            "all_of: [{metric: attempts, window: 5m, above: 1}]\n"
            "    any_of: [{metric: attempts, window: 5m, above: 1}]",
            4,
            "one of `all_of` and `any_of`",
        ),
        (
            "any_of: [{metric: missed_calls, window: 5m, above: 1}]\n    select: {basis: tallies}",
            4,
            "select `basis: calls`",
        ),
        ("metric: data_age\n    above: 5m\n    window: 5m", 5, "take it out"),
        ("metric: data_age\n    above: 5m\n    min_attempts: 5", 5, "needs no `min_attempts`"),
        ("metric: attempts\n    below: 5", 2, "this key is missing"),
        ("metric: answer_rate\n    window: 5m\n    below: 5m", 5, "write 20% or 0.2"),
    ],
)
def test_an_error_in_a_condition_names_line_and_mend(body, line, mend):
    with pytest.raises(RulesError) as caught:
        load_rules(f"rules:\n  - name: a\n    {body}\n", "my.yaml")
    told = str(caught.value).splitlines()
    assert any(each.startswith(f"my.yaml:{line}: ") and mend in each for each in told), told


@pytest.mark.parametrize(
    ("times", "mend"),
    [
        ("{zone: Shanghai}", "such as Asia/Shanghai"),
        ("{hours: 9-18}", "write them as 09:00-18:00"),
        ("{zone: UTC, hours: '22:00-06:00'}", "22:00-24:00 and 00:00-06:00"),
        ("{zone: UTC, weekdays: [monday]}", "mon-fri"),
        ("{zone: UTC, holidays: [2026-10-01], workdays: [2026-10-01]}", "is a holiday too"),
        ("{zone: UTC, hour: '09:00-18:00'}", "do you mean `hours`?"),
        ("{hours: '09:00-18:00'}", "zone: this key is missing"),
    ],
)
def test_an_error_in_the_active_times_names_the_mend(times, mend):
    text = f"rules: [{{name: a, metric: attempts, window: 5m, below: 1, active_times: {times}}}]"
    with pytest.raises(RulesError, match=r"my\.yaml:1: ") as caught:
        load_rules(text, "my.yaml")
    assert mend in str(caught.value)


def test_several_conditions_are_explained():
    told = explain(several(all_of=[RATE, BUSY], active_times=HOURS))
    assert told.threshold == "answer rate below 20% and attempts above 50"
    assert told.resolve == "≥ 25% or ≤ 50"
    assert any("on evidence" in line and ", and the number of" in line for line in told.english)
    assert any("active times" in line for line in told.english)
    assert any("生效时段" in line for line in told.chinese)


def test_the_schema_asks_for_a_condition_and_knows_no_null():
    schema = rules_schema()
    assert schema["$defs"]["Rule"]["anyOf"] == [
        {"required": ["metric"]},
        {"required": ["all_of"]},
        {"required": ["any_of"]},
    ]
    assert "null" not in str(schema)
