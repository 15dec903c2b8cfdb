"""Panes: the slices of event time that windows are made of.

An event costs the same whatever the length of the windows that it falls into: it is added to
one fine pane and to one calendar day per scope, and windows are sums of panes (Li et al.,
"No pane, no gain", SIGMOD Record 34:1, 2005).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, overload
from zoneinfo import ZoneInfo

from streams.core.counts import Counts, Packed, attempts_of, unpack


class Pane(NamedTuple):
    """A slice of event time, `start` ≤ event < `end`, in Unix seconds."""

    start: int
    end: int


def fine_pane(event_ms: int, size: int) -> Pane:
    """Give the fine pane of `size` seconds that holds an event."""
    start = event_ms // 1000 // size * size
    return Pane(start, start + size)


def day_pane(event_ms: int, zone: ZoneInfo) -> Pane:
    """Give the calendar day of `zone` that holds an event; 23 to 25 hours long."""
    # One hour of a zone lies in one day, so the day is looked up once an hour, not once a call.
    return _day_of_quarter(event_ms // 900_000, zone)


@lru_cache(maxsize=4096)
def _day_of_quarter(quarter: int, zone: ZoneInfo) -> Pane:
    # Zones change, and days begin, on quarters of an hour of UTC.
    day = datetime.fromtimestamp(quarter * 900, zone).date()
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    after = day + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=zone)
    return Pane(int(start.astimezone(UTC).timestamp()), int(end.astimezone(UTC).timestamp()))


class Places(Sequence[tuple[Pane, str]]):
    """Pairs of pane and scope, kept by pane: an eighth of what a list of pairs takes."""

    __slots__ = ("_length", "_runs")

    def __init__(self, pairs: Iterable[tuple[Pane, str]]) -> None:
        by_pane: dict[Pane, list[str]] = {}
        for pane, scope in pairs:
            by_pane.setdefault(pane, []).append(scope)
        self._runs = tuple((pane, tuple(scopes)) for pane, scopes in by_pane.items())
        self._length = sum(len(scopes) for _, scopes in self._runs)

    def __iter__(self) -> Iterator[tuple[Pane, str]]:
        return ((pane, scope) for pane, scopes in self._runs for scope in scopes)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> tuple[Pane, str]: ...

    @overload
    def __getitem__(self, index: slice) -> list[tuple[Pane, str]]: ...

    def __getitem__(self, index: int | slice) -> tuple[Pane, str] | list[tuple[Pane, str]]:
        return list(self)[index]


class Sliding:
    """The fine panes of one scope, and the running sums of its rolling windows.

    Adding to a pane and sliding by a pane cost O(1) in the windows' lengths: sums are kept, and
    only what enters or leaves is touched.

    Args:
        sizes: the windows' lengths in seconds, each a multiple of the pane.
        end: where the windows end at first, Unix seconds on a pane's edge.
    """

    __slots__ = ("_panes", "_sizes", "_starts", "_sums", "end")

    def __init__(self, sizes: Sequence[int], end: int) -> None:
        self.end = end
        self._sizes = sizes
        self._sums: list[Packed] = [0] * len(sizes)
        self._panes: dict[int, tuple[Packed, int]] = {}
        self._starts: list[int] = []

    def put(self, start: int, packed: Packed, newest_ms: int) -> None:
        """Set what the pane at `start` holds; sums follow by the difference."""
        before = self._panes.get(start)
        if before is None:
            insort(self._starts, start)
            change = packed
        else:
            change = packed - before[0]
        self._panes[start] = (packed, newest_ms)
        age = self.end - start
        if change and age > 0:
            for index, size in enumerate(self._sizes):
                if age <= size:
                    self._sums[index] += change

    def slide(self, end: int) -> None:
        """Move the windows' end forward to `end`."""
        if end <= self.end:
            return
        for index, size in enumerate(self._sizes):
            # What both leaves and enters (a gap longer than the window) is never touched.
            leaves = self._between(self.end - size, min(end - size, self.end))
            enters = self._between(max(self.end, end - size), end)
            if leaves or enters:
                panes = self._panes
                self._sums[index] += sum(panes[start][0] for start in enters)
                self._sums[index] -= sum(panes[start][0] for start in leaves)
        self.end = end

    def drop(self, start: int) -> None:
        """Forget the pane at `start`."""
        if start in self._panes:
            self.put(start, 0, 0)
            del self._panes[start]
            del self._starts[bisect_left(self._starts, start)]

    def sums(self, index: int) -> tuple[Packed, int]:
        """Give the packed counts of the window with this index, with its newest event (Unix ms)."""
        starts, low = self._starts, self.end - self._sizes[index]
        at = bisect_left(starts, self.end) - 1
        newest = 0
        while at >= 0 and starts[at] >= low and not newest:
            newest = self._panes[starts[at]][1]
            at -= 1
        return self._sums[index], newest

    def window(self, index: int) -> Counts:
        """Give the counts of the window with this index."""
        return unpack(*self.sums(index))

    def between(self, start: int, end: int) -> Counts:
        """Sum any stretch of panes; costs as many as it holds."""
        return self._sum(self._between(start, end))

    def last(self, attempts: int, since: int = 0) -> tuple[int, Counts]:
        """Sum the newest panes that hold at least `attempts`; also give where they begin.

        Panes that begin before `since` (Unix s) are left out.
        """
        starts = self._starts
        lowest, newest = bisect_left(starts, since), bisect_left(starts, self.end)
        first, found = newest, 0
        while first > lowest and found < attempts:
            first -= 1
            found += attempts_of(self._panes[starts[first]][0])
        begin = starts[first] if first < newest else self.end
        return begin, self._sum(starts[first:newest])

    def slices(self, start: int, end: int) -> Iterator[tuple[int, Counts]]:
        """Give the panes of a stretch, oldest first, each with where it begins."""
        for each in self._between(start, end):
            yield each, unpack(*self._panes[each])

    def newest(self, since: int) -> int:
        """Give the newest event (Unix ms) in the panes from `since` to the end; 0 for none."""
        found = [self._panes[start][1] for start in self._between(since, self.end)]
        return max(found, default=0)

    def next_change(self) -> int | None:
        """Give the least later end at which a pane enters or leaves some window, if any."""
        starts, due = self._starts, None
        entering = bisect_left(starts, self.end)
        if entering < len(starts):
            due = starts[entering] + 1
        for size in self._sizes:
            oldest = bisect_left(starts, self.end - size)
            if oldest < len(starts) and (due is None or starts[oldest] + size < due):
                due = starts[oldest] + size + 1
        return due

    def __bool__(self) -> bool:
        return bool(self._panes)

    def _sum(self, starts: Sequence[int]) -> Counts:
        panes = [self._panes[start] for start in starts]
        return unpack(
            sum(packed for packed, _ in panes), max((newest for _, newest in panes), default=0)
        )

    def _between(self, low: int, high: int) -> list[int]:
        starts = self._starts
        return starts[bisect_left(starts, low) : bisect_left(starts, high)]
