"""Rules' own tests: what they read, and that they fail where they should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError
from streams.backtest.ruletests import load_rules_of, load_tests, run_test
from streams.backtest.series import Interval, parse_values
from streams.settings import StreamsSettings
from tests.backtest.traffic import RULE

HEAD = """\
rule_files: [rules.yaml]
tests:
  - name: a number collapses
    input_series:
      - series: calls:icsoc/main/display_number/0755
        values: 6/20x15 0/20x5 10/20x10
    alert_rule_test:
"""


def failures(expected, rules=RULE, head=HEAD):
    tests = load_tests(head + expected, "tests.yaml")
    found = load_rules_of(tests, lambda name: rules)
    return [each.text for test in tests.tests for each in run_test(test, found, StreamsSettings())]


def test_what_is_expected_and_comes_passes():
    assert not failures(
        "      - {eval_time: 15m, alertname: low}\n"
        "      - eval_time: 20m\n"
        "        alertname: low\n"
        "        exp_alerts: [{exp_labels: {value: '0755', severity: warning}}]\n"
        "      - {eval_time: 30m, alertname: low}\n"
        "      - {eval_time: 30m, alertname: low, exp_state: resolved, exp_alerts: [{}]}\n"
    )


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("{eval_time: 20m, alertname: low}", "did not expect calls:icsoc/main/display_number/0755"),
        ("{eval_time: 15m, alertname: low, exp_alerts: [{}]}", "expected an alert to be firing"),
        (
            "{eval_time: 20m, alertname: low, exp_alerts: [{exp_labels: {value: '1'}}]}",
            "low at 20m: expected {'value': '1'} to be firing; firing are: calls:icsoc/main/",
        ),
        (
            "{eval_time: 20m, alertname: low, exp_alerts: [{exp_annotations: {summary: x}}]}",
            "expected {'summary': 'x'}",
        ),
    ],
)
def test_what_is_not_as_expected_fails_and_says_what_was(expected, told):
    assert any(told in each for each in failures(f"      - {expected}\n"))


def test_missed_calls_abandoned_ones_tallies_and_late_ones():
    rules = """\
rules:
  - {name: missed, metric: missed_calls, select: {kind: queue}, window: 5m, above: 5}
  - {name: abandoned, metric: abandon_rate, select: {kind: campaign}, window: 15m, above: 5%}
  - {name: tally, metric: answer_rate, select: {basis: tallies, kind: display_number},
     window: 15m, below: 20%}
  - {name: carrier, metric: attempts, select: {kind: carrier}, window: 15m, above: 10}
  - {name: late, metric: attempts, select: {kind: region}, window: 15m, above: 10}
"""
    head = """\
rule_files: [rules.yaml]
tests:
  - interval: 1m
    start: 2026-03-02T09:00:00+08:00
    input_series:
      - {series: calls:huawei/main/queue/4001, values: 2x5}
      - {series: calls:icsoc/main/campaign/7, values: 4+4/20x5, with: {carrier: 移动}}
      - {series: tallies:7moor/main/display_number/010, values: 1/20x5}
      - {series: calls:icsoc/main/region/广东, values: 20/20x1, arrives_after: 2m}
    alert_rule_test:
"""
    expected = "".join(
        f"      - {{eval_time: {at}, alertname: {name}, exp_alerts: [{{exp_labels: {labels}}}]}}\n"
        for at, name, labels in (
            ("5m", "missed", "{value: '4001', vendor: huawei}"),
            ("5m", "abandoned", "{value: '7'}"),
            ("5m30s", "tally", "{value: '010', basis: tallies}"),
            ("5m", "carrier", "{value: 移动}"),
            ("3m", "late", "{value: 广东}"),
        )
    )
    none_yet = "      - {eval_time: 2m, alertname: late}\n"
    assert failures(expected + none_yet, rules, head) == []


def test_our_own_rules_are_tested_where_none_are_named():
    tests = load_tests(
        "tests: [{input_series: [], alert_rule_test: "
        "[{eval_time: 1m, alertname: queue-missed-calls}]}]",
        "tests.yaml",
    )
    assert load_rules_of(tests, str).get("queue-missed-calls")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "tests.yaml:1: no tests here"),
        ("tests: [", "tests.yaml:1: not YAML"),
        (HEAD.replace("6/20x15", "20/6") + "      - {eval_time: 1m, alertname: low}", ":6: "),
        (HEAD.replace("6/20x15", "six") + "      - {eval_time: 1m, alertname: low}", "write 6/20"),
        (
            HEAD.replace("calls:icsoc", "call:icsoc") + "      - {eval_time: 1m, alertname: low}",
            ":5: ",
        ),
        (HEAD + "      - {eval_time: 1, alertname: low}", "with its unit"),
        (HEAD + "      - {eval_tim: 1m, alertname: low}", "eval_tim"),
        (
            "tests:\n  - input_series: [{series: calls:icsoc/main, values: 1/1, with: {city: x}}]\n"
            "    alert_rule_test: [{eval_time: 1m, alertname: low}]",
            "'city' is no dimension: display_number",
        ),
    ],
)
def test_an_error_names_the_line_and_the_mend(text, told):
    with pytest.raises(ConfigError) as caught:
        load_tests(text, "tests.yaml")
    assert str(caught.value).startswith("tests.yaml:")
    assert told in str(caught.value)


def test_a_rule_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match="there is no rule 'lwo'; there are: low"):
        failures("      - {eval_time: 1m, alertname: lwo}\n")


intervals = st.integers(0, 99).flatmap(
    lambda n: st.integers(0, n).flatmap(
        lambda a: st.integers(0, n - a).map(lambda b: Interval(n, a, b, 0))
    )
)


@given(st.lists(intervals))
def test_values_are_read_as_they_are_written(some):
    text = " ".join(f"{each.connected}+{each.abandoned}/{each.attempts}" for each in some)
    assert parse_values(text) == tuple(some)


def test_words_are_repeated():
    assert parse_values("1/2x2 _x2 3") == (
        Interval(2, 1),
        Interval(2, 1),
        Interval(),
        Interval(),
        Interval(missed=3),
    )
