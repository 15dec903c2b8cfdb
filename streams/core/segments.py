"""Packed changelog records: many entries of state in one, and old ones merged into new.

A changelog record for each entry costs Kafka, the network and the restore more than the entry
itself. So what a batch changes is written as one record, a segment. An entry that is changed
often is then in many segments; when a level holds `FANOUT` of them they are merged into one of
the next level, which holds each entry once with the value that it has now, and are deleted (a
log-structured merge: O'Neil et al., "The log-structured merge-tree", Acta Informatica 33, 1996).

Every entry carries the offset that it counts up to, and of two the higher holds. So segments may
be read in any order, and one that a worker writes after it has been replaced takes nothing away:
its key is the worker's own, and the entries in it are older than those of its successor or equal.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Generic, TypeVar

from streams.core.step import Effects

FANOUT = 32
_CHUNK = 4_000
"""Entries in one record at most."""
LARGEST_BYTES = 500_000
"""Bytes of one record: Kafka refuses more than a million."""

LARGE = 1_000
"""Entries that make a segment large enough."""

_WRITER = secrets.token_hex(4)
_numbers = count()

Id = TypeVar("Id")
Until = tuple[int, ...]
"""When a segment is needed no more; of two the greater is later."""


@dataclass(frozen=True, slots=True)
class _Segment(Generic[Id]):
    keys: tuple[bytes, ...]
    ids: Sequence[Id]
    until: Until


class Segments(Generic[Id]):
    """The segments of one kind of entries in one partition's changelog.

    Args:
        prefix: begins each key.
        encode: gives the value of a record that holds these entries as they are now, and until
            when; entries that are no more are left out, and None says that none is left.
        levels: how often an entry is merged at most. Many, where the same entries are changed
            for long and merging makes few of many; one or two, where each is changed for a short
            time, and merging packs what small batches wrote.
        packs: merging is for packing alone: a segment that is large enough is left as it is.
        compact: gives the same entries in less memory.
    """

    __slots__ = ("_compact", "_encode", "_levels", "_packs", "_prefix", "_rest")

    def __init__(
        self,
        prefix: bytes,
        encode: Callable[[Sequence[Id], Until], bytes | None],
        levels: int,
        *,
        packs: bool = False,
        compact: Callable[[Sequence[Id]], Sequence[Id]] = tuple,
    ) -> None:
        self._prefix = prefix
        self._encode = encode
        self._packs = packs
        self._compact = compact
        self._levels: list[list[_Segment[Id]]] = [[] for _ in range(levels)]
        self._rest: list[_Segment[Id]] = []

    def write(
        self, ids: Sequence[Id], until: Until, effects: Effects, encoded: bytes | None = None
    ) -> None:
        """Write entries as a segment, and merge where it is time to.

        Args:
            ids: the entries.
            until: when none of them is needed any more.
            effects: what is written is added to its state.
            encoded: what `encode` would give, where it is at hand.
        """
        if encoded is None or len(ids) > _CHUNK or len(encoded) > LARGEST_BYTES:
            self._put(0, self._encoded(ids, until), ids, until, effects)
        else:
            self._put(0, [encoded], ids, until, effects)

    def restored(self, key: bytes, ids: Sequence[Id], until: Until) -> None:
        """Remember a segment that was read back."""
        self._rest.append(_Segment((key,), self._compact(ids), until))

    def gone(self, key: bytes) -> None:
        """Forget a segment whose deletion was read back."""
        self._rest = [segment for segment in self._rest if key not in segment.keys]

    def expire(self, now: Until, effects: Effects) -> list[tuple[Sequence[Id], Until]]:
        """Delete the segments that are not needed any more; give the entries of each."""
        expired: list[tuple[Sequence[Id], Until]] = []
        for level in (*self._levels, self._rest):
            # In a level the oldest stand first; among what was restored anything may.
            old = [segment for segment in level if segment.until < now]
            if old:
                level[:] = [segment for segment in level if segment.until >= now]
                for segment in old:
                    expired.append((segment.ids, segment.until))
                    effects.state.extend((key, None) for key in segment.keys)
        return expired

    def _encoded(self, ids: Sequence[Id], until: Until) -> list[bytes]:
        chunks = (ids[first : first + _CHUNK] for first in range(0, len(ids), _CHUNK))
        return [value for chunk in chunks for value in self._split(chunk, until)]

    def _split(self, ids: Sequence[Id], until: Until) -> list[bytes]:
        value = self._encode(ids, until)
        if value is None:
            return []
        if len(value) <= LARGEST_BYTES or len(ids) == 1:
            return [value]
        half = len(ids) // 2
        return self._split(ids[:half], until) + self._split(ids[half:], until)

    def _put(
        self, depth: int, values: Sequence[bytes], ids: Sequence[Id], until: Until, effects: Effects
    ) -> None:
        if not values:
            return
        keys = tuple(self._prefix + f"{_WRITER}-{next(_numbers)}".encode() for _ in values)
        effects.state.extend(zip(keys, values, strict=True))
        segment = _Segment(keys, self._compact(ids), until)
        if depth == len(self._levels) or (self._packs and len(ids) >= LARGE):
            self._rest.append(segment)
            return
        level = self._levels[depth]
        level.append(segment)
        if len(level) >= FANOUT:
            self._levels[depth] = []
            self._merge(level, depth + 1, effects)

    def _merge(self, level: Sequence[_Segment[Id]], depth: int, effects: Effects) -> None:
        ids = list(dict.fromkeys(chain.from_iterable(segment.ids for segment in level)))
        until = max(segment.until for segment in level)
        self._put(depth, self._encoded(ids, until), ids, until, effects)
        # Deleted after what replaces them: records of one partition keep their order.
        effects.state.extend((key, None) for segment in level for key in segment.keys)
