"""A scope's totals as rules look at them."""

from __future__ import annotations

from collections.abc import Callable

from streams.core.counts import NOTHING, Counts
from streams.core.rules.baseline import Usual
from streams.core.rules.moments import moment
from streams.core.rules.windows import Measured
from streams.core.totals import Totals


class ScopeView:
    """The counts of one scope, ending where its windows end.

    Args:
        totals: the step that holds the scope.
        partition: where it holds it.
        scope: the scope's text form.
        kept_from: fine panes that begin before this (Unix s) are forgotten.
        usual: gives what the hour in which the view ends held over so many weeks before.
    """

    def __init__(
        self,
        totals: Totals,
        partition: int,
        scope: str,
        kept_from: int,
        usual: Callable[[int], Usual] | None = None,
    ) -> None:
        found = totals.scope(partition, scope)
        self._totals = found
        self._sliding = None if found is None else found.sliding
        self._sizes = totals.window_sizes
        self._end = totals.end(partition)
        self._kept_from = kept_from
        self._usual = usual

    @property
    def end_ms(self) -> int:
        """Give the end of every window (Unix ms)."""
        return self._end * 1000

    def over(self, seconds: int) -> Measured:
        """Count a rolling window."""
        counts = Counts()
        if self._sliding is not None:
            if seconds in self._sizes:
                counts = self._sliding.window(self._sizes.index(seconds))
            else:
                counts = self._sliding.between(self._end - seconds, self._end)
        return Measured(counts, (self._end - seconds) * 1000, self._end * 1000)

    def last(self, attempts: int) -> Measured:
        """Count the newest panes that hold at least so many attempts, or all there are."""
        start, counts = self._end, Counts()
        if self._sliding is not None:
            start, counts = self._sliding.last(attempts, self._kept_from)
        return Measured(counts, start * 1000, self._end * 1000)

    def between(self, start_ms: int, end_ms: int) -> Measured | None:
        """Count an earlier window again; None where it is forgotten."""
        if self._sliding is None or start_ms < self._kept_from * 1000:
            return None
        counts = self._sliding.between(start_ms // 1000, end_ms // 1000)
        return Measured(counts, start_ms, end_ms)

    def usual(self, weeks: int) -> Usual:
        """Count the weekday and hour that the view ends in, over the last weeks."""
        if self._usual is None:
            return Usual(NOTHING, moment(self._end * 1000))
        return self._usual(weeks)

    def newest(self) -> Measured:
        """Give the newest event known, and the time since."""
        end_ms = self._end * 1000
        if self._totals is None or self._sliding is None:
            return Measured(NOTHING, end_ms, end_ms)
        # A day's count knows longer than the fine panes when the last call was.
        days = self._totals.days.items()
        known = [newest for day, (_, newest) in days if day.end > self._kept_from]
        last_ms = max(self._sliding.newest(self._kept_from), *known, 0)
        if not last_ms:
            return Measured(NOTHING, end_ms, end_ms)
        return Measured(NOTHING._replace(last_event_ms=last_ms), min(last_ms, end_ms), end_ms)
