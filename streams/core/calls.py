"""Counting calls: each call once, in each scope that it has, at the moment it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from schemas.scope import Basis
from streams.core.counts import (
    ABANDON,
    ANSWER,
    ATTEMPT,
    CONNECTION,
    MISS,
    TALK_SECOND,
    WAIT_SECOND,
    Packed,
)
from streams.core.fence import STATE_PREFIX as PANE_PREFIX
from streams.core.fence import PaneBook, held_back
from streams.core.groups import STATE_PREFIX as GROUP_PREFIX
from streams.core.groups import Groups
from streams.core.ledger import Ledger, Said, Store, fingerprint, in_memory
from streams.core.panes import Pane, day_pane, fine_pane
from streams.core.refuse import refuse
from streams.core.rules.group import Group
from streams.core.scopes import scopes_of_call
from streams.core.step import Batch, Effects, Record

_UNANSWERED, _ABANDONED, _CONNECTED, _MISSED = range(4)
_OUTCOMES = {
    "unanswered": _UNANSWERED,
    "abandoned": _ABANDONED,
    "connected": _CONNECTED,
    "missed": _MISSED,
}
_MOST_KINDS = 20_000


class _Call(msgspec.Struct, frozen=True):
    """The fields of schemas.call.Call that counting needs; the decoder skips the rest."""

    vendor: str
    account: str
    call_id: str
    direction: str
    outcome: str
    display_number: str | None = None
    campaign: str | None = None
    queue: str | None = None
    region: str | None = None
    carrier: str | None = None
    ended_at: datetime | None = None
    talk_seconds: int | None = None
    wait_seconds: int | None = None


_DECODE = msgspec.json.Decoder(_Call).decode


class Dimensions(msgspec.Struct, array_like=True, frozen=True):
    """Where a call counts. Calls of one kind share one of these."""

    vendor: str
    account: str
    display_number: str | None
    campaign: str | None
    queue: str | None
    region: str | None
    carrier: str | None

    def rank(self) -> tuple[int, tuple[str, ...]]:
        """Order dimensions by how many are known and unmasked, then by their text."""
        texts = (self.display_number, self.campaign, self.queue, self.region, self.carrier)
        known = sum(0 if text is None else 1 if "xxx" in text else 2 for text in texts)
        return known, tuple(text or "" for text in texts)


class Contribution(msgspec.Struct, array_like=True, frozen=True):
    """What one call adds to the counts, and where."""

    event_ms: int
    outcome: int
    talk_seconds: int
    wait_seconds: int
    dimensions: Dimensions

    def rank(self) -> tuple[object, ...]:
        """Order the copies of a call by how much they say; the highest is the call.

        Whatever order the copies come in, the same one wins: the later end, the further
        outcome, the longer talk, the more dimensions known and unmasked, then the text itself.
        """
        return (
            self.event_ms,
            self.outcome,
            self.talk_seconds,
            self.wait_seconds,
            self.dimensions.rank(),
        )

    def counts(self) -> Packed:
        """Give the counters: attempts and answers for outbound calls, or a missed call."""
        seconds = self.talk_seconds * TALK_SECOND + self.wait_seconds * WAIT_SECOND
        return _COUNTED[self.outcome] + seconds


_COUNTED = {
    _UNANSWERED: ATTEMPT,
    _ABANDONED: ATTEMPT + ANSWER + ABANDON,
    _CONNECTED: ATTEMPT + ANSWER + CONNECTION,
    _MISSED: MISS,
}


class _Kind(NamedTuple):
    """One combination of dimensions, with what follows from it.

    Attributes:
        scopes: those of its dimensions, and then its groups'.
        own: how many of them are its dimensions'.
        groups: its groups' scopes by the groups' names.
    """

    dimensions: Dimensions
    scopes: tuple[str, ...]
    own: int
    groups: Mapping[str, str]
    zone: ZoneInfo


_Sheet = dict[str, list[int]]
"""By scope what one batch holds of a pane: packed counts, and the newest event (Unix ms)."""


_Changes = dict[tuple[Pane, str], tuple[Packed, int]]


class CallCounter:
    """The step from topic `calls` to partial counts.

    Args:
        partials, partitions: the topic of the partials, and how many partitions it has.
        dead_letters: the topic for records that cannot be read.
        pane_seconds: the fine pane.
        zone_of: gives the zone of an account's calendar day.
        late_seconds: how long after its end a pane still takes late calls.
        copies_seconds: how long copies of a call are recognised; at least a day longer than
            `late_seconds`, since a day's pane is open that long.
        store: keeps what each call said.
    """

    def __init__(
        self,
        *,
        topic: str,
        partials: str,
        partitions: int,
        dead_letters: str,
        pane_seconds: int,
        zone_of: Callable[[str, str], ZoneInfo],
        late_seconds: int,
        copies_seconds: int,
        store: Store[Contribution] = in_memory,
    ) -> None:
        self._dead_letters = dead_letters
        self._pane_seconds = pane_seconds
        self._zone_of = zone_of
        self._panes = PaneBook(topic, partials, partitions, late_seconds)
        self._ledger = Ledger(Contribution, copies_seconds, store)
        self._groups = Groups(Basis.CALLS)
        self._kinds: dict[tuple[str | None, ...], _Kind] = {}

    def follow(self, groups: Iterable[Group]) -> None:
        """Count these groups from the next batch on."""
        self._groups.follow(groups)
        self._kinds.clear()

    def forget(self, partition: int) -> None:
        """Drop the state of a partition that is no longer ours."""
        self._panes.forget(partition)
        self._ledger.forget(partition)
        self._groups.forget(partition)

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back."""
        if key.startswith(PANE_PREFIX):
            self._panes.restore(partition, key, value)
        elif key.startswith(GROUP_PREFIX):
            self._groups.restore(partition, key, value)
        else:
            self._ledger.restore(partition, key, value)

    def fold(self, batch: Batch) -> Effects:
        """Count the calls of a batch that have ended."""
        effects = Effects()
        partition, panes = batch.partition, self._panes
        replayed = self._groups.begin(partition, batch.records[0].offset, effects)
        replayed = panes.begin(partition, batch.records[0].offset) or replayed
        write_first = self._ledger.writer(partition)
        sheets: dict[tuple[int, ZoneInfo], _Sheet] = {}
        size_ms = self._pane_seconds * 1000
        open_ms = size_ms + panes.horizon_ms
        clock_ms = arrived_ms = 0
        for record, call, outcome in self._calls(batch, effects):
            kind = self._kind(call)
            event_ms = int(call.ended_at.timestamp() * 1000)  # type: ignore[union-attr]
            said = Contribution(
                event_ms,
                outcome,
                (call.talk_seconds or 0) if outcome == _CONNECTED else 0,
                call.wait_seconds or 0,
                kind.dimensions,
            )
            name = fingerprint(record.key or call.call_id.encode())
            first = write_first(name, record.offset, said)
            stamp = record.timestamp
            pane_ms = event_ms - event_ms % size_ms
            if replayed or not first or stamp >= pane_ms + open_ms:
                effects.late += self._count(partition, record, name, said, first=first)
                continue
            if stamp > arrived_ms:
                arrived_ms = stamp
            if event_ms > clock_ms:
                clock_ms = max(clock_ms, held_back(event_ms, stamp))
            sheet = sheets.get((pane_ms, kind.zone))
            if sheet is None:
                sheet = sheets[pane_ms, kind.zone] = {}
            _add_to(sheet, kind.scopes, said.counts(), event_ms)
        panes.observe(partition, clock_ms, arrived_ms)
        self._add_sheets(partition, sheets, batch.records[-1].offset)
        self._ledger.flush(partition, max(record.timestamp for record in batch.records), effects)
        panes.flush(partition, effects)
        return effects

    def _calls(self, batch: Batch, effects: Effects) -> Iterator[tuple[Record, _Call, int]]:
        """Read the calls of a batch that have ended, each with its outcome."""
        for record in batch.records:
            try:
                call = _DECODE(record.value or b"")
                outcome = _OUTCOMES[call.outcome]
            except (msgspec.MsgspecError, KeyError, UnicodeDecodeError) as error:
                effects.outputs.append(
                    refuse(self._dead_letters, "count", batch, record, "bad-call", str(error))
                )
                continue
            if call.ended_at is not None:
                yield record, call, outcome

    def _kind(self, call: _Call) -> _Kind:
        dimensions = (
            call.vendor,
            call.account,
            call.display_number,
            call.campaign,
            call.queue,
            call.region,
            call.carrier,
        )
        found = self._kinds.get(dimensions)
        return self._new_kind(Dimensions(*dimensions)) if found is None else found

    def _new_kind(self, dimensions: Dimensions) -> _Kind:
        if len(self._kinds) >= _MOST_KINDS:
            self._kinds.clear()
        scopes = scopes_of_call(
            dimensions.vendor,
            dimensions.account,
            dimensions.display_number,
            dimensions.campaign,
            dimensions.queue,
            dimensions.region,
            dimensions.carrier,
        )
        zone = self._zone_of(dimensions.vendor, dimensions.account)
        having = msgspec.structs.astuple(dimensions)
        groups = self._groups.scopes(having, scopes)
        kind = _Kind(dimensions, (*scopes, *groups.values()), len(scopes), groups, zone)
        self._kinds[having] = kind
        return kind

    def _add_sheets(
        self, partition: int, sheets: dict[tuple[int, ZoneInfo], _Sheet], offset: int
    ) -> None:
        """Add a batch's sums to the fine panes and to the days."""
        for (start_ms, zone), sheet in sheets.items():
            start = start_ms // 1000
            self._panes.add_sheet(partition, Pane(start, start + self._pane_seconds), sheet, offset)
            self._panes.add_sheet(partition, day_pane(start_ms, zone), sheet, offset)

    def _count(
        self, partition: int, record: Record, name: int, call: Contribution, *, first: bool
    ) -> bool:
        """Count a copy, a late call, or a record that may have been counted before a crash.

        Returns:
            Whether it came too late for every window.
        """
        said: Said[Contribution] = Said(None, None)
        if not first:
            said = self._ledger.look_up(partition, name, record.offset)
            if said.again is None:
                if said.before is not None and said.before.rank() >= call.rank():
                    return False
                self._ledger.write(partition, name, record.offset, call)
        arrived_ms = record.timestamp
        self._panes.observe(partition, held_back(call.event_ms, arrived_ms), arrived_ms)
        changes: _Changes = {}
        for scopes, one, sign in self._moves(partition, record.offset, name, said.before, call):
            # A maximum cannot be taken back: the pane's newest event stays.
            newest_ms = one.event_ms if sign > 0 else 0
            self._spread(changes, scopes, one, sign * one.counts(), newest_ms)
        late = True
        for (pane, scope), (change, newest_ms) in changes.items():
            if self._panes.open_until(pane.end, arrived_ms):
                self._panes.add(partition, pane, scope, change, newest_ms, record.offset)
                late = False
        return late

    def _moves(
        self,
        partition: int,
        offset: int,
        name: int,
        before: Contribution | None,
        call: Contribution,
    ) -> Iterator[tuple[Iterable[str], Contribution, int]]:
        """Give what is taken away (−1) and added (+1), and in which scopes.

        A group takes away what it has counted itself, which is nothing from before its rule.
        """
        if before is not None:
            kind = self._kind_of(before)
            yield kind.scopes[: kind.own], before, -1
        kind = self._kind_of(call)
        yield kind.scopes[: kind.own], call, +1

        def stood(at: int) -> Contribution | None:
            return self._ledger.look_up(partition, name, at).before

        for group in self._groups.counting(partition, offset):
            counted = self._groups.counted(partition, group, offset, stood)
            for one, sign in ((counted, -1), (call, +1)):
                scope = None if one is None else self._kind_of(one).groups.get(group)
                if one is not None and scope is not None:
                    yield (scope,), one, sign

    def _kind_of(self, said: Contribution) -> _Kind:
        known = self._kinds.get(msgspec.structs.astuple(said.dimensions))
        return known or self._new_kind(said.dimensions)

    def _spread(
        self,
        changes: _Changes,
        scopes: Iterable[str],
        said: Contribution,
        counts: Packed,
        newest_ms: int,
    ) -> None:
        fine = fine_pane(said.event_ms, self._pane_seconds)
        day = day_pane(said.event_ms, self._kind_of(said).zone)
        for scope in scopes:
            for pane in (fine, day):
                packed, newest = changes.get((pane, scope), (0, 0))
                changes[pane, scope] = (packed + counts, max(newest, newest_ms))


def _add_to(sheet: _Sheet, scopes: tuple[str, ...], counts: Packed, event_ms: int) -> None:
    """Add a call to its scopes' sums; they lie in one pane."""
    for scope in scopes:
        sums = sheet.get(scope)
        if sums is None:
            sheet[scope] = [counts, event_ms]
        else:
            sums[0] += counts
            if event_ms > sums[1]:
                sums[1] = event_ms
