"""Decide what becomes of an alert: pure, on event time, one transition at a time.

The states and their ways, with Prometheus' meaning of `for` and `keep_firing_for`:

```
(none), inactive, resolved ── holds ──> pending ── held for `for` ──> firing ── cleared ──> resolved
                                           └── does not hold ──> inactive
```

- Without `for` there is no pending.
- A pending alert needs the condition at every evaluation: a reading in the hysteresis band, or
  an insufficient one, ends it silently (inactive).
- A firing alert resolves only on a reading that clears (see `judge`), and with `keep_firing_for`
  only when the condition has not held for so long. A reading in the band, or an insufficient
  one, leaves it firing.
- Outside a rule's active times nothing begins, and what is open ends and says so.
- Late calls that disprove a firing alert resolve it at once: the window that it fired on is
  counted again, holds other calls than it did, and now clears, while the condition does not hold
  at present. An annotation says so.

The newest Alert of a fingerprint is the whole state. Two records of one `Alert.id` are one
transition: `clear_since` alone changed. A new alert begins only later than the last one began,
so that no id is used twice; and an evaluation older than the last transition decides nothing.
"""

from __future__ import annotations

import hashlib

from schemas.alert import Alert, AlertState, BaselineEvidence, Evidence
from schemas.scope import Kind, Scope
from streams.core.rules import words
from streams.core.rules.group import group_of
from streams.core.rules.judge import Finding, Verdict, judge, judge_window
from streams.core.rules.metrics import Form
from streams.core.rules.model import Condition, Rule
from streams.core.rules.moments import moment, unix_ms
from streams.core.rules.templates import render
from streams.core.rules.windows import View, Window

_GONE = {
    "resolution": "the rule no longer watches this",
    "resolution_zh": "规则已不再监控此对象",
}
_ASLEEP = {
    "resolution": "the active times of the rule are over: nothing is known of the trouble itself",
    "resolution_zh": "规则的生效时段已结束，并不表示问题已消除",
}


def fingerprint(rule: str, scope: Scope) -> str:
    """Name the alert of one rule and one scope, always the same: 16 hex digits."""
    return hashlib.blake2b(f"{rule}\0{scope}".encode(), digest_size=8).hexdigest()


def decide(
    rule: Rule, scope: Scope, view: View, previous: Alert | None, at_ms: int
) -> Alert | None:
    """Give the record to publish on `alerts`, or None where nothing changes.

    Args:
        rule: what is asked; it watches this scope.
        scope: whose counts `view` holds.
        view: the counts as they are known now.
        previous: the last record published for this fingerprint.
        at_ms: the event time of this evaluation (Unix ms): the end of the view.
    """
    if previous is not None and at_ms < unix_ms(previous.at):
        return None
    if not rule.is_active(at_ms):
        return None if previous is None else _end(previous, _ASLEEP, at_ms)
    finding = judge(rule, view)
    if previous is not None and previous.state is AlertState.FIRING:
        return _from_firing(rule, scope, view, finding, previous, at_ms)
    if previous is not None and previous.state is AlertState.PENDING:
        return _from_pending(rule, scope, finding, previous, at_ms)
    if finding.verdict is not Verdict.HOLDS:
        return None
    if previous is not None and at_ms <= unix_ms(previous.starts_at):
        return None
    state = AlertState.PENDING if rule.hold_for else AlertState.FIRING
    return _begin(rule, scope, finding, state, at_ms)


def retire(previous: Alert, at_ms: int) -> Alert | None:
    """End an alert whose rule is gone or no longer watches its scope; None where none is open."""
    return _end(previous, _GONE, at_ms)


def _end(previous: Alert, told: dict[str, str], at_ms: int) -> Alert | None:
    if previous.state is AlertState.PENDING:
        return _end_pending(previous, at_ms)
    if previous.state is not AlertState.FIRING:
        return None
    return _resolve(previous, previous.evidence, told, at_ms)


def _from_pending(
    rule: Rule, scope: Scope, finding: Finding, previous: Alert, at_ms: int
) -> Alert | None:
    if finding.verdict is not Verdict.HOLDS:
        return _end_pending(previous, at_ms)
    if at_ms - unix_ms(previous.starts_at) < rule.hold_for * 1000:
        return None
    return _begin(rule, scope, finding, AlertState.FIRING, at_ms)


def _from_firing(
    rule: Rule, scope: Scope, view: View, finding: Finding, previous: Alert, at_ms: int
) -> Alert | None:
    if finding.verdict is Verdict.HOLDS:
        if previous.clear_since is None:
            return None
        return previous.model_copy(update={"clear_since": None})
    recount = _disproof(rule, view, previous)
    if recount is not None:
        was = previous.evidence.value
        told = {
            "late_data": words.disproof(was, recount, "en"),
            "late_data_zh": words.disproof(was, recount, "zh"),
        }
        evidence = _evidence(recount)
        evidence = evidence.model_copy(update={"baseline": previous.evidence.baseline})
        return _resolve(previous, evidence, told, at_ms)
    if finding.verdict is not Verdict.CLEARS:
        return None
    if rule.keep_firing_for:
        if previous.clear_since is None:
            return previous.model_copy(update={"clear_since": moment(at_ms)})
        if at_ms - unix_ms(previous.clear_since) < rule.keep_firing_for * 1000:
            return None
    told = {
        "resolution": words.resolution(rule, scope, finding, "en"),
        "resolution_zh": words.resolution(rule, scope, finding, "zh"),
    }
    ended = _resolve(previous, _evidence(finding), told, at_ms)
    return ended.model_copy(update={"metric": str(finding.condition.metric)})


