"""How a long query is cut into those that 7moor takes."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

MOST_MONTHS = 3
"""The longest span of one report query (目前最大支持查询三个月)."""

ItemT = TypeVar("ItemT")


def add_months(moment: datetime, months: int) -> datetime:
    """Go to the same day of a later month, or to that month's last day where it is shorter."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def split_span(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Cut `start` ≤ moment < `end` into parts of at most three months, end to end.

    Raises:
        ValueError: the end is before the start.
    """
    if end < start:
        raise ValueError(f"the span ends ({end}) before it starts ({start}): swap them")
    parts = []
    while start < end:
        stop = min(end, add_months(start, MOST_MONTHS))
        parts.append((start, stop))
        start = stop
    return parts


def batches(items: Sequence[ItemT], size: int) -> Iterator[Sequence[ItemT]]:
    """Cut into runs of at most `size`."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
