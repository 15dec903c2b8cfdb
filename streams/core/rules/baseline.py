"""What is usual: the same weekday and hour over the last weeks, and how far from it is trouble."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from streams.core.counts import Counts
from streams.core.rules.parts import Side, Strict, Threshold, wrong


class Usual(NamedTuple):
    """What the same weekday and hour held over the last weeks.

    Attributes:
        counts: their sum; of hours that were not observed there is nothing in it.
        hour: the beginning of the hour that is judged, in the account's zone.
    """

    counts: Counts
    hour: datetime


class Known(NamedTuple):
    """A metric as it was usual; `successes` and `sample` as in a Reading."""

    value: float
    successes: int | None
    sample: int | None
    hour: datetime | None


class Baseline(Strict):
    """In place of a threshold: `{weeks: 4, tolerance: 20%}`.

    Attributes:
        weeks: how many weeks are looked back.
        tolerance: trouble is what lies more than this share of the baseline beside it.
        side: on which side of it trouble lies: `below`, or `above`.
        resolve: resolved is what lies within this share of the baseline; `tolerance` itself
            unless stated.
    """

    weeks: int = Field(default=4, ge=1, le=52)
    tolerance: Threshold
    side: Side = Side.BELOW
    resolve: Threshold | None = None

    @property
    def resolve_within(self) -> float:
        """Give the share of the baseline within which it clears."""
        return self.tolerance if self.resolve is None else self.resolve

    def beside(self, value: float, share: float) -> float:
        """Give what lies a share of a baseline beside it, on the side of trouble."""
        return value * (1 - share if self.side is Side.BELOW else 1 + share)

    def usual_of(self, threshold: float) -> float:
        """Give the baseline that a threshold was made of."""
        return threshold / self.beside(1, self.tolerance)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.tolerance <= 0 or (self.side is Side.BELOW and self.tolerance >= 1):
            raise wrong("tolerance", f"{self.tolerance:.0%} of a baseline is no bound: write 20%")
        if not 0 <= self.resolve_within <= self.tolerance:
            raise wrong(
                "resolve", "must lie within `tolerance`: it would resolve while it fires otherwise"
            )
        return self
