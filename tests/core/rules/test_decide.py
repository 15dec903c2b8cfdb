from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import Alert, AlertState
from streams.core.rules import decide, fingerprint, load_default_rules, retire
from streams.core.rules.moments import unix_ms
from streams.core.wilson import wilson
from tests.core.rules.views import NUMBER, QUEUE, START, Fixed, Panes, calls, rule

BAD, BAND, GOOD, FEW = calls(100, 5), calls(100, 18), calls(100, 30), calls(10, 0)
SECOND = 1000


def run(a_rule, steps, *, every=10, previous=None, scope=NUMBER):
    """Decide on one reading after another, each from the stored bytes of the last record."""
    published = []
    for index, counts in enumerate(steps):
        at_ms = START + index * every * SECOND
        alert = decide(a_rule, scope, Fixed(counts, end_ms=at_ms), previous, at_ms)
        if alert is not None:
            previous = Alert.model_validate_json(alert.to_json())
            published.append(previous)
    return published


def states(published):
    return [str(alert.state) for alert in published]


def test_fires_at_once_without_for_and_resolves_on_a_reading_that_clears():
    fired, resolved = run(rule(), [GOOD, BAD, BAD, GOOD, GOOD])
    assert (fired.state, resolved.state) == (AlertState.FIRING, AlertState.RESOLVED)
    assert unix_ms(fired.starts_at) == START + 10 * SECOND
    assert resolved.starts_at == fired.starts_at
    assert unix_ms(resolved.ends_at) == START + 30 * SECOND


def test_an_alert_tells_the_numbers_it_was_decided_on():
    (fired,) = run(rule(severity="critical", labels={"team": "out"}), [BAD])
    low, high = wilson(5, 100)
    told = fired.evidence
    assert (told.window, told.attempts, told.successes, told.value) == ("15m", 100, 5, 0.05)
    assert (told.low, told.high, told.threshold) == (low, high, 0.2)
    assert unix_ms(told.window_end) - unix_ms(told.window_start) == 900 * SECOND
    assert fired.labels == {
        "alertname": "answer-rate",
        "rule": "answer-rate",
        "severity": "critical",
        "vendor": "icsoc",
        "account": "main",
        "kind": "display_number",
        "value": "075512345678",
        "basis": "calls",
        "team": "out",
    }
    assert fired.annotations["summary"] == (
        "display number 075512345678 (icsoc/main): answer rate 5% (5 of 100 over 15m), below 20%"
    )
    assert "外显号码 075512345678" in fired.annotations["summary_zh"]
    assert fired.resolves_when == (
        "resolves when the answer rate over 15m is 20% or more, with at least 20 attempts"
    )


def test_a_rule_s_own_annotations_are_filled_in_both_languages():
    own = {"summary": {"en": "{value}: {measured} {{!}}", "zh": "{value} 为 {measured}"}}
    (fired,) = run(rule(annotations=own), [BAD])
    assert fired.annotations["summary"] == "075512345678: 5% {!}"
    assert fired.annotations["summary_zh"] == "075512345678 为 5%"


def test_a_resolved_alert_tells_what_ended_it():
    *_, resolved = run(rule(), [BAD, GOOD])
    assert resolved.evidence.value == 0.3
    assert resolved.resolves_when is None
    assert "answer rate 30% of 100 over 15m" in resolved.annotations["resolution"]
    assert "30%" in resolved.annotations["resolution_zh"]
    assert resolved.annotations["summary"].endswith("below 20%")


def test_for_asks_that_the_condition_hold_without_a_break():
    held = run(rule(**{"for": "30s"}), [BAD] * 4)
    assert states(held) == ["pending", "firing"]
    assert unix_ms(held[0].starts_at) == START
    assert unix_ms(held[1].starts_at) == START + 30 * SECOND
    assert states(run(rule(**{"for": "30s"}), [BAD] * 3)) == ["pending"]


@pytest.mark.parametrize("interruption", [GOOD, BAND, FEW])
def test_a_break_ends_pending_silently_and_the_time_begins_anew(interruption):
    told = run(rule(**{"for": "30s"}), [BAD, BAD, interruption, BAD, BAD, BAD, BAD])
    assert states(told) == ["pending", "inactive", "pending", "firing"]
    assert unix_ms(told[-1].starts_at) == START + 60 * SECOND


@pytest.mark.parametrize("counts", [BAND, FEW, calls(0, 0)])
def test_the_band_and_a_small_sample_neither_fire_nor_resolve(counts):
    assert states(run(rule(), [counts] * 3)) == []
    assert states(run(rule(), [BAD, *[counts] * 3])) == ["firing"]


