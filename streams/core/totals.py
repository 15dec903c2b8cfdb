"""Totals: each scope's panes summed over the input partitions, and the windows over them.

A partial is absolute: of two for one pane and input partition, the one with the higher offset
holds, and the sum over input partitions is the pane. So partials may come twice, late, or from a
worker that has been replaced, and the totals are the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from streams.core.counts import Counts, Packed, attempts_of, from_wire, to_wire, unpack
from streams.core.fence import DECODE_PARTIALS
from streams.core.panes import Pane, Places, Sliding
from streams.core.segments import Segments, Until
from streams.core.step import Batch, Effects

_DAYS_PREFIX = b"d|"
_FINE_PREFIX = b"f|"
_FINE_LEVELS, _DAY_LEVELS = 2, 8

Share = tuple[str, int, int, Packed]
"""One input partition's share of a pane: which it is, offset, newest event (Unix ms), counts."""

_Id = tuple[Pane, str]


class _Kept(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A scope's shares of a pane, as the changelog has them."""

    scope: str
    revision: int
    shares: list[tuple[str, int, int, bytes]]


class _Sheet(msgspec.Struct, array_like=True, frozen=True, gc=False):
    start: int
    end: int
    kept: list[_Kept]


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(list[_Sheet]).decode


class ScopeTotals:
    """One scope: its fine panes and windows, its calendar days, and how often it changed.

    Attributes:
        revision: grows with every partial taken in.
        due: the end at which it is looked at again though nothing came, where one is scheduled.
        outbound, inbound: whether it ever held attempts, or missed calls.
        changed_days: those to be told.
        open_days: those that have not been told as final.
        told: what was told last of each rolling window.
        shares: by pane, what each input partition holds of it.
    """

    __slots__ = (
        "changed_days",
        "days",
        "due",
        "inbound",
        "open_days",
        "outbound",
        "revision",
        "shares",
        "sliding",
        "told",
    )

    def __init__(self, sliding: Sliding, windows: int) -> None:
        self.sliding = sliding
        self.revision = 0
        self.due: int | None = None
        self.outbound = False
        self.inbound = False
        self.days: dict[Pane, tuple[Packed, int]] = {}
        self.changed_days: tuple[Pane, ...] = ()
        self.open_days: tuple[Pane, ...] = ()
        self.shares: dict[Pane, tuple[Share, ...]] = {}
        self.told: list[tuple[Packed, int] | None] = [None] * windows

    def day(self, pane: Pane) -> Counts:
        """Give the counts of a calendar day."""
        return unpack(*self.days[pane])


@dataclass(slots=True)
class _Partition:
    fine: Segments[_Id]
    long: Segments[_Id]
    scopes: dict[str, ScopeTotals] = field(default_factory=dict)
    dirty: dict[str, None] = field(default_factory=dict)
    due: list[tuple[int, str]] = field(default_factory=list)
    by_pane: dict[Pane, list[str]] = field(default_factory=dict)
    clock_ms: int = 0
    swept: int = 0
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
        page = self._page(partition)
        segments = page.long if key.startswith(_DAYS_PREFIX) else page.fine
        if value is None:
            segments.gone(key)
            return
        ids: list[_Id] = []
        for sheet in _DECODE(value):
            pane = Pane(sheet.start, sheet.end)
            for kept in sheet.kept:
                totals = self._scope(page, kept.scope)
                totals.revision = max(totals.revision, kept.revision)
                for source, offset, newest_ms, counts in kept.shares:
                    share = (source, offset, newest_ms, from_wire(counts))
                    self._take(page, kept.scope, totals, pane, share)
                ids.append((pane, kept.scope))
            if self._is_fine(pane):
                # A restored fine pane tells how far event time had come.
                page.clock_ms = max(page.clock_ms, pane.start * 1000)
        segments.restored(key, ids, _until(ids))

    def fold(self, batch: Batch) -> Effects:
        """Take partials in, and keep each touched pane with its shares."""
        page = self._page(batch.partition)
        touched: dict[Pane, set[str]] = {}
        for record in batch.records:
            if record.value is None:
                continue
            try:
                partials = DECODE_PARTIALS(record.value)
            except msgspec.MsgspecError:
                # Only our own counters write here; a foreign record harms nobody.
                page.unread += 1
                continue
            page.clock_ms = max(page.clock_ms, partials.clock_ms)
            source, revision = partials.source, record.offset + 1
            for sheet in partials.sheets:
                pane = Pane(sheet.start, sheet.end)
                scopes = touched.setdefault(pane, set())
                for entry in sheet.entries:
                    scope = entry.scope
                    totals = page.scopes.get(scope) or self._scope(page, scope)
                    totals.revision = max(totals.revision, revision)
                    share = (source, entry.offset, entry.newest_ms, from_wire(entry.counts))
                    self._take(page, scope, totals, pane, share)
                    scopes.add(scope)
        effects = Effects()
        for pane, scopes in touched.items():
            segments = page.fine if self._is_fine(pane) else page.long
            segments.write([(pane, scope) for scope in scopes], (pane.end,), effects)
        self._expire(page, effects)
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

    def changed(self, partition: int) -> int:
        """Count the scopes whose windows have changed, by records or by time."""
        page = self._page(partition)
        end = self._end(page)
        while page.due and page.due[0][0] <= end:
            due, scope = heapq.heappop(page.due)
            totals = page.scopes.get(scope)
            if totals is not None and totals.due == due:
                totals.due = None
                page.dirty[scope] = None
        return len(page.dirty)

    def take_changed(
        self, partition: int, most: int | None = None
    ) -> Iterator[tuple[str, ScopeTotals]]:
        """Give scopes whose windows have changed since they were given last, slid to the clock.

        Args:
            partition: whose scopes.
            most: how many at most; the others wait for the next call.
        """
        self.changed(partition)
        page = self._page(partition)
        end = self._end(page)
        for scope in list(islice(page.dirty, most)):
            del page.dirty[scope]
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

    def holds(self, partition: int, scope: str) -> bool:
        """Tell whether a partition holds a scope."""
        return scope in self._page(partition).scopes

    def attempts(self, partition: int, scope: str) -> int:
        """Give the attempts that are known of a scope: no window holds more."""
        totals = self._page(partition).scopes.get(scope)
        if totals is None:
            return 0
        return sum(attempts_of(packed) for packed, _ in totals.days.values())

    def scopes(self, partition: int) -> list[str]:
        """Give the scopes that a partition holds."""
        return list(self._page(partition).scopes)

    def _close_days(self, totals: ScopeTotals, clock_ms: int) -> None:
        for day in totals.open_days:
            if (day.end + self._late) * 1000 <= clock_ms:
                totals.changed_days = _with(totals.changed_days, day)
                totals.open_days = _without(totals.open_days, day)

    def _schedule(self, page: _Partition, scope: str, totals: ScopeTotals) -> None:
        changes = [day.end + self._late + self.pane_seconds for day in totals.open_days]
        sliding = totals.sliding.next_change()
        if sliding is not None:
            changes.append(sliding)
        due = min(changes, default=None)
        if due is not None and (totals.due is None or due < totals.due):
            totals.due = due
            heapq.heappush(page.due, (due, scope))

    def _take(
        self, page: _Partition, scope: str, totals: ScopeTotals, pane: Pane, share: Share
    ) -> None:
        present = totals.shares.get(pane)
        if present is None:
            page.by_pane.setdefault(pane, []).append(scope)
            present = ()
        for known in present:
            if known[0] == share[0]:
                if known[1] > share[1]:
                    return
                present = tuple(other for other in present if other is not known)
        totals.shares[pane] = (*present, share)
        _, _, newest_ms, packed = share
        for _, _, other_ms, counts in present:
            packed += counts
            newest_ms = max(newest_ms, other_ms)
        page.dirty[scope] = None
        if self._is_fine(pane):
            totals.sliding.put(pane.start, packed, newest_ms)
            return
        counted = unpack(packed)
        totals.outbound = totals.outbound or counted.attempts > 0
        totals.inbound = totals.inbound or counted.missed > 0
        if pane not in totals.days:
            # The day before is over, and is told once under a key of its own.
            if totals.days:
                totals.changed_days = _with(totals.changed_days, max(totals.days))
            totals.open_days = _with(totals.open_days, pane)
        totals.days[pane] = (packed, newest_ms)
        totals.changed_days = _with(totals.changed_days, pane)

    def _expire(self, page: _Partition, effects: Effects) -> None:
        limit = page.clock_ms // 1000 - self._keep
        if limit < page.swept + self.pane_seconds:
            return
        page.swept = limit
        for segments in (page.fine, page.long):
            segments.expire((limit,), effects)
        for pane in [pane for pane in page.by_pane if pane.end < limit]:
            for scope in page.by_pane.pop(pane):
                self._drop(page, scope, pane)

    def _drop(self, page: _Partition, scope: str, pane: Pane) -> None:
        totals = page.scopes.get(scope)
        if totals is None or totals.shares.pop(pane, None) is None:
            return
        if self._is_fine(pane):
            totals.sliding.drop(pane.start)
        else:
            totals.days.pop(pane, None)
            totals.changed_days = _without(totals.changed_days, pane)
            totals.open_days = _without(totals.open_days, pane)
        if not totals.shares:
            del page.scopes[scope]

    def _is_fine(self, pane: Pane) -> bool:
        return pane.end - pane.start == self.pane_seconds

    def _end(self, page: _Partition) -> int:
        return (page.clock_ms // 1000 // self.pane_seconds + 1) * self.pane_seconds

    def _scope(self, page: _Partition, scope: str) -> ScopeTotals:
        totals = page.scopes.get(scope)
        if totals is None:
            sliding = Sliding(self.window_sizes, self._end(page))
            totals = page.scopes[scope] = ScopeTotals(sliding, len(self.window_sizes))
        return totals

    def _page(self, partition: int) -> _Partition:
        page = self._partitions.get(partition)
        if page is None:
            scopes: dict[str, ScopeTotals] = {}

            def encode(ids: Iterable[_Id], _: Until) -> bytes | None:
                return _encoded(scopes, ids)

            page = self._partitions[partition] = _Partition(
                Segments(_FINE_PREFIX, encode, _FINE_LEVELS, packs=True, compact=Places),
                Segments(_DAYS_PREFIX, encode, _DAY_LEVELS, compact=Places),
                scopes,
            )
        return page


# Tuples, since an empty set is five times as large and most scopes have nothing to tell.


def _with(panes: tuple[Pane, ...], pane: Pane) -> tuple[Pane, ...]:
    return panes if pane in panes else (*panes, pane)


def _without(panes: tuple[Pane, ...], pane: Pane) -> tuple[Pane, ...]:
    return tuple(each for each in panes if each != pane)


def _until(ids: Iterable[_Id]) -> Until:
    return (max(pane.end for pane in {pane for pane, _ in ids}),)


def _encoded(scopes: dict[str, ScopeTotals], ids: Iterable[_Id]) -> bytes | None:
    sheets: dict[Pane, list[_Kept]] = {}
    for pane, scope in ids:
        totals = scopes.get(scope)
        shares = () if totals is None else totals.shares.get(pane, ())
        if totals is not None and shares:
            written = [(source, at, ms, to_wire(packed)) for source, at, ms, packed in shares]
            sheets.setdefault(pane, []).append(_Kept(scope, totals.revision, written))
    if not sheets:
        return None
    return _ENCODE([_Sheet(*pane, kept) for pane, kept in sheets.items()])
