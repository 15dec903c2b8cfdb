import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.scope import Scope
from streams.core.rules.diagnose import diagnose
from tests.core.rules.views import calls, rule

HOME = "calls:icsoc/main"
NUMBER = Scope.parse(f"{HOME}/display_number/0755")
(CONDITION,) = rule(below="20%", resolve="25%").conditions
SICK = calls(100, 5)


def told(rates, scope=NUMBER):
    return diagnose(CONDITION, scope, {str(scope): SICK, **rates})


def test_the_number_alone():
    found = told(
        {
            HOME: calls(1100, 305),
            f"{HOME}/display_number/0756": calls(100, 30),
            f"{HOME}/display_number/0757": calls(100, 2),
            f"{HOME}/display_number/0758": calls(5, 0),
        }
    )
    assert found.en == (
        "this display number alone: the rest of account icsoc/main 30% (27.2% to 32.9%, "
        "300/1000) is well; 1 of 2 other display numbers in trouble"
    )
    assert found.zh.startswith("仅此外显号码异常：")


def test_the_account():
    found = told({HOME: calls(1100, 55), "calls:icsoc": calls(2100, 355)})
    assert found.en.startswith("the whole account icsoc/main: ")
    assert found.zh.startswith("整个账户 icsoc/main 异常：")


def test_the_vendor():
    found = told({HOME: calls(1100, 55), "calls:icsoc": calls(2100, 105)})
    assert found.en.startswith("the whole vendor icsoc: the rest of vendor icsoc 5%")


@pytest.mark.parametrize("kind", ["carrier", "region"])
def test_the_carrier_or_region_that_is_in_trouble_while_another_is_well(kind):
    found = told(
        {
            HOME: calls(1100, 200),
            f"{HOME}/{kind}/one": calls(600, 30),
            f"{HOME}/{kind}/other": calls(500, 170),
        }
    )
    assert found.en.startswith(f"the {kind} one: {kind} one (icsoc/main) 5% (")
    assert f"{kind} other (icsoc/main) 34% (" in found.en


def test_a_number_does_not_blame_the_carrier_that_it_drags_down():
    found = told(
        {
            HOME: calls(1100, 305),
            f"{HOME}/carrier/one": calls(130, 12),
            f"{HOME}/carrier/other": calls(970, 293),
        }
    )
    assert found.en.startswith("this display number alone")


def test_what_is_not_known_is_not_guessed():
    assert told({}).en.startswith("not clear where the fault lies")
    assert told({HOME: calls(110, 6)}).en.startswith("not clear yet")
    assert told({HOME: calls(1100, 5 + 220)}).en.startswith("not clear yet")


def test_an_account_is_held_against_the_rest_of_its_vendor():
    account = Scope.parse(HOME)
    found = told({"calls:icsoc": calls(1100, 405)}, scope=account)
    assert found.en.startswith("this account alone: the rest of vendor icsoc 40%")


def test_counts_and_vendors_have_no_diagnosis():
    (missed,) = rule(metric="missed_calls", above=5).conditions
    assert diagnose(missed, NUMBER, {HOME: calls(10, 1)}) is None
    assert diagnose(CONDITION, Scope.parse("calls:icsoc"), {}) is None


counts = st.integers(0, 300).flatmap(lambda n: st.builds(calls, st.just(n), st.integers(0, n)))
KNOWN = [HOME, "calls:icsoc", str(NUMBER)] + [
    f"{HOME}/{kind}/{value}"
    for kind in ("carrier", "region", "display_number")
    for value in ("a", "b")
]


@given(st.dictionaries(st.sampled_from(KNOWN), counts))
def test_it_always_says_one_line_in_both_languages(rates):
    found = diagnose(CONDITION, NUMBER, rates)
    assert "\n" not in found.en + found.zh
    assert found.en
    assert found.zh
    assert set(found.annotations()) == {"diagnosis", "diagnosis_zh"}


@given(st.dictionaries(st.sampled_from(KNOWN), counts))
def test_the_number_is_blamed_alone_only_where_the_rest_is_well(rates):
    found = diagnose(CONDITION, NUMBER, rates)
    if found.en.startswith("this display number alone"):
        rest = rates[HOME].minus(rates.get(str(NUMBER), calls(0, 0)))
        assert rest.answered / rest.attempts >= 0.25
