import json

import pytest

from schemas.errors import ConfigError
from schemas.scope import Scope
from streams.core.rules import RulesError, join_rules, load_default_rules, load_rules, rules_schema
from streams.core.rules.windows import Last, Over

HEAD = "rules:\n  - name: low\n    metric: answer_rate\n"


def problems(text: str) -> str:
    with pytest.raises(RulesError) as caught:
        load_rules(text, "my.yaml")
    return str(caught.value)


def one(body: str):
    (rule,) = load_rules(HEAD + body, "my.yaml")
    return rule


def test_reads_every_key():
    rule = one(
        """\
    select: {vendor: icsoc, account: [main, "b*"], kind: display_number, value: "0755*"}
    window: {any: [5m, {last: 50}]}
    below: 20%
    resolve: 0.25
    test: wilson
    confidence: 0.99
    min_attempts: 30
    for: 90s
    keep_firing_for: 1h30m
    no_data: ok
    severity: critical
    labels: {team: outbound}
    annotations: {summary: {en: "{value} is {measured}", zh: "{value} 为 {measured}"}}
"""
    )
    (condition,) = rule.conditions
    assert condition.window.parts == (Over(300), Last(50))
    assert (condition.threshold, condition.resolve_at) == (0.2, 0.25)
    assert (rule.hold_for, rule.keep_firing_for) == (90, 5400)
    assert rule.labels == {"team": "outbound"}


@pytest.mark.parametrize(
    ("scope", "watched"),
    [
        ("calls:icsoc/main/display_number/075512345678", True),
        ("tallies:icsoc/branch/display_number/0755", True),
        ("calls:icsoc/other/display_number/0755", False),
        ("calls:icsoc/main/display_number/0101234", False),
        ("calls:icsoc/main/queue/0755", False),
        ("calls:huawei/main/display_number/0755", False),
        ("calls:icsoc/main", False),
    ],
)
def test_selects_by_value_list_and_glob(scope, watched):
    rules = load_rules(
        HEAD
        + """\
    select: {vendor: icsoc, account: [main, "b*"], kind: display_number, value: "0755*"}
    window: 5m
    below: 20%
""",
        "my.yaml",
    )
    assert bool(rules.watching(Scope.parse(scope))) is watched


def test_a_metric_that_tallies_do_not_report_is_not_watched_there():
    (rule,) = load_rules(
        "rules: [{name: a, metric: abandon_rate, window: 5m, above: 5%}]", "my.yaml"
    )
    assert rule.selects(Scope.parse("calls:huawei/main"))
    assert not rule.selects(Scope.parse("tallies:huawei/main"))


@pytest.mark.parametrize(
    ("body", "line", "mend"),
    [
        ("    windw: 5m\n    below: 20%\n", 4, "do you mean `window`?"),
        ("    window: 5m\n    colour: red\n    below: 20%\n", 5, "the keys here are name, metric"),
        ("    window: 300\n    below: 20%\n", 4, 'write "5m"'),
        ("    window: {last: 0}\n    below: 20%\n", 4, "{last: 50}"),
        ("    window: 0s\n    below: 20%\n", 4, "holds no calls"),
        ("    window: {all: 5m}\n    below: 20%\n", 4, "takes a list"),
        ("    window: 5m\n    below: 20\n", 5, "write 20% or 0.2"),
        ("    window: 5m\n    below: low\n", 5, "write 20%, 0.2 or 5"),
        ("    window: 5m\n    below: true\n", 5, "true and false"),
        ("    window: 5m\n    below: 0\n", 5, "never below 0"),
        ("    window: 5m\n    above: 100%\n", 5, "never above 100%"),
        ("    window: 5m\n    below: 20%\n    above: 30%\n", 6, "exactly one of"),
        ("    window: 5m\n", 2, "exactly one of"),
        ("    window: 5m\n    below: 20%\n    resolve: 10%\n", 6, "must not lie under"),
        ("    window: 5m\n    above: 20%\n    resolve: 30%\n", 6, "must not lie over"),
        ("    window: {last: 10}\n    below: 20%\n", 4, "raise one or lower the other"),
        ("    window: 5m\n    below: 20%\n    for: 5\n", 6, "with its unit, such as 90s"),
        ("    window: 5m\n    below: 20%\n    severity: loud\n", 6, "'info', 'warning' or"),
        (
            "    window: 5m\n    below: 20%\n    select:\n      value: 0755\n",
            7,
            "put it in quotes",
        ),
        ("    window: 5m\n    below: 20%\n    select: {kind: number}\n", 6, "display_number"),
        ("    window: 5m\n    below: 20%\n    select: {knd: queue}\n", 6, "`kind`?"),
        ("    window: 5m\n    below: 20%\n    labels: {vendor: x}\n", 6, "set by itself"),
        ("    window: 5m\n    below: 20%\n    labels: {a-b: x}\n", 6, "letters, digits and _"),
        (
            '    window: 5m\n    below: 20%\n    annotations: {summary: "{rate}"}\n',
            6,
            "{measured}",
        ),
        (
            '    window: 5m\n    below: 20%\n    annotations: {summary: "{value.real}"}\n',
            6,
            "no placeholder",
        ),
        (
            '    window: 5m\n    below: 20%\n    annotations: {summary: "50 }"}\n',
            6,
            "write a brace itself",
        ),
        ("    window: 5m\n    window: 6m\n    below: 20%\n", 5, "stands here twice"),
        ("    window: [5m\n", 5, "not YAML"),
    ],
)
def test_an_error_names_the_file_the_line_and_the_mend(body, line, mend):
    told = problems(HEAD + body).splitlines()
    assert any(each.startswith(f"my.yaml:{line}: ") and mend in each for each in told), told


