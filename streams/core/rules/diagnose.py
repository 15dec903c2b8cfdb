"""Say where the fault lies: in the number alone, its vendor, account, carrier or region.

What a scope's siblings do over the same time tells it. If the rest of the account is in trouble
too, the fault is not the number's. A carrier is blamed only if it is in trouble even when every
call of the scope itself is taken out of it, and another carrier is well; regions alike.

The siblings' counts are what the caller knows. A worker knows the scopes of its own partitions,
so that with several workers the answer can be less sure, but not wrong: what is not known is
neither well nor in trouble.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from schemas.scope import Kind, Scope
from streams.core.counts import NOTHING, Counts
from streams.core.rules import words
from streams.core.rules.condition import Condition
from streams.core.rules.group import prefix_of
from streams.core.rules.judge import Verdict, judge_reading
from streams.core.rules.metrics import Form, Reading, read
from streams.core.rules.words import Language

_CAUSES = (Kind.CARRIER, Kind.REGION)


class _Standing(NamedTuple):
    """How something beside the scope does."""

    scope: Scope
    verdict: Verdict
    reading: Reading
    rest: bool = False

    def told(self, condition: Condition, language: Language) -> str:
        """Say it with its interval: `the rest of account icsoc/main 31% (28% to 34%, 372 of …)`."""
        name = words.subject(self.scope, language)
        if self.rest:
            name = f"{name}其余部分" if language == "zh" else f"the rest of {name}"
        value, low, high = (
            words.amount(condition.metric, each, language)
            for each in (self.reading.value, self.reading.low, self.reading.high)
        )
        of = f"{self.reading.successes}/{self.reading.sample}"
        if language == "zh":
            return f"{name} {value}（区间 {low} 至 {high}，{of}）"
        return f"{name} {value} ({low} to {high}, {of})"


class Diagnosis(NamedTuple):
    """Where the fault lies, in a line of plain text."""

    en: str
    zh: str

    def annotations(self) -> dict[str, str]:
        """Give it as annotations of an alert."""
        return {"diagnosis": self.en, "diagnosis_zh": self.zh}


def diagnose(condition: Condition, scope: Scope, rates: Mapping[str, Counts]) -> Diagnosis | None:
    """Say where the fault of a firing scope lies; None where the metric is no rate.

    Args:
        condition: what fired.
        scope: where it fired.
        rates: the counts of the scope and of what is beside it, by the scopes' text form, all
            over the same time. What is missing is not known.
    """
    if condition.metric.form is not Form.RATE or scope.kind is Kind.VENDOR:
        return None
    around = _Around(condition, scope, rates)
    vendor, account = around.rest_of_vendor(), around.rest_of_account()
    nearest = account if around.has_home else vendor
    if nearest is not None and nearest.verdict is Verdict.HOLDS:
        return _shared(around, vendor, nearest)
    cause = around.cause()
    if cause is not None:
        return _cause(around, *cause)
    if nearest is not None and nearest.verdict is Verdict.CLEARS:
        return _alone(around, nearest)
    return _unclear(around, nearest)


class _Around:
    """What is known beside a scope."""

    def __init__(self, condition: Condition, scope: Scope, rates: Mapping[str, Counts]) -> None:
        self.condition = condition
        self.scope = scope
        self._rates = rates
        self._own = rates.get(str(scope), NOTHING)
        self.has_home = scope.account is not None and scope.kind is not Kind.ACCOUNT

    def rest_of_account(self) -> _Standing | None:
        """Judge the account without the scope itself."""
        if not self.has_home:
            return None
        return self._without(self.scope._replace(kind=Kind.ACCOUNT, value=None), self._own)

    def rest_of_vendor(self) -> _Standing | None:
        """Judge the vendor without the scope's account, or without a group over accounts."""
        vendor = self.scope._replace(account=None, kind=Kind.VENDOR, value=None)
        if self.scope.account is None:
            return self._without(vendor, self._own)
        account = self._rates.get(str(self.scope._replace(kind=Kind.ACCOUNT, value=None)))
        return None if account is None else self._without(vendor, account)

    def cause(self) -> tuple[_Standing, _Standing] | None:
        """Find a carrier, else a region, in trouble by itself, and another one that is well."""
        for kind in _CAUSES:
            found = list(self._siblings(kind))
            sick = [each for each in found if each.verdict is Verdict.HOLDS]
            well = [each for each in found if each.verdict is Verdict.CLEARS]
            if sick and well:
                return max(sick, key=_sample), max(well, key=_sample)
        return None

    def peers(self) -> tuple[int, int]:
        """Count the scopes of the same kind that are in trouble, and all that can be judged."""
        found = [
            each.verdict for each in self._siblings(self.scope.kind) if each.scope != self.scope
        ]
        judged = [verdict for verdict in found if verdict is not Verdict.UNSURE]
        return sum(verdict is Verdict.HOLDS for verdict in judged), len(judged)

    def _siblings(self, kind: Kind) -> Iterator[_Standing]:
        if kind is Kind.GROUP:
            prefix = prefix_of(self.scope)
        elif self.scope.account is None:
            return
        else:
            prefix = f"{self.scope._replace(kind=Kind.ACCOUNT, value=None)}/{kind}/"
        for text, counts in self._rates.items():
            if text.startswith(prefix):
                standing = self._judge(Scope.parse(text), counts)
                if kind is not self.scope.kind and standing.verdict is Verdict.HOLDS:
                    # The scope's own calls may all be in that carrier: they must not blame it.
                    rest = self._judge(standing.scope, counts.minus(self._own))
                    standing = standing._replace(verdict=max(Verdict.UNSURE, rest.verdict))
                yield standing

    def _without(self, scope: Scope, part: Counts) -> _Standing | None:
        whole = self._rates.get(str(scope))
        if whole is None or whole.attempts <= part.attempts:
            return None
        return self._judge(scope, whole.minus(part), rest=True)

    def _judge(self, scope: Scope, counts: Counts, *, rest: bool = False) -> _Standing:
        reading = read(self.condition.metric, counts, self.condition.confidence)
        verdict = judge_reading(self.condition, reading)
        if reading.value is None:
            verdict = Verdict.UNSURE
        return _Standing(scope, verdict, reading, rest)


