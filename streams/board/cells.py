"""One scope's counts: a cell for each of its windows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from schemas.scope import Scope
from streams.board.history import History, Point
from streams.board.records import AnswerRate, MissedCalls
from streams.core.rules.durations import parse_duration

PAST_DAY = "@"
"""A window `day@…` is a calendar day that is over; `day` is today."""

_PAST_DAYS_KEPT = 7


@dataclass(slots=True)
class Cell:
    """One scope's one window; either half may be missing."""

    answer: AnswerRate | None = None
    missed: MissedCalls | None = None
    history: History | None = None

    @property
    def newest(self) -> AnswerRate | MissedCalls:
        """Give the half that speaks of the later window."""
        if self.answer is None:
            assert self.missed is not None  # noqa: S101 - a cell is made with one of them
            return self.missed
        if self.missed is None or self.answer.version >= self.missed.version:
            return self.answer
        return self.missed

    @property
    def last_event_at(self) -> datetime | None:
        """Give the newest event counted in either half."""
        events = [half.last_event_at for half in (self.answer, self.missed) if half is not None]
        return max((event for event in events if event is not None), default=None)


@dataclass(slots=True)
class Entry:
    """One scope: `number` is short for its text while this board lives."""

    number: int
    text: str
    scope: Scope
    cells: dict[str, Cell] = field(default_factory=dict)

    @property
    def newest_end(self) -> datetime:
        """Tell when its newest window ended."""
        return max(cell.newest.window.end for cell in self.cells.values())


def point_of(cell: Cell) -> Point:
    """Give a cell's counts as a point of its history."""
    rate = None if cell.answer is None else cell.answer.answer_rate
    return Point(
        int(cell.newest.window.end.timestamp()),
        None if rate is None else rate.value,
        None if rate is None else rate.low,
        None if rate is None else rate.high,
        None if cell.answer is None else cell.answer.attempts,
        None if cell.missed is None else cell.missed.missed,
    )


@lru_cache(maxsize=64)
def rolling_seconds(window: str) -> int | None:
    """Give the length of a rolling window by its name; None for a calendar day."""
    try:
        return parse_duration(window)
    except ValueError:
        return None


def window_length(window: str) -> float:
    """Give a window's length (s) to sort by; a calendar day comes last."""
    seconds = rolling_seconds(window)
    return float("inf") if seconds is None else seconds


def has_room_for_day(entry: Entry, name: str) -> bool:
    """Make room for a day that is over, where it is newer than the oldest that is kept."""
    days = sorted(window for window in entry.cells if PAST_DAY in window)
    if len(days) < _PAST_DAYS_KEPT:
        return True
    if name < days[0]:
        return False
    del entry.cells[days[0]]
    return True