def test_resolve_widens_the_band():
    assert states(run(rule(resolve="35%"), [BAD, GOOD, calls(100, 35)])) == ["firing", "resolved"]


def test_keep_firing_for_waits_and_its_waiting_is_no_new_transition():
    told = run(rule(keep_firing_for="30s"), [BAD, GOOD, GOOD, GOOD, GOOD])
    assert states(told) == ["firing", "firing", "resolved"]
    assert told[0].id == told[1].id
    assert told[1].evidence == told[0].evidence
    assert unix_ms(told[1].clear_since) == START + 10 * SECOND
    assert unix_ms(told[2].ends_at) == START + 40 * SECOND
    assert told[2].clear_since is None


def test_keep_firing_for_begins_anew_when_the_condition_comes_back():
    told = run(rule(keep_firing_for="30s"), [BAD, GOOD, GOOD, BAD, GOOD, GOOD, GOOD, GOOD])
    assert len({alert.id for alert in told}) == 2
    assert states(told)[-1] == "resolved"
    assert unix_ms(told[-1].ends_at) == START + 70 * SECOND


def test_keep_firing_for_does_not_end_inside_the_band():
    steps = [BAD, GOOD, BAND, BAND, BAND, BAND]
    assert "resolved" not in states(run(rule(keep_firing_for="20s"), steps))


def late(recount, now=BAND, keys=None):
    (fired,) = run(rule(**(keys or {})), [calls(40, 2)])
    at_ms = START + 10 * SECOND
    view = Fixed(now, recount=recount, end_ms=at_ms)
    return decide(rule(**(keys or {})), NUMBER, view, fired, at_ms)


def test_late_calls_that_disprove_an_alert_resolve_it_and_say_so():
    resolved = late(calls(80, 40))
    assert resolved.state is AlertState.RESOLVED
    assert (resolved.evidence.attempts, resolved.evidence.value) == (80, 0.5)
    assert "the answer rate was 50% and not 5%" in resolved.annotations["late_data"]
    assert "50%" in resolved.annotations["late_data_zh"]


def test_late_calls_need_not_wait_for_keep_firing_for():
    resolved = late(calls(80, 40), now=GOOD, keys={"keep_firing_for": "1h"})
    assert resolved.state is AlertState.RESOLVED


@pytest.mark.parametrize(
    ("recount", "now"),
    [
        (calls(40, 2), BAND),  # nothing came late
        (calls(60, 8), BAND),  # less sure, yet not disproved
        (calls(80, 40), BAD),  # disproved then, true now
        (calls(30, 15), BAND),  # some panes are forgotten
        (None, BAND),  # all are
    ],
)
def test_late_calls_that_disprove_nothing_resolve_nothing(recount, now):
    assert late(recount, now=now) is None


def test_a_changed_rule_is_no_late_data():
    (fired,) = run(rule(), [calls(40, 2)])
    laxer, at_ms = rule(below="4%"), START + 10 * SECOND
    now = calls(100, 3)  # in the new rule's band
    view = Fixed(now, recount=calls(40, 2), end_ms=at_ms)
    assert decide(laxer, NUMBER, view, fired, at_ms) is None


def test_an_evaluation_older_than_the_last_transition_decides_nothing():
    (fired,) = run(rule(), [BAD])
    before = START - 10 * SECOND
    assert decide(rule(), NUMBER, Fixed(GOOD, end_ms=before), fired, before) is None


def test_no_id_is_used_twice_within_one_moment():
    fired, resolved = run(rule(), [BAD, GOOD], every=0)
    again = decide(rule(), NUMBER, Fixed(BAD), resolved, START)
    assert again is None
    later = decide(rule(), NUMBER, Fixed(BAD), resolved, START + SECOND)
    assert later.id not in {fired.id, resolved.id}


def test_the_fingerprint_is_of_rule_and_scope_alone():
    (one,) = run(rule(), [BAD])
    (other,) = run(rule(below="30%", severity="info", labels={"a": "b"}), [BAD])
    assert one.fingerprint == other.fingerprint == fingerprint("answer-rate", NUMBER)
    assert one.fingerprint != fingerprint("answer-rate", QUEUE)
    assert one.fingerprint != fingerprint("other", NUMBER)


def test_a_rule_that_is_gone_ends_what_it_opened():
    (fired,) = run(rule(), [BAD])
    resolved = retire(fired, START + SECOND)
    assert resolved.state is AlertState.RESOLVED
    assert "no longer watches" in resolved.annotations["resolution"]
    assert retire(resolved, START + SECOND) is None
    (pending,) = run(rule(**{"for": "1m"}), [BAD])
    assert retire(pending, START + SECOND).state is AlertState.INACTIVE


