"""Rules that group: what they watch, what is refused, and what is told of them."""

import pytest

from schemas.scope import Scope
from streams.core.rules import RulesError, decide, load_rules, rules_schema
from streams.core.rules.diagnose import diagnose
from streams.core.rules.explain import explain
from tests.core.rules.views import Fixed, calls, rule

SELECT = {"kind": "display_number", "value": "0755*"}
BY_CARRIER = rule(select=SELECT, group_by=["account", "carrier"])
SCOPE = Scope.parse(f"calls:icsoc/main/group/{BY_CARRIER.group.name}/carrier=移动")


def problem(body):
    head = "rules:\n  - name: low\n    metric: answer_rate\n    window: 5m\n    below: 20%\n"
    with pytest.raises(RulesError) as caught:
        load_rules(head + body, "my.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("    group_by: [line]\n", "my.yaml:6: rule low: group_by: 'line' is unknown: write"),
        ("    group_by: group\n", "a rule makes its groups by `group_by`"),
        ("    select: {kind: group}\n", "a rule makes its groups by `group_by`"),
        ("    group_by: [queue, queue]\n", "queue stands here twice: take one out"),
        (
            "    select: {basis: tallies}\n    group_by: [account, carrier]\n",
            "my.yaml:7: rule low: group_by: tallies do not report carrier: select `basis: calls`, "
            "or group by vendor, account, display_number, campaign",
        ),
        (
            "    group_by: carrier\n    labels: {carrier: any}\n",
            "my.yaml:7: rule low: labels: the label `carrier` is the group's",
        ),
        ("    group_bye: carrier\n", "do you mean `group_by`?"),
    ],
)
def test_what_is_wrong_names_the_mend(body, told):
    assert told in problem(body)


def test_a_rule_watches_its_groups_and_no_other_scope():
    assert BY_CARRIER.selects(SCOPE)
    for text in (
        "calls:icsoc/main/display_number/075512345678",
        str(SCOPE).replace(BY_CARRIER.group.name, "answer-rate~000000"),
        str(SCOPE).replace("calls:", "tallies:"),
    ):
        assert not BY_CARRIER.selects(Scope.parse(text))
    assert not rule().selects(SCOPE)


def test_the_alert_has_the_dimensions_as_labels_and_in_its_text():
    alert = decide(BY_CARRIER, SCOPE, Fixed(calls(100, 2)), None, 1_700_000_000_000)
    assert alert.scope == str(SCOPE)
    own = {"vendor": "icsoc", "account": "main", "kind": "group", "carrier": "移动"}
    assert own.items() <= alert.labels.items()
    assert alert.annotations["summary"].startswith("group answer-rate, carrier 移动 (icsoc/main): ")
    assert alert.annotations["summary_zh"].startswith("分组 answer-rate，运营商 移动（icsoc/main）")


def test_a_group_over_accounts_has_no_account():
    grouped = rule(select=SELECT, group_by="vendor")
    scope = Scope.parse(f"calls:icsoc//group/{grouped.group.name}")
    alert = decide(grouped, scope, Fixed(calls(100, 2)), None, 1_700_000_000_000)
    assert "account" not in alert.labels
    assert alert.annotations["summary"].startswith("group answer-rate (icsoc): ")


def test_explain_says_that_calls_are_counted_together():
    told = explain(BY_CARRIER)
    assert told.watches == "every display number like 0755* together by vendor, account, carrier"
    assert told.english[1].startswith("Their calls are counted together")
    assert told.chinese[0].endswith("每组一个告警（供应商、账户、运营商）。")


def test_editors_know_the_key_and_what_it_takes():
    schema = rules_schema()
    of_rule = schema["$defs"]["Rule"]["properties"]["group_by"]
    (one, _) = of_rule["anyOf"]
    assert "carrier" in one["enum"]
    assert "group" not in one["enum"]


(CONDITION,) = BY_CARRIER.conditions


def test_a_group_is_held_against_the_rest_of_its_account():
    other = str(SCOPE).replace("移动", "联通")
    rates = {
        str(SCOPE): calls(100, 5),
        other: calls(100, 40),
        "calls:icsoc/main": calls(1000, 405),
        "calls:icsoc/main/group/other~123456/carrier=x": calls(100, 0),
    }
    found = diagnose(CONDITION, SCOPE, rates)
    assert found.en.startswith("this group alone: the rest of account icsoc/main 44.4%")
    assert found.en.endswith("is well; 0 of 1 other groups in trouble")


def test_a_group_over_accounts_is_held_against_the_rest_of_its_vendor():
    scope = SCOPE._replace(account=None)
    rates = {str(scope): calls(100, 5), "calls:icsoc": calls(1000, 405)}
    assert diagnose(CONDITION, scope, rates).en.startswith("this group alone: the rest of vendor")
    rates["calls:icsoc"] = calls(1000, 40)
    assert diagnose(CONDITION, scope, rates).en.startswith("the whole vendor icsoc: ")
