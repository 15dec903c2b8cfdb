"""What a back-test finds, and how it is told."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.scope import Scope
from streams.backtest.episodes import compare, score
from streams.backtest.onset import find_onset
from streams.backtest.picture import draw
from tests.backtest.traffic import (
    COLLAPSE,
    NUMBER,
    RECOVERY,
    RULE,
    START_MS,
    call,
    every,
    row,
    rules,
    run,
)
from tests.core.rules.views import calls as counts

UTC = ZoneInfo("UTC")


def test_a_collapse_is_found_with_its_length_and_the_calls_that_it_took():
    done = run(every(7, COLLAPSE + RECOVERY))
    (found,) = done.episodes("new")
    assert (found.rule, found.scope) == ("low", NUMBER)
    assert found.onset.calls == pytest.approx(40, abs=3)
    assert found.onset.at_ms == pytest.approx(START_MS + 120 * 7000, abs=20_000)
    assert timedelta(minutes=4) < found.lasted(done.end) < timedelta(minutes=12)
    told = score("low", [found], done.end)
    assert (told.fired, told.flaps, told.disproved) == (1, 0, 0)
    assert told.calls_to_detect == found.onset.calls


def test_what_fires_again_within_the_hour_is_a_flap():
    done = run(every(7, (COLLAPSE + RECOVERY) * 2))
    assert [each.flap for each in done.episodes("new")] == [False, True]


def test_late_calls_that_disprove_an_alert_are_told():
    bad = every(7, COLLAPSE)
    end = 7 * len(COLLAPSE)
    late = [
        row(1000 + index, call(1000 + index, 800 + index, answered=True), arrives=end + 30)
        for index in range(600)
    ]
    (found,) = run([*bad, *late]).episodes("new")
    assert found.disproved


def test_what_was_over_before_is_left_out_but_fills_the_windows():
    done = run(every(7, COLLAPSE + RECOVERY))
    assert done.episodes("new", since_ms=START_MS + 7_000 * len(COLLAPSE + RECOVERY)) == []
    assert len(done.episodes("new", since_ms=START_MS + 7_000 * len(COLLAPSE))) == 1


def test_two_sets_of_rules_are_compared_by_scope_and_time():
    strict = rules(RULE.replace("below: 20%", "below: 2%").replace("name: low", "name: strict"))
    later = rules(RULE.replace("{last: 50}", "{last: 70}").replace("name: low", "name: later"))
    done = run(every(7, COLLAPSE + RECOVERY), {"new": rules(), "none": strict, "later": later})
    new, none, after = (done.episodes(name) for name in ("new", "none", "later"))
    assert len(compare(new, none, done.end).new) == 1
    assert len(compare(none, new, done.end).gone) == 1
    ((one, other),) = compare(new, after, done.end).both
    assert one.began < other.began


def test_a_group_is_the_same_whatever_its_rule_is_called():
    grouped = RULE.replace("display_number}", "display_number}, group_by: account")
    renamed = rules(grouped.replace("name: low", "name: other"))
    done = run(every(7, COLLAPSE + RECOVERY), {"new": rules(grouped), "other": renamed})
    new, other = done.episodes("new"), done.episodes("other")
    assert len(compare(new, other, done.end).both) == 1
    assert compare(new, done.episodes("none"), done.end).new == tuple(new)


def test_the_picture_shows_rate_interval_threshold_and_firing():
    watched = (rules().get("low"), Scope.parse(NUMBER))
    done = run(every(7, COLLAPSE + RECOVERY), watched=watched)
    assert len(done.probe.points) > 100
    page = draw(watched[0], NUMBER, done.probe.points, done.episodes("new"), UTC)
    for part in ('class="rate"', 'class="band"', 'class="threshold"', 'class="resolve"'):
        assert part in page
    assert page.count('class="fire"') == 1
    assert "answer rate 8% (4 of 50" in page
    assert "<script" not in page


def test_the_picture_of_nothing_says_so():
    page = draw(rules().get("low"), NUMBER, [], [], UTC)
    assert "No calls." in page
    assert "Nothing fired." in page


def test_what_a_scope_is_called_cannot_break_the_picture():
    page = draw(rules().get("low"), "calls:icsoc/main/region/<b>", [], [], UTC)
    assert "<b>" not in page


(CONDITION,) = rules().get("low").conditions
panes = st.lists(
    st.integers(0, 9).flatmap(lambda n: st.builds(counts, st.just(n), st.integers(0, n))),
    max_size=40,
)


@given(panes)
def test_no_other_beginning_has_a_rate_farther_from_the_threshold(stretch):
    found = find_onset(CONDITION, [(10 * index, each) for index, each in enumerate(stretch)])

    def lack(start):
        rest = stretch[start:]
        return 0.2 * sum(p.attempts for p in rest) - sum(p.answered for p in rest)

    worst = max((lack(start) for start in range(len(stretch))), default=0.0)
    if found is None:
        assert worst <= 1e-9
    else:
        start = found.at_ms // 10_000
        assert lack(start) == pytest.approx(worst)
        assert found.calls == sum(each.attempts for each in stretch[start:])


def test_a_count_has_no_onset():
    (missed,) = (
        rules("rules: [{name: low, metric: missed_calls, window: 5m, above: 5}]")
        .get("low")
        .conditions
    )
    assert find_onset(missed, [(0, counts(10, 0))]) is None