def test_no_data_alerts_where_the_rule_says_so():
    (fired,) = run(rule(no_data="alert"), [calls(0, 0)])
    assert fired.evidence.value is None
    assert fired.evidence.last_event_at is None


def test_the_default_queue_rule_fires_on_missed_calls():
    queue = load_default_rules().get("queue-missed-calls")
    fired, *_ = run(queue, [calls(0, 0, missed=6)], scope=QUEUE)
    assert fired.annotations["summary"] == "Queue 4001: 6 missed calls in 5m"
    assert fired.evidence.attempts is None


readings = st.lists(
    st.integers(0, 120).flatmap(lambda n: st.builds(calls, st.just(n), st.integers(0, n))),
    max_size=40,
)
rules = st.builds(
    lambda below, band, hold, keep, test: rule(
        below=below,
        resolve=below + band,
        test=test,
        keep_firing_for=keep,
        **{"for": hold},
    ),
    st.sampled_from([0.1, 0.2, 0.5]),
    st.sampled_from([0, 0.05, 0.3]),
    st.sampled_from(["0s", "10s", "30s"]),
    st.sampled_from(["0s", "10s", "30s"]),
    st.sampled_from(["wilson", "point"]),
)
WAYS = {
    None: {"pending", "firing"},
    "pending": {"firing", "inactive"},
    "inactive": {"pending"},
    "firing": {"resolved"},
    "resolved": {"pending", "firing"},
}


def transitions(published):
    seen = {}
    for alert in published:
        seen.setdefault(alert.id, alert)
    return list(seen.values())


@given(rules, readings)
def test_states_follow_their_ways_and_each_id_is_one_transition(a_rule, steps):
    told = transitions(run(a_rule, steps))
    before = None
    for alert in told:
        assert alert.state in WAYS[before]
        before = str(alert.state)
    for earlier, later in pairwise(told):
        assert earlier.at < later.at


@given(rules, readings)
def test_no_transition_without_evidence(a_rule, steps):
    for alert in transitions(run(a_rule, steps)):
        told = alert.evidence
        if alert.state in (AlertState.PENDING, AlertState.FIRING):
            assert told.attempts >= a_rule.min_attempts
            assert (told.high if a_rule.test == "wilson" else told.value) < a_rule.below
        if alert.state is AlertState.RESOLVED:
            assert told.attempts >= a_rule.min_attempts
            assert told.value >= a_rule.resolve


@given(
    st.sampled_from([0.1, 0.2, 0.5]),
    st.sampled_from([0, 0.1]),
    st.booleans(),
    readings,
)
def test_no_flap_inside_the_band(below, band, fires, steps):
    a_rule = rule(below=below, resolve=below + band)

    def inside(counts):
        if counts.attempts < 20:
            return True
        share = counts.answered / counts.attempts
        high = wilson(counts.answered, counts.attempts)[1]
        return high >= below and share < below + band

    start = [calls(100, 0)] if fires else []
    told = run(a_rule, start + [counts for counts in steps if inside(counts)])
    assert states(told) == ["firing"] * fires


events = st.lists(
    st.tuples(
        st.integers(0, 1_200).map(lambda second: START - second * SECOND),
        st.integers(0, 1).map(lambda answered: calls(1, answered)),
    ),
    min_size=20,
    max_size=80,
)


@given(events, st.randoms(use_true_random=False), st.sampled_from(["15m", "last"]))
def test_the_order_of_the_events_does_not_matter(happened, random, window):
    a_rule = rule(below="40%", window={"last": 30} if window == "last" else window)
    shuffled = list(happened)
    random.shuffle(shuffled)
    (fired,) = run(a_rule, [calls(100, 0)])
    at_ms = START + 10 * SECOND
    for previous in (None, fired):
        one, other = (
            decide(a_rule, NUMBER, Panes(order, at_ms), previous, at_ms)
            for order in (happened, shuffled)
        )
        assert one == other


@given(readings, st.sampled_from([10, 20, 30]))
def test_for_fires_only_after_the_condition_held_all_the_while(steps, hold):
    told = run(rule(below=0.5, **{"for": f"{hold}s"}), steps)
    for alert in told:
        if alert.state is AlertState.FIRING:
            fired_at = (unix_ms(alert.at) - START) // (10 * SECOND)
            for counts in steps[fired_at - hold // 10 : fired_at + 1]:
                assert counts.attempts >= 20
                assert wilson(counts.answered, counts.attempts)[1] < 0.5
