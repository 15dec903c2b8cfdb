"""What is told is told once, in the reader's language, and says what is true now."""

import json

import pytest

from connectors.hooks.notification import Notification, one
from connectors.hooks.receivers import payloads
from connectors.hooks.receivers.text import write
from tests.hooks.alerts import alert

ENDS = "resolves when the answer rate is 25% or more"
ENDS_ZH = "接通率回到 25% 以上（含）时恢复"
TEXTS = {
    "summary": "0755 is answered 8% of the time",
    "summary_zh": "0755 接通率 8%",
    "description": "95 % interval 3% to 19%",
    "description_zh": "95% 区间 3% 至 19%",
    "diagnosis": "this number alone",
    "diagnosis_zh": "仅此号码",
    "resolves_when": ENDS,
    "resolves_when_zh": ENDS_ZH,
}
FIRED = alert(annotations=TEXTS, resolves_when=ENDS)


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("en", ["95 % interval 3% to 19%", "this number alone", ENDS]),
        ("zh", ["95% 区间 3% 至 19%", "仅此号码", ENDS_ZH]),
    ],
)
def test_an_alert_says_what_is_wrong_where_and_what_would_end_it(language, lines):
    told = write(one(FIRED, "ops"), language).body.splitlines()
    assert told[1:] == [f"  {line}" for line in lines]


def test_what_a_rule_says_itself_is_not_said_twice():
    own = alert(annotations=TEXTS | {"description": f"Rest it. {ENDS.capitalize()}."})
    assert write(one(own, "ops"), "en").body.lower().count(ENDS) == 1


def test_in_a_group_each_alert_is_shorter():
    both = (FIRED, alert("f2", annotations=TEXTS))
    told = write(Notification("id", "ops", "g", {}, both, grouped=True), "en").body
    assert ENDS not in told
    assert told.count("this number alone") == 2


@pytest.mark.parametrize("name", ["resolution", "late_data"])
def test_an_end_says_why_and_no_more_what_was(name):
    ended = alert(state="resolved", annotations=TEXTS | {name: "26% of 50 calls"})
    head, why = write(one(ended, "ops"), "en").body.splitlines()
    assert head.startswith("[resolved] 0755 is answered 8% of the time (since")
    assert why == "  26% of 50 calls"


def test_a_webhook_holds_what_would_end_it_once_a_language():
    told = payloads.standard(one(FIRED, "ops")).decode()
    assert told.count(ENDS) == told.count(ENDS_ZH) == 1
    assert json.loads(told)["data"]["resolves_when"] == ENDS
