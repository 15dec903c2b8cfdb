"""One condition: a metric over windows, held against a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from schemas.scope import Basis
from streams.core.rules.metrics import Form, Metric
from streams.core.rules.parts import Strict, Threshold, wrong
from streams.core.rules.windows import AGE, Last, Windows, WindowsField


class Test(StrEnum):
    """What a rate is held against the threshold with: its Wilson interval, or itself."""

    WILSON = "wilson"
    POINT = "point"


class Side(StrEnum):
    """On which side of the threshold the trouble is."""

    BELOW = "below"
    ABOVE = "above"


class NoData(StrEnum):
    """What a window with nothing in it means: stay as you are, all is well, or trouble."""

    KEEP = "keep"
    OK = "ok"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, checked.

    Attributes:
        resolve_at: where it clears (hysteresis).
        test: for rates alone: the interval, or the value.
        min_attempts: a smaller sample of a rate or mean is insufficient.
    """

    metric: Metric
    window: Windows
    side: Side
    threshold: float
    resolve_at: float
    test: Test
    confidence: float
    min_attempts: int
    no_data: NoData

    @property
    def tests_interval(self) -> bool:
        """Tell whether the Wilson interval is tested: for rates, unless `test: point`."""
        return self.metric.form is Form.RATE and self.test is Test.WILSON

    @property
    def has_sample(self) -> bool:
        """Tell whether it is read from a sample, which can be too small."""
        return self.metric.form in (Form.RATE, Form.MEAN)

    @property
    def least_attempts(self) -> int:
        """Give the attempts without which it cannot hold: no sample is larger than they are."""
        judges_anything = not self.has_sample or self.no_data is NoData.ALERT
        return 0 if judges_anything else self.min_attempts


class ConditionKeys(Strict):
    """The keys of a condition, in a rule itself or in a part of its `all_of` or `any_of`.

    Attributes:
        window: what is counted; several windows can be combined. `data_age` has none.
        below, above: the threshold; exactly one of them. A rate is a share: 20% or 0.2.
        resolve: where it resolves (hysteresis); the threshold itself unless stated.
        test: `wilson` asks that the whole interval be past the threshold, `point` the value.
        confidence: of the interval; more of it asks for more evidence.
        min_attempts: a smaller sample is insufficient: it neither fires nor resolves.
        no_data: what an empty window means.
    """

    metric: Metric | None = None
    window: WindowsField | None = None
    below: Threshold | None = None
    above: Threshold | None = None
    resolve: Threshold | None = None
    test: Test = Test.WILSON
    confidence: float = Field(default=0.95, gt=0, lt=1)
    min_attempts: int = Field(default=20, ge=1)
    no_data: NoData = NoData.KEEP

    def condition(self) -> Condition:
        """Give the condition that the keys state.

        Raises:
            PydanticCustomError: they state none; the text names the key and the mend.
        """
        if self.metric is None:
            raise wrong("metric", "this key is missing")
        form = self.metric.form
        if form is Form.AGE:
            if self.window is not None:
                raise wrong("window", f"{self.metric} looks at no window: take it out")
        elif self.window is None:
            raise wrong("window", "this key is missing")
        side, threshold = self._threshold(self.metric)
        condition = Condition(
            self.metric,
            self.window or AGE,
            side,
            threshold,
            threshold if self.resolve is None else self.resolve,
            self.test,
            self.confidence,
            self.min_attempts,
            self.no_data,
        )
        _check_resolve(condition)
        self._check_keys(condition)
        _check_windows(condition)
        return condition

    def _threshold(self, metric: Metric) -> tuple[Side, float]:
        if (self.below is None) == (self.above is None):
            raise wrong("above", "write exactly one of `below` and `above`")
        if self.below is not None:
            side, value = Side.BELOW, self.below
        else:
            side, value = Side.ABOVE, self.above or 0.0
        _check_threshold(metric, side, value)
        return side, value

    def _check_keys(self, condition: Condition) -> None:
        metric, form = condition.metric, condition.metric.form
        if condition.has_sample:
            return
        what = "a count" if form is Form.COUNT else "an age"
        keys = ["min_attempts", "confidence"] + ["no_data"] * (form is Form.COUNT)
        for key in keys:
            if key in self.model_fields_set:
                raise wrong(key, f"{metric} is {what}, which needs no `{key}`: take it out")
        if "test" in self.model_fields_set and self.test is Test.WILSON:
            raise wrong("test", f"{metric} is {what} and has no interval: take `test` out")


class ConditionPart(ConditionKeys):
    """One of the conditions of `all_of` or `any_of`."""

    @model_validator(mode="after")
    def _states_one(self) -> Self:
        self.condition()
        return self


def _check_threshold(metric: Metric, side: Side, value: float) -> None:
    if metric.form is Form.RATE and not 0 <= value <= 1:
        mend = f"{value:g}% or {value / 100:g}" if 0 <= value <= 100 else "20% or 0.2"
        raise wrong(side, f"{value:g} is not a share: write {mend}")
    if metric.form is Form.COUNT and not value.is_integer():
        raise wrong(side, f"{value:g} is not a whole number, and {metric} is a count")
    if value < 0 or (side is Side.BELOW and value == 0):
        raise wrong(side, f"{metric} is never {side} {value:g}: write more than that")
    if metric.form is Form.RATE and side is Side.ABOVE and value == 1:
        raise wrong(side, f"{metric} is never above 100%: write less than that")


def _check_resolve(condition: Condition) -> None:
    resolve, threshold = condition.resolve_at, condition.threshold
    if condition.metric.form is Form.RATE and not 0 <= resolve <= 1:
        raise wrong("resolve", f"{resolve:g} is not a share: write {resolve:g}%")
    if condition.side is Side.BELOW and resolve < threshold:
        raise wrong("resolve", "must not lie under `below`: it would resolve while it fires")
    if condition.side is Side.ABOVE and resolve > threshold:
        raise wrong("resolve", "must not lie over `above`: it would resolve while it fires")


def _check_windows(condition: Condition) -> None:
    metric = condition.metric
    for window in condition.window.parts:
        if not isinstance(window, Last):
            continue
        if metric.form is Form.COUNT:
            raise wrong("window", f"{metric} is counted over time: write 5m, 1h …")
        if metric.bases == (Basis.CALLS,) and metric is not Metric.CONNECT_RATE:
            continue  # their samples are a part of the attempts: no comparison to make
        if window.attempts < condition.min_attempts:
            raise wrong(
                "window",
                f"the last {window.attempts} attempts are fewer than min_attempts "
                f"({condition.min_attempts}): raise one or lower the other",
            )