def _disproof(rule: Rule, view: View, previous: Alert) -> Finding | None:
    """Count again the window that an alert fired on; None where that does not disprove it."""
    was = previous.evidence
    found = _find(rule, previous.metric, was.window)
    if found is None:
        return None
    condition, window = found[0].as_it_was(was.threshold), found[1]
    recount = view.between(unix_ms(was.window_start), unix_ms(was.window_end))
    if recount is None:
        return None
    finding = judge_window(condition, window, recount)
    if finding.verdict is not Verdict.CLEARS:
        return None
    now = _evidence(finding)
    # The same counts cannot disprove: a changed rule may judge them otherwise, which is no late
    # data. Nor can fewer: calls do not come late by going away.
    same = (now.attempts, now.successes, now.value) == (was.attempts, was.successes, was.value)
    fewer = now.attempts is not None and now.attempts < (was.attempts or 0)
    return None if same or fewer else finding


def _find(rule: Rule, metric: str, window: str) -> tuple[Condition, Window] | None:
    """Find the condition and the window by their names; the time since an event has no counts."""
    for condition in rule.conditions:
        if condition.metric == metric and condition.metric.form is not Form.AGE:
            for part in condition.window.parts:
                if part.name() == window:
                    return condition, part
    return None


def _begin(rule: Rule, scope: Scope, finding: Finding, state: AlertState, at_ms: int) -> Alert:
    return Alert(
        fingerprint=fingerprint(rule.name, scope),
        rule=rule.name,
        state=state,
        severity=rule.severity,
        starts_at=moment(at_ms),
        at=moment(at_ms),
        labels=_labels(rule, scope),
        annotations=_annotations(rule, scope, finding),
        metric=str(finding.condition.metric),
        scope=str(scope),
        evidence=_evidence(finding),
        resolves_when=words.resolves_when(rule),
    )


def _end_pending(previous: Alert, at_ms: int) -> Alert:
    at = moment(at_ms)
    return previous.model_copy(update={"state": AlertState.INACTIVE, "ends_at": at, "at": at})


def _resolve(previous: Alert, evidence: Evidence, told: dict[str, str], at_ms: int) -> Alert:
    at = moment(at_ms)
    kept = {
        name: text
        for name, text in previous.annotations.items()
        if not name.startswith("resolves_when")
    }
    return previous.model_copy(
        update={
            "state": AlertState.RESOLVED,
            "ends_at": at,
            "at": at,
            "clear_since": None,
            "evidence": evidence,
            "annotations": {**kept, **told},
            "resolves_when": None,
        }
    )


def _labels(rule: Rule, scope: Scope) -> dict[str, str]:
    own = {
        "alertname": rule.name,
        "rule": rule.name,
        "severity": str(rule.severity),
        "vendor": str(scope.vendor),
        "account": scope.account,
        "kind": str(scope.kind),
        "value": scope.value,
        "basis": str(scope.basis),
    }
    if scope.kind is Kind.GROUP:
        own |= {str(kind): text for kind, text in group_of(scope)[1].items()}
    return {**rule.labels, **{name: text for name, text in own.items() if text is not None}}


def _annotations(rule: Rule, scope: Scope, finding: Finding) -> dict[str, str]:
    told: dict[str, str] = {}
    for language in words.LANGUAGES:
        values = words.values(rule, scope, finding, language)
        suffix = "" if language == "en" else f"_{language}"
        template = words.default_template(finding.condition, language)
        told["summary" + suffix] = render(template, values)
        for name, text in rule.annotations.items():
            template = text.en if language == "en" else text.zh
            told[name + suffix] = render(template, values)
        told["resolves_when" + suffix] = words.resolves_when(rule, language)
    return told


def _evidence(finding: Finding) -> Evidence:
    reading, measured = finding.reading, finding.measured
    rate = finding.condition.metric.form is Form.RATE
    return Evidence(
        window=finding.window.name(),
        window_start=moment(measured.start_ms),
        window_end=moment(measured.end_ms),
        attempts=reading.sample,
        successes=reading.successes,
        value=reading.value,
        low=reading.low if rate else None,
        high=reading.high if rate else None,
        threshold=finding.condition.threshold,
        last_event_at=finding.last_event_at,
        baseline=_baseline(finding.condition),
    )


def _baseline(condition: Condition) -> BaselineEvidence | None:
    usual = condition.usual
    if condition.baseline is None or usual is None or usual.hour is None:
        return None
    return BaselineEvidence(
        value=usual.value,
        attempts=usual.sample,
        successes=usual.successes,
        weeks=condition.baseline.weeks,
        hour=words.hour_name(usual.hour),
        tolerance=condition.baseline.tolerance,
    )
