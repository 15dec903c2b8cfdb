"""One condition: a metric over windows, held against a threshold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from schemas.scope import Basis
from streams.core.rules.baseline import Baseline, Known, Usual
from streams.core.rules.metrics import Form, Metric, read
from streams.core.rules.parts import Side as Side
from streams.core.rules.parts import Strict, Threshold, wrong
from streams.core.rules.windows import AGE, Last, Windows, WindowsField


class Test(StrEnum):
    """What a rate is held against the threshold with: its Wilson interval, or itself."""

    WILSON = "wilson"
    POINT = "point"


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
        baseline: in place of a threshold; `threshold` and `resolve_at` say nothing until the
            condition is held against what is usual.
        usual: what it is held against.
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
    baseline: Baseline | None = None
    usual: Known | None = None

    def against(self, usual: Usual) -> Condition:
        """Hold it against what is usual; too small a sample of that is nothing to hold against."""
        reading = read(self.metric, usual.counts, self.confidence)
        if reading.value is None or (reading.sample or 0) < self.min_attempts:
            return self
        return self._held(Known(reading.value, reading.successes, reading.sample, usual.hour))

    def as_it_was(self, threshold: float) -> Condition:
        """Hold it against the threshold that it was decided by; a fixed one stays."""
        if self.baseline is None:
            return self
        return self._held(Known(self.baseline.usual_of(threshold), None, None, None))

    def _held(self, known: Known) -> Condition:
        if self.baseline is None:
            return self
        within = (self.baseline.tolerance, self.baseline.resolve_within)
        threshold, resolve_at = (self.baseline.beside(known.value, share) for share in within)
        return replace(self, threshold=threshold, resolve_at=resolve_at, usual=known)

    @property
    def awaits_history(self) -> bool:
        """Tell whether it has a baseline and is not held against one: nothing can be said."""
        return self.baseline is not None and self.usual is None

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
        baseline: in their place: what the same weekday and hour had over the last weeks.
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
    baseline: Baseline | None = None
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
            self.baseline,
        )
        _check_resolve(condition)
        self._check_keys(condition)
        _check_windows(condition)
        return condition

    def _threshold(self, metric: Metric) -> tuple[Side, float]:
        stated = [key for key in ("below", "above", "baseline") if getattr(self, key) is not None]
        if len(stated) != 1:
            raise wrong(
                stated[-1] if stated else "above",
                "write exactly one of `below`, `above` and `baseline`",
            )
        if self.baseline is not None:
            self._check_baseline(metric)
            return self.baseline.side, 0.0
        if self.below is not None:
            side, value = Side.BELOW, self.below
        else:
            side, value = Side.ABOVE, self.above or 0.0
        _check_threshold(metric, side, value)
        return side, value

    def _check_baseline(self, metric: Metric) -> None:
        if metric.form not in (Form.RATE, Form.MEAN):
            raise wrong("baseline", f"{metric} is no rate or mean: write `below` or `above`")
        if self.resolve is not None:
            raise wrong("resolve", "write it in the baseline: {tolerance: 20%, resolve: 10%}")

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
