"""Counters behind an offset fence: a record counts in a pane once, however often it is read.

State is kept per input partition. Each pane of a scope remembers the offset up to which it has
counted, in the same changelog entry as its counters, so both are always of one moment. A record
at or below that offset has been counted and is passed over. Replay after a crash is therefore
harmless whatever was already durable, and wherever the batches begin.

What goes on to the next stage is the pane's absolute counts over this input partition with that
offset: the receiver keeps the highest offset per input partition and sums, so that sending twice,
or a late write of a worker that has been replaced, changes nothing there either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from zlib import crc32

import msgspec

from streams.core.counts import Packed, from_wire, to_wire
from streams.core.panes import Pane, Places
from streams.core.segments import LARGEST_BYTES, Segments, Until
from streams.core.step import Effects, Output

STATE_PREFIX = b"p|"
_DAYS_PREFIX = STATE_PREFIX + b"d|"
_FINE_PREFIX = STATE_PREFIX + b"f|"
_FINE_LEVELS, _DAY_LEVELS = 2, 8
_LONGEST_FINE = 900
"""A fine pane divides a quarter of an hour (s)."""


class Entry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One scope's counts in a pane over one input partition.

    Attributes:
        offset: all records of the input partition up to here are counted, and none after.
        newest_ms: the newest event counted (Unix ms).
        counts: the counters, as streams.core.counts.to_wire writes them.
    """

    scope: str
    offset: int
    newest_ms: int
    counts: bytes


