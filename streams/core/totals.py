"""Totals: each scope's panes summed over the input partitions, and the windows over them.

A partial is absolute: of two for one pane and input partition, the one with the higher offset
holds, and the sum over input partitions is the pane. So partials may come twice, late, or from a
worker that has been replaced, and the totals are the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from streams.core.counts import NOTHING, Counts
from streams.core.fence import DECODE_PARTIAL, Partial
from streams.core.panes import Pane, Sliding
from streams.core.step import Batch, Effects


class _Share(msgspec.Struct, array_like=True, frozen=True):
    """One input partition's share of a pane."""

    source: str
    offset: int
    counts: Counts


class _Saved(msgspec.Struct, array_like=True, frozen=True):
    revision: int
    shares: tuple[_Share, ...]


_ENCODE = msgspec.json.Encoder().encode
_DECODE_SAVED = msgspec.json.Decoder(_Saved).decode


@dataclass(slots=True)
class ScopeTotals:
    """One scope: its fine panes and windows, its calendar days, and how often it changed.

    Attributes:
        revision: grows with every partial taken in.
        due: the end at which it is looked at again though nothing came, where one is scheduled.
        outbound, inbound: whether it ever held attempts, or missed calls.
        days: the calendar days by their pane.
        changed_days: those to be told.
        open_days: those that have not been told as final.
        told: what was told last of each rolling window, by its index.
    """

    sliding: Sliding
    revision: int = 0
    due: int | None = None
    outbound: bool = False
    inbound: bool = False
    days: dict[Pane, Counts] = field(default_factory=dict)
    changed_days: set[Pane] = field(default_factory=set)
    open_days: set[Pane] = field(default_factory=set)
    shares: dict[Pane, tuple[_Share, ...]] = field(default_factory=dict)
    told: dict[int, Counts] = field(default_factory=dict)


@dataclass(slots=True)
class _Partition:
    scopes: dict[str, ScopeTotals] = field(default_factory=dict)
    dirty: dict[str, None] = field(default_factory=dict)
    due: list[tuple[int, str]] = field(default_factory=list)
    by_end: list[tuple[int, str, Pane]] = field(default_factory=list)
    clock_ms: int = 0
    unread: int = 0


