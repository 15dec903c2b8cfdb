"""What each key said, and at which offset it said so.

A pane alone cannot tell that a call was counted under another offset: the push, its retry and
the search are different records. The ledger remembers what every key last contributed, so that
a copy adds nothing and a better copy replaces the earlier one. Versions keep their offsets: when
a stretch of the log is read again after a crash, each record finds what stood *before* it, and
decides as it did the first time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import msgspec
import xxhash

from streams.core.segments import Segments, Until
from streams.core.step import Effects

STATE_PREFIX = b"l|"
_LEVELS = 2

T = TypeVar("T")
History = tuple[tuple[int, T], ...]
"""What a key said, each with the offset at which it did, in order."""


class Versions(MutableMapping[int, History[T]], ABC):
    """What each key said, by its name."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what it holds."""


class InMemory(dict[int, History[T]]):
    """Versions in a dict."""

    def close(self) -> None:
        """Do nothing: memory goes by itself."""


Store = Callable[[type[T]], "Versions[T] | InMemory[T]"]


def in_memory(_model: type[T]) -> InMemory[T]:
    """Make versions that are kept in memory."""
    return InMemory()


def fingerprint(key: bytes) -> int:
    """Give a key's 64-bit name: two of a million calls share one with probability 3e-8."""
    return xxhash.xxh3_64_intdigest(key)


class Said(NamedTuple, Generic[T]):
    """What stood before a record, and whether the record was taken in before a crash."""

    before: T | None
    again: T | None


@dataclass(slots=True)
class _Partition(Generic[T]):
    segments: Segments[int]
    versions: Versions[T] | InMemory[T]
    fresh: list[tuple[int, History[T]]] = field(default_factory=list)
    arrived_ms: int = 0


class Ledger(Generic[T]):
    """Versions by key for the input partitions that are ours.

    A version is dropped when its segment's newest has been here for the horizon.

    Args:
        model: what a key says: a frozen msgspec Struct.
        horizon_seconds: how long after its arrival a copy is still recognised.
        store: makes what keeps a partition's versions.
    """

    def __init__(self, model: type[T], horizon_seconds: int, store: Store[T] = in_memory) -> None:
        self._new_versions = partial(store, model)
        self._horizon_ms = horizon_seconds * 1000
        self._partitions: dict[int, _Partition[T]] = {}
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(
            tuple[Until, list[tuple[int, tuple[tuple[int, model], ...]]]]  # type: ignore[valid-type]
        ).decode

    def forget(self, partition: int) -> None:
        """Drop a partition's versions."""
        page = self._partitions.pop(partition, None)
        if page is not None:
            page.versions.close()

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take back one segment."""
        page = self._page(partition)
        if value is None:
            page.segments.gone(key)
            return
        until, entries = self._decode(value)
        for name, versions in entries:
            for offset, said in versions:
                self._insert(page, name, offset, said)
        page.segments.restored(key, [name for name, _ in entries], until)
        page.arrived_ms = max(page.arrived_ms, until[0])

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

    def writer(self, partition: int) -> Callable[[int, int, T], bool]:
        """Give what writes a batch's calls: `write_first(name, offset, said)`.

        It remembers what a key says if it has said nothing yet, and tells whether it was so.
        """
        page = self._page(partition)
        versions, note = page.versions, page.fresh.append

        def write_first(name: int, offset: int, said: T) -> bool:
            if name in versions:
                return False
            versions[name] = own = ((offset, said),)
            note((name, own))
            return True

        return write_first

    def write(self, partition: int, name: int, offset: int, said: T) -> None:
        """Remember what a key says from `offset` on."""
        page = self._page(partition)
        self._insert(page, name, offset, said)
        page.fresh.append((name, page.versions[name]))

    def flush(self, partition: int, arrived_ms: int, effects: Effects) -> None:
        """Write the new versions; drop those past the horizon."""
        page = self._page(partition)
        page.arrived_ms = max(page.arrived_ms, arrived_ms)
        if page.fresh:
            until = (page.arrived_ms, max(versions[-1][0] for _, versions in page.fresh))
            names = [name for name, _ in page.fresh]
            page.segments.write(names, until, effects, self._encode((until, page.fresh)))
            page.fresh = []
        limit = page.arrived_ms - self._horizon_ms
        for expired, (_, last) in page.segments.expire((limit,), effects):
            _drop(page.versions, expired, last)

    @staticmethod
    def _insert(page: _Partition[T], name: int, offset: int, said: T) -> None:
        present = page.versions.get(name)
        if present is None:
            page.versions[name] = ((offset, said),)
        elif all(at != offset for at, _ in present):
            page.versions[name] = tuple(
                sorted((*present, (offset, said)), key=lambda version: version[0])
            )

    def _page(self, partition: int) -> _Partition[T]:
        page = self._partitions.get(partition)
        if page is None:
            versions = self._new_versions()

            def encode(names: Sequence[int], until: Until) -> bytes | None:
                entries = [(name, versions[name]) for name in names if name in versions]
                return self._encode((until, entries)) if entries else None

            page = self._partitions[partition] = _Partition(
                Segments(STATE_PREFIX, encode, _LEVELS, packs=True, compact=_names), versions
            )
        return page


def _names(names: Sequence[int]) -> Sequence[int]:
    return array("Q", names)


def _drop(
    versions: MutableMapping[int, History[T]], names: Iterable[int], last_offset: int
) -> None:
    for name in names:
        kept = tuple(each for each in versions.get(name, ()) if each[0] > last_offset)
        if kept:
            versions[name] = kept
        else:
            versions.pop(name, None)
