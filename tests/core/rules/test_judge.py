import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.rules.judge import Verdict, judge
from streams.core.wilson import wilson
from tests.core.rules.views import Fixed, calls, rule

samples = st.integers(0, 2_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


def verdict(a_rule, counts):
    return judge(a_rule, Fixed(counts)).verdict


@given(samples, st.floats(0.01, 0.99), st.floats(0, 0.3))
def test_fires_on_the_whole_interval_and_clears_on_the_value(sample, below, band):
    attempts, answered = sample
    resolve = min(1.0, below + band)
    told = verdict(rule(below=below, resolve=resolve), calls(attempts, answered))
    if attempts < 20:
        assert told is Verdict.UNSURE
    elif wilson(answered, attempts)[1] < below:
        assert told is Verdict.HOLDS
    elif answered / attempts >= resolve:
        assert told is Verdict.CLEARS
    else:
        assert told is Verdict.UNSURE


@given(samples, st.floats(0.01, 0.99))
def test_above_is_the_mirror_image_of_below(sample, share):
    attempts, answered = sample
    low = verdict(rule(below=share), calls(attempts, answered))
    high = verdict(rule(above=1 - share), calls(attempts, attempts - answered))
    assert (
        low is high
        or abs(wilson(answered, attempts)[1] - share) < 1e-9
        or (abs(answered / attempts - share) < 1e-9)
    )


def test_a_small_sample_that_looks_bad_is_no_evidence():
    assert verdict(rule(), calls(19, 0)) is Verdict.UNSURE
    assert verdict(rule(), calls(20, 0)) is Verdict.HOLDS
    assert verdict(rule(), calls(50, 8)) is Verdict.UNSURE  # 16 %, but up to 29 %


def test_a_point_test_takes_the_value_itself():
    assert verdict(rule(test="point"), calls(50, 9)) is Verdict.HOLDS
    assert verdict(rule(test="point"), calls(50, 10)) is Verdict.CLEARS


def test_more_confidence_asks_for_more_evidence():
    assert verdict(rule(), calls(50, 4)) is Verdict.HOLDS
    assert verdict(rule(confidence=0.99), calls(50, 4)) is Verdict.UNSURE


@pytest.mark.parametrize(
    ("missed", "expected"),
    [(6, Verdict.HOLDS), (5, Verdict.UNSURE), (3, Verdict.UNSURE), (2, Verdict.CLEARS)],
)
def test_a_count_is_compared_as_it_is(missed, expected):
    counted = rule(metric="missed_calls", above=5, resolve=2)
    assert verdict(counted, calls(0, 0, missed=missed)) is expected


def test_no_calls_at_all_are_a_count_of_zero():
    assert verdict(rule(metric="attempts", below=1), calls(0, 0)) is Verdict.HOLDS


@pytest.mark.parametrize(
    ("metric", "counts", "value"),
    [
        ("answer_rate", calls(200, 50), 0.25),
        ("connect_rate", calls(200, 50, connected=40), 0.2),
        ("abandon_rate", calls(200, 50, abandoned=10), 0.2),
        ("average_talk_seconds", calls(200, 50, connected=40, talk_seconds=1000), 25),
        ("attempts", calls(200, 50), 200),
        ("missed_calls", calls(200, 50, missed=7), 7),
    ],
)
def test_reads_each_metric(metric, counts, value):
    above = 0.99 if "rate" in metric else 999
    assert judge(rule(metric=metric, above=above), Fixed(counts)).reading.value == value


def test_the_sample_of_a_rate_is_what_it_is_a_share_of():
    few_answered = calls(500, 19, abandoned=19)
    assert verdict(rule(metric="abandon_rate", above="5%"), few_answered) is Verdict.UNSURE


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("keep", Verdict.UNSURE), ("ok", Verdict.CLEARS), ("alert", Verdict.HOLDS)],
)
def test_an_empty_window_means_what_the_rule_says(policy, expected):
    assert verdict(rule(no_data=policy), calls(0, 0)) is expected


def test_counts_that_make_no_rate_are_no_evidence():
    assert verdict(rule(no_data="alert"), calls(30, 31)) is Verdict.UNSURE


BAD, GOOD, MIDDLING = calls(100, 5), calls(100, 60), calls(100, 18)


@pytest.mark.parametrize(
    ("combine", "short", "long", "expected"),
    [
        ("all", BAD, BAD, Verdict.HOLDS),
        ("all", BAD, MIDDLING, Verdict.UNSURE),
        ("all", GOOD, BAD, Verdict.CLEARS),
        ("any", BAD, GOOD, Verdict.HOLDS),
        ("any", GOOD, MIDDLING, Verdict.UNSURE),
        ("any", GOOD, GOOD, Verdict.CLEARS),
    ],
)
def test_windows_agree_or_one_is_enough(combine, short, long, expected):
    several = rule(window={combine: ["5m", "1h"]})
    assert judge(several, Fixed(by_seconds={300: short, 3600: long})).verdict is expected


def test_the_evidence_is_the_window_that_decides():
    several = rule(window={"any": ["5m", "1h"]})
    finding = judge(several, Fixed(by_seconds={300: GOOD, 3600: BAD}))
    assert finding.window.name() == "1h"
    assert finding.reading.successes == 5
