"""A rule: what is watched, where, and what counts as evidence. Values only; see `decide`."""

from __future__ import annotations

from functools import cached_property
from typing import Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from schemas.alert import Severity
from schemas.scope import Basis, Kind, Scope
from streams.core.rules.active import ActiveTimes
from streams.core.rules.condition import Condition, ConditionKeys, ConditionPart, NoData, Side, Test
from streams.core.rules.durations import Duration
from streams.core.rules.group import TALLIED, Group
from streams.core.rules.parts import Strict, wrong
from streams.core.rules.select import AnyBasis, Kinds, Selector
from streams.core.rules.templates import TextField

__all__ = [
    "OWN_LABELS",
    "AnyBasis",
    "Condition",
    "NoData",
    "Rule",
    "RuleFile",
    "Selector",
    "Side",
    "Test",
]

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


class Rule(ConditionKeys):
    """One rule. docs/alerts.md tells it with examples.

    Attributes:
        select: which scopes are watched, each by itself unless `group_by` is stated.
        group_by: their calls are counted together instead, by these dimensions of a call; one
            alert a group.
        all_of, any_of: several conditions instead of one: each must hold, or one is enough.
        for: how long the condition must hold without a break before it fires.
        keep_firing_for: how long it goes on firing after the condition has cleared.
        active_times: when it is asked at all; always unless stated.
    """

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [key]} for key in ("metric", "all_of", "any_of")]}
    )

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    select: Selector = Selector()
    group_by: Kinds | None = None
    all_of: tuple[ConditionPart, ...] | None = Field(default=None, min_length=1)
    any_of: tuple[ConditionPart, ...] | None = Field(default=None, min_length=1)
    hold_for: Duration = Field(default=0, alias="for")
    keep_firing_for: Duration = 0
    active_times: ActiveTimes | None = None
    severity: Severity = Severity.WARNING
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, TextField] = Field(default_factory=dict)

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Give its conditions: one, or those of `all_of` or `any_of`."""
        parts = self.all_of or self.any_of or (self,)
        return tuple(part.condition() for part in parts)

    @property
    def combine(self) -> Literal["all", "any"]:
        """Tell whether each condition must hold or one is enough."""
        return "any" if self.any_of else "all"

    @cached_property
    def weeks(self) -> int:
        """Tell how many weeks its baselines look back; 0 where it has none."""
        return max(each.baseline.weeks if each.baseline else 0 for each in self.conditions)

    @cached_property
    def least_attempts(self) -> int:
        """Give the attempts without which no alert of it can begin."""
        combine = max if self.combine == "all" else min
        return combine(condition.least_attempts for condition in self.conditions)

    def selects(self, scope: Scope) -> bool:
        """Tell whether the rule watches this scope: selected, and the metrics are known there."""
        if scope.basis not in self.bases:
            return False
        if self.group is not None:
            return self.group.holds(scope)
        return scope.kind is not Kind.GROUP and self.select.matches(scope)

    @cached_property
    def bases(self) -> tuple[Basis, ...]:
        """Give the sources that know its metrics and what it groups by, of those selected."""
        basis, by = self.select.basis, self.group_by or ()
        return tuple(
            each
            for each in Basis
            if basis in (AnyBasis.ANY, AnyBasis(each))
            and all(each in condition.metric.bases for condition in self.conditions)
            and (each is Basis.CALLS or all(kind in TALLIED for kind in by))
        )

    @cached_property
    def group(self) -> Group | None:
        """Give its grouping, where it has one."""
        if self.group_by is None:
            return None
        return Group.of(self.name, self.select, self.group_by, self.bases)

    def is_active(self, at_ms: int) -> bool:
        """Tell whether it is asked at a moment (Unix ms)."""
        return self.active_times is None or self.active_times.include(at_ms)

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
        if self.all_of and self.any_of:
            raise wrong("any_of", "write one of `all_of` and `any_of`")
        if self.all_of or self.any_of:
            for key in ConditionKeys.model_fields:
                if key in self.model_fields_set:
                    raise wrong(key, f"write `{key}` in each condition of the list, not beside it")
        for condition in self.conditions:
            metric = condition.metric
            if self.select.basis not in (AnyBasis.ANY, *map(AnyBasis, metric.bases)):
                raise wrong("select", f"tallies do not report {metric}: select `basis: calls`")
        self._check_group()
        return self

    def _check_group(self) -> None:
        by = self.group_by or ()
        for kind in by:
            if by.count(kind) > 1:
                raise wrong("group_by", f"{kind} stands here twice: take one out")
            if self.select.basis is AnyBasis.TALLIES and kind not in TALLIED:
                raise wrong(
                    "group_by",
                    f"tallies do not report {kind}: select `basis: calls`, "
                    f"or group by {', '.join(TALLIED)}",
                )
            if kind in self.labels:
                raise wrong("labels", f"the label `{kind}` is the group's: choose another name")


class RuleFile(Strict):
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