def _sample(standing: _Standing) -> int:
    return standing.reading.sample or 0


def _alone(around: _Around, rest: _Standing) -> Diagnosis:
    kind_en, kind_zh = _kind(around.scope, "en"), _kind(around.scope, "zh")
    sick, judged = around.peers()
    others_en = f"; {sick} of {judged} other {kind_en}s in trouble" if judged else ""
    others_zh = f"；另外 {judged} 个{kind_zh}中 {sick} 个异常" if judged else ""
    return Diagnosis(
        f"this {kind_en} alone: {rest.told(around.condition, 'en')} is well{others_en}",
        f"仅此{kind_zh}异常：{rest.told(around.condition, 'zh')}正常{others_zh}",
    )


def _shared(around: _Around, vendor: _Standing | None, nearest: _Standing) -> Diagnosis:
    cause = around.cause()
    if cause is not None:
        return _cause(around, *cause)
    if vendor is not None and vendor.verdict is Verdict.HOLDS:
        name = str(vendor.scope.vendor)
        return Diagnosis(
            f"the whole vendor {name}: {vendor.told(around.condition, 'en')} is in trouble too",
            f"整个供应商 {name} 异常：{vendor.told(around.condition, 'zh')}同样异常",
        )
    home = f"{around.scope.vendor}/{around.scope.account}"
    return Diagnosis(
        f"the whole account {home}: {nearest.told(around.condition, 'en')} is in trouble too",
        f"整个账户 {home} 异常：{nearest.told(around.condition, 'zh')}同样异常",
    )


def _cause(around: _Around, sick: _Standing, well: _Standing) -> Diagnosis:
    by = around.condition
    return Diagnosis(
        f"the {_kind(sick.scope, 'en')} {sick.scope.value}: {sick.told(by, 'en')} is in trouble, "
        f"{well.told(by, 'en')} is well",
        f"{_kind(sick.scope, 'zh')} {sick.scope.value} 异常：{sick.told(by, 'zh')}，"
        f"而{well.told(by, 'zh')}正常",
    )


def _unclear(around: _Around, rest: _Standing | None) -> Diagnosis:
    if rest is None:
        return Diagnosis(
            "not clear where the fault lies: nothing beside it is known here",
            "尚不清楚故障所在：没有可供比较的数据",
        )
    return Diagnosis(
        f"not clear yet where the fault lies: {rest.told(around.condition, 'en')}",
        f"尚不清楚故障所在：{rest.told(around.condition, 'zh')}",
    )


def _kind(scope: Scope, language: Language) -> str:
    return words.kind_name(scope.kind, language)
