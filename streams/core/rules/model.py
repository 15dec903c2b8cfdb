"""A rule: what is watched, where, and what counts as evidence. Values only; see `decide`."""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from schemas.alert import Severity
from schemas.base import Vendor
from schemas.scope import Basis, Kind, Scope
from streams.core.rules.durations import Duration
from streams.core.rules.metrics import Form, Metric
from streams.core.rules.templates import TextField
from streams.core.rules.windows import Last, WindowsField

OWN_LABELS = (
    "alertname",
    "rule",
    "severity",
    "vendor",
    "account",
    "kind",
    "value",
    "basis",
)


class Test(StrEnum):
    """What a rate is held against the threshold with: its Wilson interval, or itself."""

    WILSON = "wilson"
    POINT = "point"


class Side(StrEnum):
    """On which side of the threshold the trouble is."""

    BELOW = "below"
    ABOVE = "above"


class AnyBasis(StrEnum):
    """Which sources a rule looks at."""

    CALLS = "calls"
    TALLIES = "tallies"
    ANY = "any"


class NoData(StrEnum):
    """What a window with nothing in it means: stay as you are, all is well, or trouble."""

    KEEP = "keep"
    OK = "ok"
    ALERT = "alert"


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


_T = TypeVar("_T")
_OneOrMore = Annotated[tuple[_T, ...], BeforeValidator(_several), Field(min_length=1)]


def _or_list(item: dict[str, object]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]})


_Globs = Annotated[_OneOrMore[str], _or_list({"type": "string"})]
_Vendors = Annotated[
    _OneOrMore[Vendor], _or_list({"type": "string", "enum": [str(each) for each in Vendor]})
]
_Kinds = Annotated[
    _OneOrMore[Kind], _or_list({"type": "string", "enum": [str(each) for each in Kind]})
]


def _number(value: object) -> object:
    if isinstance(value, str):
        try:
            return float(value.strip().removesuffix("%")) / (100 if "%" in value else 1)
        except ValueError as error:
            raise ValueError(f"{value!r} is not a number: write 20%, 0.2 or 5") from error
    if isinstance(value, bool):
        raise ValueError("true and false are no thresholds: write 20%, 0.2 or 5")  # noqa: TRY004
    return value