@pytest.mark.parametrize(
    ("keys", "mend"),
    [
        ("window: 5m, above: 2.5", "not a whole number"),
        ("window: 5m, above: 2, min_attempts: 5", "needs no `min_attempts`"),
        ("window: 5m, above: 2, test: wilson", "take `test` out"),
        ("window: {last: 50}, above: 2", "counted over time"),
        ("window: 5m, above: 2, select: {basis: tallies}", "select `basis: calls`"),
    ],
)
def test_a_count_refuses_what_is_meant_for_rates(keys, mend):
    assert mend in problems(f"rules: [{{name: a, metric: missed_calls, {keys}}}]")


def test_all_problems_are_told_at_once_with_the_rule_they_are_in():
    told = problems(
        "rules:\n"
        "  - {name: a, metric: answer_rate, window: 5m, below: 20%, x: 1}\n"
        "  - {name: b, metric: speed, window: 5m, below: 20%}\n"
    )
    first, second = told.splitlines()
    assert first.startswith("my.yaml:2: rule a: x: ")
    assert second.startswith("my.yaml:3: rule b: metric: ")


def test_a_missing_key_is_told_at_its_rule():
    assert problems("rules:\n  - metric: attempts\n    window: 5m\n    above: 1\n").startswith(
        "my.yaml:2: rule number 1: name: this key is missing"
    )


def test_names_are_unique_in_a_file_and_over_files():
    rule = "{name: a, metric: attempts, window: 5m, below: 1}"
    assert problems(f"rules:\n  - {rule}\n  - {rule}\n").startswith("my.yaml:3: ")
    rules = load_rules(f"rules: [{rule}]", "one.yaml")
    with pytest.raises(ConfigError, match=r"one\.yaml and in two\.yaml: rename one"):
        join_rules([("one.yaml", rules), ("two.yaml", rules)])


@pytest.mark.parametrize("text", ["", "# nothing\n", "[]", "rules: 5", "- a", "&a [*a]", "\x00"])
def test_a_file_that_holds_no_rules_is_refused(text):
    assert problems(text).startswith("my.yaml:1: ")


def test_the_default_rules_load_and_speak_both_languages():
    rules = load_default_rules()
    assert [rule.name for rule in rules] == [
        "display-number-answer-rate",
        "abandon-rate",
        "queue-missed-calls",
    ]
    for rule in rules:
        assert rule.annotations["summary"].en != rule.annotations["summary"].zh


def test_the_schema_names_each_key_as_it_is_written():
    schema = rules_schema()
    keys = schema["$defs"]["Rule"]["properties"]
    assert {"for", "keep_firing_for", "window", "below", "resolve"} <= set(keys)
    assert "hold_for" not in keys
    assert keys["window"]["anyOf"][0]["type"] == "string"
    json.dumps(schema)