class Totals:
    """The step from partials to windows.

    Args:
        pane_seconds: the fine pane; longer panes are calendar days.
        window_sizes: the rolling windows' lengths in seconds.
        late_seconds: how long after its end a day is final.
        keep_seconds: how long after its end a pane is kept; longer than partials of it may come.
    """

    def __init__(
        self,
        *,
        pane_seconds: int,
        window_sizes: Sequence[int],
        late_seconds: int,
        keep_seconds: int,
    ) -> None:
        self.pane_seconds = pane_seconds
        self.window_sizes = tuple(window_sizes)
        self._late = late_seconds
        self._keep = keep_seconds
        self._partitions: dict[int, _Partition] = {}

    def forget(self, partition: int) -> None:
        """Drop the state of a partition that is no longer ours."""
        self._partitions.pop(partition, None)

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back; everything restored is to be told anew."""
        start, end, scope = key.decode().split("|", 2)
        pane = Pane(int(start), int(end))
        page = self._page(partition)
        if value is None:
            self._drop(page, scope, pane)
            return
        saved = _DECODE_SAVED(value)
        totals = self._scope(page, scope)
        totals.revision = max(totals.revision, saved.revision)
        for share in saved.shares:
            self._take(page, scope, totals, pane, share)
        self._advance_to(page, pane)

    def fold(self, batch: Batch) -> Effects:
        """Take partials in, and keep each touched pane with its shares in one record."""
        page = self._page(batch.partition)
        touched: dict[tuple[str, Pane], None] = {}
        for record in batch.records:
            if record.key is None or record.value is None:
                continue
            try:
                partial = DECODE_PARTIAL(record.value)
            except msgspec.MsgspecError:
                # Only our own counters write here; a foreign record harms nobody.
                page.unread += 1
                continue
            scope = record.key.decode()
            pane = Pane(partial.start, partial.end)
            self._accept(page, scope, pane, partial, record.offset)
            touched[scope, pane] = None
        effects = Effects()
        for scope, pane in touched:
            totals = page.scopes[scope]
            if pane in totals.shares:
                saved = _Saved(totals.revision, totals.shares[pane])
                effects.state.append((_state_key(scope, pane), _ENCODE(saved)))
        effects.state.extend((key, None) for key in self._expire(page))
        return effects

    def advance(self, partition: int, clock_ms: int) -> None:
        """Let a partition's event time reach `clock_ms`."""
        page = self._page(partition)
        page.clock_ms = max(page.clock_ms, clock_ms)

    def end(self, partition: int) -> int:
        """Tell where a partition's windows end (Unix s): with the pane that its clock is in."""
        return self._end(self._page(partition))

    def clock_ms(self, partition: int) -> int:
        """Tell how far a partition's event time has come."""
        return self._page(partition).clock_ms

    def take_changed(self, partition: int) -> Iterator[tuple[str, ScopeTotals]]:
        """Give each scope whose windows have changed since the last call, slid to the clock."""
        page = self._page(partition)
        end = self._end(page)
        while page.due and page.due[0][0] <= end:
            due, scope = heapq.heappop(page.due)
            totals = page.scopes.get(scope)
            if totals is not None and totals.due == due:
                totals.due = None
                page.dirty[scope] = None
        changed, page.dirty = page.dirty, {}
        for scope in changed:
            totals = page.scopes.get(scope)
            if totals is None:
                continue
            totals.sliding.slide(end)
            self._close_days(totals, page.clock_ms)
            self._schedule(page, scope, totals)
            yield scope, totals

    def scope(self, partition: int, scope: str) -> ScopeTotals | None:
        """Find a scope's totals, slid to the clock."""
        page = self._page(partition)
        totals = page.scopes.get(scope)
        if totals is not None:
            totals.sliding.slide(self._end(page))
        return totals

    def scopes(self, partition: int) -> list[str]:
        """Give the scopes that a partition holds."""
        return list(self._page(partition).scopes)

    def _close_days(self, totals: ScopeTotals, clock_ms: int) -> None:
        closing = {day for day in totals.open_days if (day.end + self._late) * 1000 <= clock_ms}
        totals.changed_days |= closing
        totals.open_days -= closing

    def _schedule(self, page: _Partition, scope: str, totals: ScopeTotals) -> None:
        changes = [day.end + self._late + self.pane_seconds for day in totals.open_days]
        sliding = totals.sliding.next_change()
        if sliding is not None:
            changes.append(sliding)
        due = min(changes, default=None)
        if due is not None and (totals.due is None or due < totals.due):
            totals.due = due
            heapq.heappush(page.due, (due, scope))

    def _accept(
        self, page: _Partition, scope: str, pane: Pane, partial: Partial, offset: int
    ) -> None:
        page.clock_ms = max(page.clock_ms, partial.clock_ms)
        totals = self._scope(page, scope)
        totals.revision = max(totals.revision, offset + 1)
        self._take(
            page, scope, totals, pane, _Share(partial.source, partial.offset, partial.counts)
        )

    def _take(
        self, page: _Partition, scope: str, totals: ScopeTotals, pane: Pane, share: _Share
    ) -> None:
        present = totals.shares.get(pane)
        if present is None:
            heapq.heappush(page.by_end, (pane.end, scope, pane))
            present = ()
        for known in present:
            if known.source == share.source:
                if known.offset > share.offset:
                    return
                present = tuple(other for other in present if other is not known)
        shares = (*present, share)
        totals.shares[pane] = shares
        counts = NOTHING
        for one in shares:
            counts = counts.plus(one.counts)
        totals.outbound = totals.outbound or counts.attempts > 0
        totals.inbound = totals.inbound or counts.missed > 0
        if self._is_fine(pane):
            totals.sliding.put(pane.start, counts)
        else:
            if pane not in totals.days:
                # The day before is over, and is told once under a key of its own.
                totals.changed_days |= {max(totals.days)} if totals.days else set()
                totals.open_days.add(pane)
            totals.days[pane] = counts
            totals.changed_days.add(pane)
        page.dirty[scope] = None

    def _advance_to(self, page: _Partition, pane: Pane) -> None:
        # A restored fine pane tells how far event time had come.
        if self._is_fine(pane):
            page.clock_ms = max(page.clock_ms, pane.start * 1000)

    def _expire(self, page: _Partition) -> Iterator[bytes]:
        limit = page.clock_ms // 1000 - self._keep
        while page.by_end and page.by_end[0][0] < limit:
            _, scope, pane = heapq.heappop(page.by_end)
            if self._drop(page, scope, pane):
                yield _state_key(scope, pane)

    def _drop(self, page: _Partition, scope: str, pane: Pane) -> bool:
        totals = page.scopes.get(scope)
        if totals is None or totals.shares.pop(pane, None) is None:
            return False
        if self._is_fine(pane):
            totals.sliding.drop(pane.start)
        else:
            totals.days.pop(pane, None)
            totals.changed_days.discard(pane)
            totals.open_days.discard(pane)
        if not totals.shares:
            del page.scopes[scope]
        return True

    def _is_fine(self, pane: Pane) -> bool:
        return pane.end - pane.start == self.pane_seconds

    def _end(self, page: _Partition) -> int:
        return (page.clock_ms // 1000 // self.pane_seconds + 1) * self.pane_seconds

    def _scope(self, page: _Partition, scope: str) -> ScopeTotals:
        totals = page.scopes.get(scope)
        if totals is None:
            totals = page.scopes[scope] = ScopeTotals(Sliding(self.window_sizes, self._end(page)))
        return totals

    def _page(self, partition: int) -> _Partition:
        page = self._partitions.get(partition)
        if page is None:
            page = self._partitions[partition] = _Partition()
        return page


def _state_key(scope: str, pane: Pane) -> bytes:
    return f"{pane.start}|{pane.end}|{scope}".encode()