Threshold = Annotated[
    float,
    BeforeValidator(_number),
    Field(allow_inf_nan=False),
    WithJsonSchema(
        {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^\d+(\.\d+)? ?%$"}]}
    ),
]
"""A share as `20%` or 0.2, or a plain number."""


def wrong(key: str, text: str) -> PydanticCustomError:
    """Make an error that stands at one key of the rule."""
    return PydanticCustomError("rule", "{text}", {"key": key, "text": text})


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Selector(_Strict):
    """Which scopes a rule watches: one value, a list, or a glob (`0755*`); left out means all."""

    vendor: _Vendors | None = None
    account: _Globs | None = None
    kind: _Kinds | None = None
    value: _Globs | None = None
    basis: AnyBasis = AnyBasis.ANY

    def matches(self, scope: Scope) -> bool:
        """Tell whether the scope is one of them."""
        return (
            (self.vendor is None or scope.vendor in self.vendor)
            and _glob(self.account, scope.account)
            and (self.kind is None or scope.kind in self.kind)
            and _glob(self.value, scope.value)
            and self.basis in (AnyBasis.ANY, AnyBasis(scope.basis))
        )


def _glob(patterns: tuple[str, ...] | None, text: str | None) -> bool:
    if patterns is None:
        return True
    return text is not None and any(fnmatchcase(text, pattern) for pattern in patterns)


class Rule(_Strict):
    """One rule. docs/alerts.md tells it with examples.

    Attributes:
        select: which scopes are watched, each by itself.
        window: what is counted; several windows can be combined.
        below, above: the threshold; exactly one of them. A rate is a share: 20% or 0.2.
        resolve: where it resolves (hysteresis); the threshold itself unless stated.
        test: `wilson` asks that the whole interval be past the threshold, `point` the value.
        min_attempts: a smaller sample is insufficient: it neither fires nor resolves.
        for: how long the condition must hold without a break before it fires.
        keep_firing_for: how long it goes on firing after the condition has cleared.
        no_data: what an empty window means.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    metric: Metric
    select: Selector = Selector()
    window: WindowsField
    below: Threshold | None = None
    above: Threshold | None = None
    resolve: Threshold | None = None
    test: Test = Test.WILSON
    confidence: float = Field(default=0.95, gt=0, lt=1)
    min_attempts: int = Field(default=20, ge=1)
    hold_for: Duration = Field(default=0, alias="for")
    keep_firing_for: Duration = 0
    no_data: NoData = NoData.KEEP
    severity: Severity = Severity.WARNING
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, TextField] = Field(default_factory=dict)

    @property
    def side(self) -> Side:
        """Tell on which side of the threshold the trouble is."""
        return Side.BELOW if self.below is not None else Side.ABOVE

    @property
    def threshold(self) -> float:
        """Give the threshold."""
        return self.below if self.below is not None else self.above or 0.0

    @property
    def resolve_at(self) -> float:
        """Give the value at which it resolves."""
        return self.threshold if self.resolve is None else self.resolve

    @property
    def tests_interval(self) -> bool:
        """Tell whether the Wilson interval is tested: for rates, unless `test: point`."""
        return self.metric.form is Form.RATE and self.test is Test.WILSON

    def selects(self, scope: Scope) -> bool:
        """Tell whether the rule watches this scope: selected, and the metric is known there."""
        return scope.basis in self.metric.bases and self.select.matches(scope)

    @field_validator("labels")
    @classmethod
    def _labels_are_free(cls, labels: dict[str, str]) -> dict[str, str]:
        for name in labels:
            if name in OWN_LABELS:
                raise ValueError(f"the label `{name}` is set by itself: choose another name")
            if not name.isidentifier() or not name.isascii():
                raise ValueError(f"{name!r} is no label name: letters, digits and _ alone")
        return labels

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        self._check_threshold()
        self._check_resolve()
        self._check_counts()
        self._check_windows()
        if self.select.basis not in (AnyBasis.ANY, *map(AnyBasis, self.metric.bases)):
            raise wrong("select", f"tallies do not report {self.metric}: select `basis: calls`")
        return self

    def _check_threshold(self) -> None:
        if (self.below is None) == (self.above is None):
            raise wrong("above", "write exactly one of `below` and `above`")
        key, value = str(self.side), self.threshold
        if self.metric.form is Form.RATE and not 0 <= value <= 1:
            raise wrong(key, f"{value:g} is not a share: write {value:g}% or {value / 100:g}")
        if self.metric.form is Form.COUNT and not value.is_integer():
            raise wrong(key, f"{value:g} is not a whole number, and {self.metric} is a count")
        if value < 0 or (self.side is Side.BELOW and value == 0):
            raise wrong(key, f"{self.metric} is never {key} {value:g}: write more than that")
        if self.metric.form is Form.RATE and self.side is Side.ABOVE and value == 1:
            raise wrong(key, f"{self.metric} is never above 100%: write less than that")

    def _check_resolve(self) -> None:
        if self.resolve is None:
            return
        if self.metric.form is Form.RATE and not 0 <= self.resolve <= 1:
            raise wrong("resolve", f"{self.resolve:g} is not a share: write {self.resolve:g}%")
        if self.side is Side.BELOW and self.resolve < self.threshold:
            raise wrong("resolve", "must not lie under `below`: it would resolve while it fires")
        if self.side is Side.ABOVE and self.resolve > self.threshold:
            raise wrong("resolve", "must not lie over `above`: it would resolve while it fires")

    def _check_counts(self) -> None:
        if self.metric.form is not Form.COUNT:
            return
        for key in ("min_attempts", "confidence", "no_data"):
            if key in self.model_fields_set:
                raise wrong(key, f"{self.metric} is a count, which needs no `{key}`: take it out")
        if "test" in self.model_fields_set and self.test is Test.WILSON:
            raise wrong("test", f"{self.metric} is a count and has no interval: take `test` out")

    def _check_windows(self) -> None:
        for window in self.window.parts:
            if not isinstance(window, Last):
                continue
            if self.metric.form is Form.COUNT:
                raise wrong("window", f"{self.metric} is counted over time: write 5m, 1h …")
            if self.metric.bases == (Basis.CALLS,) and self.metric is not Metric.CONNECT_RATE:
                continue  # their samples are a part of the attempts: no comparison to make
            if window.attempts < self.min_attempts:
                raise wrong(
                    "window",
                    f"the last {window.attempts} attempts are fewer than min_attempts "
                    f"({self.min_attempts}): raise one or lower the other",
                )


class RuleFile(_Strict):
    """A file of rules."""

    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        seen: dict[str, int] = {}
        for index, rule in enumerate(self.rules):
            if rule.name in seen:
                raise PydanticCustomError(
                    "rule",
                    "{text}",
                    {"path": ("rules", index, "name"), "text": f"a second rule {rule.name!r}"},
                )
            seen[rule.name] = index
        return self