class Sheet(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The entries of one pane."""

    start: int
    end: int
    entries: list[Entry]


class Partials(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What one batch tells the next stage: absolute counts over one input partition.

    Attributes:
        source: the input partition, such as `calls-3`.
        clock_ms: how far event time had come in that partition (Unix ms).
    """

    source: str
    clock_ms: int
    sheets: list[Sheet]


ENCODE = msgspec.msgpack.Encoder().encode
DECODE_PARTIALS = msgspec.msgpack.Decoder(Partials).decode
_DECODE_SHEETS = msgspec.msgpack.Decoder(list[Sheet]).decode

_AHEAD_MS = 60_000
_SWEEP_SECONDS = 10

Id = tuple[Pane, str]
_Held = tuple[int, Packed, int]
"""What a pane holds of a scope: offset, counts, newest event."""


@lru_cache(maxsize=500_000)
def partition_of_scope(scope: str, partitions: int) -> int:
    """Give the partition that sums a scope. Ours alone to choose, so a fast hash does."""
    return crc32(scope.encode()) % partitions


@dataclass(slots=True)
class _Partition:
    fine: Segments[Id]
    days: Segments[Id]
    panes: dict[Pane, dict[str, _Held]]
    dirty: dict[Pane, set[str]] = field(default_factory=dict)
    clock_ms: int = 0
    arrived_ms: int = 0
    swept: int = 0
    highest: int = -1
    fenced: bool = False


def held_back(event_ms: int, arrived_ms: int) -> int:
    """Give how far an event may push the clock: never far past its own arrival."""
    return min(event_ms, arrived_ms + _AHEAD_MS)


class PaneBook:
    """The fenced panes of the input partitions that are ours.

    Args:
        topic: the input topic, which names the partials' source.
        partials: the topic that partials go to.
        partitions: how many partitions that topic has.
        horizon_seconds: a record that arrives later than this after a pane's end no longer
            counts in that pane. Decided by the record's own timestamp, so that a replay decides
            alike; panes are kept a little longer than they can be counted in.
    """

    _SLACK_SECONDS = 600

    def __init__(self, topic: str, partials: str, partitions: int, horizon_seconds: int) -> None:
        self._topic = topic
        self._partials = partials
        self._count = partitions
        self._horizon = horizon_seconds
        self.horizon_ms = horizon_seconds * 1000
        self._partitions: dict[int, _Partition] = {}

    def forget(self, partition: int) -> None:
        """Drop a partition's panes."""
        self._partitions.pop(partition, None)

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take back a segment; of several entries the one with the highest offset holds."""
        book = self._book(partition)
        segments = book.days if key.startswith(_DAYS_PREFIX) else book.fine
        if value is None:
            segments.gone(key)
            return
        ids: list[Id] = []
        for sheet in _DECODE_SHEETS(value):
            pane = Pane(sheet.start, sheet.end)
            held = book.panes.setdefault(pane, {})
            for entry in sheet.entries:
                present = held.get(entry.scope)
                if present is None or present[0] <= entry.offset:
                    held[entry.scope] = (entry.offset, from_wire(entry.counts), entry.newest_ms)
                    book.highest = max(book.highest, entry.offset)
                ids.append((pane, entry.scope))
        segments.restored(key, ids, _until(ids))

    def begin(self, partition: int, offset: int) -> bool:
        """Begin a batch at its first offset; tell whether panes may have counted some of it.

        Only then each pane is asked. In the batches after a replay nobody needs to be.
        """
        book = self._book(partition)
        book.fenced = offset <= book.highest
        return book.fenced

    def observe(self, partition: int, clock_ms: int, arrived_ms: int) -> None:
        """Let event time reach `clock_ms`, by records that arrived until `arrived_ms`."""
        book = self._book(partition)
        book.arrived_ms = max(book.arrived_ms, arrived_ms)
        book.clock_ms = max(book.clock_ms, clock_ms)

    def open_until(self, end: int, arrived_ms: int) -> bool:
        """Tell whether a record that arrived then still counts in a pane that ends at `end`."""
        return arrived_ms < (end + self._horizon) * 1000

    def add(
        self, partition: int, pane: Pane, scope: str, change: Packed, newest_ms: int, offset: int
    ) -> None:
        """Add a record's change to a pane unless the pane has counted that offset."""
        book = self._book(partition)
        held = book.panes.setdefault(pane, {})
        present = held.get(scope)
        if present is None:
            held[scope] = (offset, change, newest_ms)
        elif not book.fenced or present[0] < offset:
            newest = max(newest_ms, present[2])
            held[scope] = (max(offset, present[0]), present[1] + change, newest)
        # Where it was counted before a crash, it is told again: the telling may have been lost.
        book.dirty.setdefault(pane, set()).add(scope)

    def add_sheet(
        self, partition: int, pane: Pane, sheet: Mapping[str, Sequence[int]], offset: int
    ) -> None:
        """Add what a batch without replays holds of a pane.

        Args:
            partition: the input partition.
            pane: where to.
            sheet: by scope the packed counts and the newest event.
            offset: that of the batch's last record.
        """
        book = self._book(partition)
        held = book.panes.setdefault(pane, {})
        book.dirty.setdefault(pane, set()).update(sheet)
        for scope, (packed, newest_ms) in sheet.items():
            present = held.get(scope)
            if present is None:
                held[scope] = (offset, packed, newest_ms)
            else:
                newest = max(newest_ms, present[2])
                held[scope] = (offset, present[1] + packed, newest)

    def flush(self, partition: int, effects: Effects) -> None:
        """Write the touched panes and tell the next stage; drop panes past their horizon."""
        book = self._book(partition)
        if book.dirty:
            told: list[list[Sheet]] = [[] for _ in range(self._count)]
            for pane, scopes in book.dirty.items():
                sheets = self._sheets(book, pane, scopes)
                for target, sheet in sheets.items():
                    told[target].append(sheet)
                ids = [(pane, entry.scope) for sheet in sheets.values() for entry in sheet.entries]
                segments = book.fine if pane.end - pane.start <= _LONGEST_FINE else book.days
                segments.write(ids, (pane.end,), effects, ENCODE(list(sheets.values())))
            self._tell(partition, book.clock_ms, told, effects)
            book.dirty = {}
        self._expire(book, effects)

    def _sheets(self, book: _Partition, pane: Pane, scopes: Iterable[str]) -> dict[int, Sheet]:
        """Give what a pane holds of some scopes, by the partition that sums them."""
        held, count = book.panes[pane], self._count
        sheets: dict[int, Sheet] = {}
        for scope in scopes:
            offset, packed, newest_ms = held[scope]
            book.highest = max(book.highest, offset)
            target = partition_of_scope(scope, count)
            sheet = sheets.get(target)
            if sheet is None:
                sheet = sheets[target] = Sheet(*pane, [])
            sheet.entries.append(Entry(scope, offset, newest_ms, to_wire(packed)))
        return sheets

    def _tell(
        self, partition: int, clock_ms: int, told: Sequence[list[Sheet]], effects: Effects
    ) -> None:
        source = f"{self._topic}-{partition}"
        for target, sheets in enumerate(told):
            effects.outputs.extend(
                Output(self._partials, source.encode(), value, partition=target)
                for value in _partials(source, clock_ms, sheets)
            )

    def _expire(self, book: _Partition, effects: Effects) -> None:
        limit = book.arrived_ms // 1000 - self._horizon - self._SLACK_SECONDS
        if limit < book.swept + _SWEEP_SECONDS:
            return
        book.swept = limit
        for segments in (book.fine, book.days):
            segments.expire((limit,), effects)
        for pane in [pane for pane in book.panes if pane.end < limit]:
            del book.panes[pane]

    def _book(self, partition: int) -> _Partition:
        book = self._partitions.get(partition)
        if book is None:
            panes: dict[Pane, dict[str, _Held]] = {}

            def encode(ids: Iterable[Id], _: Until) -> bytes | None:
                return _encoded(panes, ids)

            book = self._partitions[partition] = _Partition(
                Segments(_FINE_PREFIX, encode, _FINE_LEVELS, packs=True, compact=Places),
                Segments(_DAYS_PREFIX, encode, _DAY_LEVELS, compact=Places),
                panes,
            )
        return book


def _partials(source: str, clock_ms: int, sheets: Sequence[Sheet]) -> list[bytes]:
    """Write partials, as many records as Kafka's limit asks for."""
    if not sheets:
        return []
    value = ENCODE(Partials(source, clock_ms, list(sheets)))
    if len(value) <= LARGEST_BYTES:
        return [value]
    if len(sheets) > 1:
        halves = sheets[: len(sheets) // 2], sheets[len(sheets) // 2 :]
    else:
        (sheet,) = sheets
        middle = len(sheet.entries) // 2
        if not middle:
            return [value]
        parts = sheet.entries[:middle], sheet.entries[middle:]
        first, second = (Sheet(sheet.start, sheet.end, part) for part in parts)
        halves = (first,), (second,)
    return [each for half in halves for each in _partials(source, clock_ms, half)]


def _until(ids: Iterable[Id]) -> Until:
    return (max(pane.end for pane in {pane for pane, _ in ids}),)


def _encoded(panes: Mapping[Pane, Mapping[str, _Held]], ids: Iterable[Id]) -> bytes | None:
    sheets: dict[Pane, list[Entry]] = {}
    for pane, scope in ids:
        held = panes.get(pane, {}).get(scope)
        if held is not None:
            entry = Entry(scope, held[0], held[2], to_wire(held[1]))
            sheets.setdefault(pane, []).append(entry)
    if not sheets:
        return None
    return ENCODE([Sheet(*pane, entries) for pane, entries in sheets.items()])
