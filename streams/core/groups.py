"""The groups of the rules in force: which of them a record counts in, and since which offset.

A group counts from the moment that its rule is there. What moment that is, each input partition
remembers as an offset, durable before the first count: so the fold stays a function of the log
and the restored state. And when a better copy of a call comes, a group takes away what it has
counted of it, which is nothing where the earlier copy came before the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from schemas.scope import Basis, Kind
from streams.core.rules.group import Group
from streams.core.scopes import parse_scope
from streams.core.step import Effects

STATE_PREFIX = b"g|"
_MOST_KNOWN = 50_000
_MOST_SPANS = 20

_Span = tuple[int, int | None]
"""From an offset to before another; None while the group is counted."""

T = TypeVar("T")

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(tuple[_Span, ...]).decode


class Groups:
    """The groups that one kind of record may count in.

    Args:
        basis: what the records are.
    """

    def __init__(self, basis: Basis) -> None:
        self._basis = basis
        self._groups: tuple[Group, ...] = ()
        self._known: dict[tuple[str | None, ...], Mapping[str, str]] = {}
        self._spans: dict[int, dict[str, tuple[_Span, ...]]] = {}

    def follow(self, groups: Iterable[Group]) -> None:
        """Count these groups from the next batch on."""
        self._groups = tuple(each for each in groups if self._basis in each.bases)
        self._known.clear()

    def scopes(self, having: Sequence[str | None], own: Iterable[str]) -> Mapping[str, str]:
        """Give the groups' scopes of a record, by the groups' names.

        Args:
            having: vendor, account, display number, campaign, queue, region, carrier; those at
                the end may be left out where such records never have them.
            own: the scopes that it counts in by itself.
        """
        if not self._groups:
            return {}
        known = tuple(having)
        found = self._known.get(known)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[known] = self._find(known, own)
        return found

    def forget(self, partition: int) -> None:
        """Drop the offsets of a partition that is no longer ours."""
        self._spans.pop(partition, None)

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back."""
        if value is not None:
            name = key.removeprefix(STATE_PREFIX).decode()
            self._spans.setdefault(partition, {})[name] = _DECODE(value)

    def begin(self, partition: int, offset: int, effects: Effects) -> bool:
        """Begin a batch: open the groups that are new, close those that are gone.

        Returns:
            Whether some of the batch may lie before a group's beginning, being read again.
        """
        spans = self._spans.get(partition)
        if spans is None:
            if not self._groups:
                return False
            spans = self._spans[partition] = {}
        wanted = {group.name for group in self._groups}
        for name in wanted | spans.keys():
            present = spans.get(name, ())
            is_open = bool(present) and present[-1][1] is None
            if is_open == (name in wanted):
                continue
            if is_open:
                changed = (*present[:-1], (present[-1][0], offset))
            else:
                changed = (*present, (offset, None))[-_MOST_SPANS:]
            spans[name] = changed
            effects.state.append((STATE_PREFIX + name.encode(), _ENCODE(changed)))
        return any(spans[name][-1][0] > offset for name in wanted)

    def counting(self, partition: int, offset: int) -> Iterator[str]:
        """Name the groups in force that count the record at an offset."""
        spans = self._spans.get(partition, {})
        for group in self._groups:
            for start, end in spans.get(group.name, ()):
                if start <= offset and (end is None or offset < end):
                    yield group.name

    def counted(
        self, partition: int, name: str, offset: int, stood: Callable[[int], T | None]
    ) -> T | None:
        """Give what a group has counted of a key before `offset`.

        Args:
            partition: the input partition.
            name: the group's.
            offset: that of the record at hand.
            stood: gives what the key said before an offset; each version differs from the one
                before it.
        """
        for start, end in reversed(self._spans.get(partition, {}).get(name, ())):
            said = stood(offset if end is None else min(end, offset))
            if start < offset and said is not None and said != stood(start):
                return said
        return None

    def _find(self, having: tuple[str | None, ...], own: Iterable[str]) -> Mapping[str, str]:
        scopes = [parse_scope(each) for each in own]
        named = dict(zip(Kind, having, strict=False))
        found = {each.name: each.scope_of(self._basis, named, scopes) for each in self._groups}
        return {name: text for name, text in found.items() if text is not None}
