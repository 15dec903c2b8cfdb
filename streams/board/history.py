"""A short memory of one number's course: a bounded ring, small enough for 10,000 scopes."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from typing import NamedTuple

POINTS = 120
_POINTS_IN_WINDOW = 10
_WIDTH = 6
_EXACT_SECONDS = 2**24
"""Single floats hold whole seconds exactly up to here: 194 days of one board's life."""


class Point(NamedTuple):
    """What a window held when it ended at `end` (Unix s); None is unknown, and not zero."""

    end: int
    value: float | None
    low: float | None
    high: float | None
    attempts: int | None
    missed: int | None


def step_of(window_seconds: int) -> int:
    """Give how far apart (s) the points of a window's history lie: a tenth of the window."""
    return max(1, window_seconds // _POINTS_IN_WINDOW)


class History:
    """The newest points of one scope and window, one for each step; the last in a step stays.

    Args:
        step: how far apart the points are (s).
        epoch: Unix s; points are kept relative to it, in single floats: 24 bytes a point.
    """

    __slots__ = ("_epoch", "_ring", "_step")

    def __init__(self, step: int, epoch: int) -> None:
        self._step = step
        self._epoch = epoch
        self._ring = array("f")

    def add(self, point: Point) -> None:
        """Take a point. One that is older than the newest is left out."""
        ring = self._ring
        end = point.end - self._epoch
        if abs(end) >= _EXACT_SECONDS:
            return
        packed = array("f", [end, *(_packed(part) for part in point[1:])])
        if ring:
            last = int(ring[-_WIDTH])
            if end < last:
                return
            if self._slot(end) == self._slot(last):
                ring[-_WIDTH:] = packed
                return
        ring.extend(packed)
        if len(ring) > POINTS * _WIDTH:
            del ring[:_WIDTH]

    def __len__(self) -> int:
        return len(self._ring) // _WIDTH

    def __iter__(self) -> Iterator[Point]:
        ring = self._ring
        for at in range(0, len(ring), _WIDTH):
            end, value, low, high, attempts, missed = ring[at : at + _WIDTH]
            yield Point(
                int(end) + self._epoch,
                _rate(value),
                _rate(low),
                _rate(high),
                _count(attempts),
                _count(missed),
            )

    def _slot(self, end: int) -> int:
        # a window that ends on a step's edge belongs to the step before
        return (end + self._epoch - 1) // self._step


def _packed(part: float | None) -> float:
    return math.nan if part is None else part


def _rate(part: float) -> float | None:
    return None if math.isnan(part) else round(part, 4)


def _count(part: float) -> int | None:
    return None if math.isnan(part) else int(part)
