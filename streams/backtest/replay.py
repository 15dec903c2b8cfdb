"""The clock of a back-test: rows by their arrival, and looks at the totals as a worker has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from schemas.alert import Alert
from streams.backtest.machine import Machine
from streams.backtest.rows import Row
from streams.settings import StreamsSettings


class Told(NamedTuple):
    """A transition, with the set of rules that it comes from."""

    rules: str
    alert: Alert


class Replay:
    """Drives a machine by the rows' arrival.

    The worker looks each `tell_every`. Where nothing has come, a look can find something new
    only when a pane ends, and the looks between are left out.

    Args:
        machine: counts and judges.
        settings: how often is looked, and how far behind the clock idle windows follow.
        looked: is called after each look with its moment.
    """

    def __init__(
        self,
        machine: Machine,
        settings: StreamsSettings,
        looked: Callable[[int], None] = lambda _now_ms: None,
    ) -> None:
        self._machine = machine
        self._looked = looked
        self._every = max(1, round(settings.tell_every * 1000))
        self._pane = settings.pane * 1000
        self._idle = settings.idle_after * 1000
        self._waiting: list[Row] = []
        self._last: int | None = None

    def take(self, row: Row) -> Iterator[Told]:
        """Take the next row by arrival; give what the looks before it find."""
        yield from self.advance(row.timestamp)
        self._waiting.append(row)

    def advance(self, now_ms: int) -> Iterator[Told]:
        """Give what the looks until `now_ms` find."""
        while (due := self._next()) is not None and due <= now_ms:
            self._machine.feed(self._waiting)
            self._waiting, self._last = [], due
            yield from self._look(due)

    def finish(self) -> Iterator[Told]:
        """Give what the looks find until idle windows have passed the last row."""
        due = self._next()
        if due is not None:
            yield from self.advance(due + self._idle + self._pane)

    def _next(self) -> int | None:
        """Give the next look that can find something new."""
        if self._waiting:
            return self._after(max(self._last or 0, self._waiting[0].timestamp))
        return None if self._last is None else self._sliding(self._last)

    def _look(self, now_ms: int) -> Iterator[Told]:
        for name, alert in self._machine.tell(now_ms):
            yield Told(name, alert)
        self._looked(now_ms)

    def _after(self, now_ms: int) -> int:
        """Give the first look after a moment."""
        return (now_ms // self._every + 1) * self._every

    def _sliding(self, now_ms: int) -> int:
        """Give the next look at which an idle window has slid."""
        slid = ((now_ms - self._idle) // self._pane + 1) * self._pane + self._idle
        return -(-slid // self._every) * self._every
