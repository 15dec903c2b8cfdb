"""What each key said, and at which offset it said so.

A pane alone cannot tell that a call was counted under another offset: the push, its retry and
the search are different records. The ledger remembers what every key last contributed, so that
a copy adds nothing and a better copy replaces the earlier one. Versions keep their offsets: when
a stretch of the log is read again after a crash, each record finds what stood *before* it, and
decides as it did the first time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Generic, NamedTuple, TypeVar

import msgspec

from streams.core.step import Effects

STATE_PREFIX = b"l|"

T = TypeVar("T")


def fingerprint(key: bytes) -> int:
    """Give a key's 64-bit name: two of a million calls share one with probability 3e-8."""
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little", signed=True)


class Said(NamedTuple, Generic[T]):
    """What stood before a record, and whether the record was taken in before a crash."""

    before: T | None
    again: T | None


@dataclass(slots=True)
class _Segment:
    key: bytes
    newest_ms: int
    last_offset: int
    names: list[int]


def _segment(key: bytes, newest_ms: int, fresh: Sequence[tuple[int, int, object]]) -> _Segment:
    return _Segment(key, newest_ms, fresh[-1][1], [name for name, _, _ in fresh])


@dataclass(slots=True)
class _Partition(Generic[T]):
    versions: dict[int, tuple[tuple[int, T], ...]] = field(default_factory=dict)
    fresh: list[tuple[int, int, T]] = field(default_factory=list)
    segments: deque[_Segment] = field(default_factory=deque)
    arrived_ms: int = 0


class Ledger(Generic[T]):
    """Versions by key for the input partitions that are ours.

    New versions are written as one packed changelog record a batch; a record of them is dropped
    when all in it are older than the horizon.

    Args:
        model: what a key says: a frozen msgspec Struct.
        horizon_seconds: how long after its arrival a copy is still recognised.
    """

    def __init__(self, model: type[T], horizon_seconds: int) -> None:
        self._horizon_ms = horizon_seconds * 1000
        self._partitions: dict[int, _Partition[T]] = {}
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(tuple[int, list[tuple[int, int, model]]]).decode  # type: ignore[valid-type]

    def forget(self, partition: int) -> None:
        """Drop a partition's versions."""
        self._partitions.pop(partition, None)

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take back one packed record."""
        page = self._page(partition)
        if value is None:
            self._drop_named(page, key)
            return
        newest_ms, fresh = self._decode(value)
        for name, offset, said in fresh:
            self._insert(page, name, offset, said)
        page.segments.append(_segment(key, newest_ms, fresh))
        page.arrived_ms = max(page.arrived_ms, newest_ms)

    def look_up(self, partition: int, name: int, offset: int) -> Said[T]:
        """Find what a key said before `offset`, and at it."""
        before: T | None = None
        for at, said in self._page(partition).versions.get(name, ()):
            if at == offset:
                return Said(before, said)
            if at > offset:
                break
            before = said
        return Said(before, None)

    def write_first(self, partition: int, name: int, offset: int, said: T) -> bool:
        """Remember what a key says if it has said nothing yet; tell whether it was so."""
        page = self._page(partition)
        if name in page.versions:
            return False
        page.versions[name] = ((offset, said),)
        page.fresh.append((name, offset, said))
        return True

    def write(self, partition: int, name: int, offset: int, said: T) -> None:
        """Remember what a key says from `offset` on."""
        page = self._page(partition)
        self._insert(page, name, offset, said)
        page.fresh.append((name, offset, said))

    def flush(self, partition: int, arrived_ms: int, effects: Effects) -> None:
        """Write the new versions as one record; drop records past the horizon."""
        page = self._page(partition)
        page.arrived_ms = max(page.arrived_ms, arrived_ms)
        if page.fresh:
            first = page.fresh[0][1]
            # The count is in the key: a shorter batch written late by a worker that has been
            # replaced cannot overwrite a longer one.
            key = STATE_PREFIX + f"{first}|{len(page.fresh)}".encode()
            effects.state.append((key, self._encode((arrived_ms, page.fresh))))
            page.segments.append(_segment(key, arrived_ms, page.fresh))
            page.fresh = []
        while page.segments and page.segments[0].newest_ms < page.arrived_ms - self._horizon_ms:
            segment = page.segments.popleft()
            self._drop(page, segment)
            effects.state.append((segment.key, None))

    @staticmethod
    def _insert(page: _Partition[T], name: int, offset: int, said: T) -> None:
        present = page.versions.get(name)
        if present is None:
            page.versions[name] = ((offset, said),)
        elif all(at != offset for at, _ in present):
            page.versions[name] = tuple(
                sorted((*present, (offset, said)), key=lambda version: version[0])
            )

    def _drop_named(self, page: _Partition[T], key: bytes) -> None:
        for segment in list(page.segments):
            if segment.key == key:
                page.segments.remove(segment)
                self._drop(page, segment)

    @staticmethod
    def _drop(page: _Partition[T], segment: _Segment) -> None:
        for name in segment.names:
            kept = tuple(v for v in page.versions.get(name, ()) if v[0] > segment.last_offset)
            if kept:
                page.versions[name] = kept
            else:
                page.versions.pop(name, None)

    def _page(self, partition: int) -> _Partition[T]:
        page = self._partitions.get(partition)
        if page is None:
            page = self._partitions[partition] = _Partition()
        return page
