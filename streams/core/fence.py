"""Counters behind an offset fence: a record counts in a pane once, however often it is read.

State is kept per input partition. Each pane of a scope remembers the highest offset that it has
counted, in the same changelog record as its counters, so both are always of one moment. A
record at or below that offset has been counted and is passed over. Replay after a crash is
therefore harmless whatever was already durable, and wherever the batches begin.

What goes on to the next stage is the pane's absolute counts over this input partition with that
offset: the receiver keeps the highest offset per input partition and sums, so that sending twice,
or a late write of a worker that has been replaced, changes nothing there either.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from streams.core.counts import Counts
from streams.core.panes import Pane
from streams.core.step import Effects, Output

STATE_PREFIX = b"p|"


class Partial(msgspec.Struct, array_like=True, frozen=True):
    """The absolute counts of one scope's pane over one input partition.

    Attributes:
        source: the input partition, such as `calls-3`.
        offset: the highest offset counted.
        clock_ms: how far event time had come in that partition (Unix ms).
    """

    start: int
    end: int
    source: str
    offset: int
    counts: Counts
    clock_ms: int


class _Saved(msgspec.Struct, array_like=True, frozen=True):
    offset: int
    counts: Counts


_ENCODE = msgspec.json.Encoder().encode
_DECODE_SAVED = msgspec.json.Decoder(_Saved).decode
DECODE_PARTIAL = msgspec.json.Decoder(Partial).decode

_Key = tuple[str, Pane]


@dataclass(slots=True)
class _Partition:
    panes: dict[_Key, tuple[int, Counts]] = field(default_factory=dict)
    dirty: dict[_Key, None] = field(default_factory=dict)
    by_end: list[tuple[int, str, Pane]] = field(default_factory=list)
    clock_ms: int = 0
    arrived_ms: int = 0
    highest: int = -1
    fenced: bool = False


class PaneBook:
    """The fenced panes of the input partitions that are ours.

    Args:
        topic: the input topic, which names the partials' source.
        partials: the topic that partials go to.
        horizon_seconds: a record that arrives later than this after a pane's end no longer
            counts in that pane. Decided by the record's own timestamp, so that a replay decides
            alike; panes are kept a little longer than they can be counted in.
    """

    _SLACK_SECONDS = 600
    _AHEAD_MS = 60_000
    """An event may not push the clock further than this past its record's own timestamp."""

    def __init__(self, topic: str, partials: str, horizon_seconds: int) -> None:
        self._topic = topic
        self._partials = partials
        self._horizon = horizon_seconds
        self._partitions: dict[int, _Partition] = {}

    def forget(self, partition: int) -> None:
        """Drop a partition's panes."""
        self._partitions.pop(partition, None)

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take back one pane; of several records the one with the highest offset holds."""
        start, end, scope = key.removeprefix(STATE_PREFIX).decode().split("|", 2)
        pane = Pane(int(start), int(end))
        book = self._book(partition)
        if value is None:
            book.panes.pop((scope, pane), None)
            return
        saved = _DECODE_SAVED(value)
        present = book.panes.get((scope, pane))
        if present is None:
            heapq.heappush(book.by_end, (pane.end, scope, pane))
        if present is None or present[0] <= saved.offset:
            book.panes[scope, pane] = (saved.offset, saved.counts)
            book.highest = max(book.highest, saved.offset)

    def begin(self, partition: int, offset: int) -> bool:
        """Begin a batch at its first offset; tell whether panes may have counted some of it.

        Only then each pane is asked. In the batches after a replay nobody needs to be.
        """
        book = self._book(partition)
        book.fenced = offset <= book.highest
        return book.fenced

    def observe(self, partition: int, event_ms: int, arrived_ms: int) -> None:
        """Let event time advance: to the newest event, but never far past its arrival."""
        book = self._book(partition)
        book.arrived_ms = max(book.arrived_ms, arrived_ms)
        book.clock_ms = max(book.clock_ms, min(event_ms, arrived_ms + self._AHEAD_MS))

    def open_until(self, end: int, arrived_ms: int) -> bool:
        """Tell whether a record that arrived then still counts in a pane that ends at `end`."""
        return arrived_ms < (end + self._horizon) * 1000

    def add(self, partition: int, scope: str, pane: Pane, change: Counts, offset: int) -> None:
        """Add a record's change to a pane unless the pane has counted that offset."""
        book = self._book(partition)
        key = (scope, pane)
        present = book.panes.get(key)
        if present is None:
            heapq.heappush(book.by_end, (pane.end, scope, pane))
            book.panes[key] = (offset, change)
        elif not book.fenced:
            book.panes[key] = (max(offset, present[0]), present[1].plus(change))
        elif present[0] < offset:
            book.panes[key] = (offset, present[1].plus(change))
        # Where it was counted before a crash, it is told again: the telling may have been lost.
        book.dirty[key] = None

    def flush(self, partition: int, effects: Effects) -> None:
        """Write the touched panes and tell the next stage; drop panes past their horizon."""
        book = self._book(partition)
        source = f"{self._topic}-{partition}"
        for scope, pane in book.dirty:
            offset, counts = book.panes[scope, pane]
            book.highest = max(book.highest, offset)
            effects.state.append((_state_key(scope, pane), _ENCODE(_Saved(offset, counts))))
            effects.outputs.append(
                Output(
                    self._partials,
                    scope.encode(),
                    _ENCODE(Partial(pane.start, pane.end, source, offset, counts, book.clock_ms)),
                )
            )
        book.dirty.clear()
        effects.state.extend((key, None) for key in self._expired(book))

    def _expired(self, book: _Partition) -> Iterable[bytes]:
        limit = book.arrived_ms // 1000 - self._horizon - self._SLACK_SECONDS
        while book.by_end and book.by_end[0][0] < limit:
            _, scope, pane = heapq.heappop(book.by_end)
            if book.panes.pop((scope, pane), None) is not None:
                yield _state_key(scope, pane)

    def _book(self, partition: int) -> _Partition:
        book = self._partitions.get(partition)
        if book is None:
            book = self._partitions[partition] = _Partition()
        return book


def _state_key(scope: str, pane: Pane) -> bytes:
    return STATE_PREFIX + f"{pane.start}|{pane.end}|{scope}".encode()
