"""Counting calls: each call once, in each scope that it has, at the moment it ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from streams.core.counts import Counts
from streams.core.fence import STATE_PREFIX as PANE_PREFIX
from streams.core.fence import PaneBook
from streams.core.ledger import Ledger, Said, fingerprint
from streams.core.panes import Pane, day_pane, fine_pane
from streams.core.refuse import refuse
from streams.core.scopes import scopes_of_call
from streams.core.step import Batch, Effects, Record

_UNANSWERED, _ABANDONED, _CONNECTED, _MISSED = range(4)
_OUTCOMES = {
    "unanswered": _UNANSWERED,
    "abandoned": _ABANDONED,
    "connected": _CONNECTED,
    "missed": _MISSED,
}
_MOST_KINDS = 200_000


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

    def counts(self) -> Counts:
        """Give the counters: attempts and answers for outbound calls, or a missed call."""
        if self.outcome == _MISSED:
            return Counts(missed=1, wait_seconds=self.wait_seconds, last_event_ms=self.event_ms)
        return Counts(
            attempts=1,
            answered=1 if self.outcome else 0,
            connected=1 if self.outcome == _CONNECTED else 0,
            abandoned=1 if self.outcome == _ABANDONED else 0,
            talk_seconds=self.talk_seconds,
            wait_seconds=self.wait_seconds,
            last_event_ms=self.event_ms,
        )


class _Kind(NamedTuple):
    """One combination of dimensions, with what follows from it."""

    dimensions: Dimensions
    scopes: tuple[str, ...]
    zone: ZoneInfo


_Sheet = dict[str, list[int]]
"""Sums by scope over one batch: the fields of Counts, and the highest offset."""


class CallCounter:
    """The step from topic `calls` to partial counts.

    Args:
        partials: the topic of the partials.
        dead_letters: the topic for records that cannot be read.
        pane_seconds: the fine pane.
        zone_of: gives the zone of an account's calendar day.
        late_seconds: how long after its end a pane still takes late calls.
        copies_seconds: how long copies of a call are recognised; at least a day longer than
            `late_seconds`, since a day's pane is open that long.
    """

    def __init__(
        self,
        *,
        topic: str,
        partials: str,
        dead_letters: str,
        pane_seconds: int,
        zone_of: Callable[[str, str], ZoneInfo],
        late_seconds: int,
        copies_seconds: int,
    ) -> None:
        self._dead_letters = dead_letters
        self._pane_seconds = pane_seconds
        self._zone_of = zone_of
        self._panes = PaneBook(topic, partials, late_seconds)
        self._ledger = Ledger(Contribution, copies_seconds)
        self._kinds: dict[tuple[str | None, ...], _Kind] = {}

    def forget(self, partition: int) -> None:
        """Drop the state of a partition that is no longer ours."""
        self._panes.forget(partition)
        self._ledger.forget(partition)

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back."""
        if key.startswith(PANE_PREFIX):
            self._panes.restore(partition, key, value)
        else:
            self._ledger.restore(partition, key, value)

    def fold(self, batch: Batch) -> Effects:
        """Count the calls of a batch that have ended."""
        effects = Effects()
        partition = batch.partition
        replayed = self._panes.begin(partition, batch.records[0].offset)
        sheets: dict[tuple[int, ZoneInfo], _Sheet] = {}
        size = self._pane_seconds
        newest = 0
        for record in batch.records:
            newest = max(newest, record.timestamp)
            try:
                call = _DECODE(record.value or b"")
                outcome = _OUTCOMES[call.outcome]
            except (msgspec.MsgspecError, KeyError, UnicodeDecodeError) as error:
                effects.outputs.append(
                    refuse(self._dead_letters, "count", batch, record, "bad-call", str(error))
                )
                continue
            if call.ended_at is None:
                continue
            kind = self._kind(call)
            said = Contribution(
                int(call.ended_at.timestamp() * 1000),
                outcome,
                call.talk_seconds or 0,
                call.wait_seconds or 0,
                kind.dimensions,
            )
            name = fingerprint(record.key or call.call_id.encode())
            first = self._ledger.write_first(partition, name, record.offset, said)
            start = said.event_ms // 1000 // size * size
            if first and not replayed and self._panes.open_until(start + size, record.timestamp):
                self._panes.observe(partition, said.event_ms, record.timestamp)
                sheet = sheets.get((start, kind.zone))
                if sheet is None:
                    sheet = sheets[start, kind.zone] = {}
                _add_to(sheet, kind.scopes, said, record.offset)
            else:
                effects.late += self._count(partition, record, name, said, first=first)
        self._spread_sheets(partition, sheets)
        self._ledger.flush(partition, newest, effects)
        self._panes.flush(partition, effects)
        return effects

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
        kind = _Kind(dimensions, tuple(scopes), zone)
        self._kinds[msgspec.structs.astuple(dimensions)] = kind
        return kind

    def _spread_sheets(self, partition: int, sheets: dict[tuple[int, ZoneInfo], _Sheet]) -> None:
        """Add a batch's sums to the fine panes, and their sums to the days."""
        days: dict[tuple[str, Pane], tuple[int, Counts]] = {}
        for (start, zone), sheet in sheets.items():
            pane = Pane(start, start + self._pane_seconds)
            day = day_pane(start * 1000, zone)
            for scope, (*sums, offset) in sheet.items():
                counts = Counts(*sums)
                self._panes.add(partition, scope, pane, counts, offset)
                known = days.get((scope, day))
                days[scope, day] = (
                    (offset, counts)
                    if known is None
                    else (max(offset, known[0]), known[1].plus(counts))
                )
        for (scope, day), (offset, counts) in days.items():
            self._panes.add(partition, scope, day, counts, offset)

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
        self._panes.observe(partition, call.event_ms, record.timestamp)
        changes: dict[tuple[str, Pane], Counts] = {}
        if said.before is not None:
            self._spread(changes, said.before, sign=-1)
        self._spread(changes, call, sign=1)
        late = True
        for (scope, pane), change in changes.items():
            if self._panes.open_until(pane.end, record.timestamp):
                self._panes.add(partition, scope, pane, change, record.offset)
                late = False
        return late

    def _spread(
        self, changes: dict[tuple[str, Pane], Counts], said: Contribution, *, sign: int
    ) -> None:
        counts = said.counts() if sign > 0 else said.counts().negative()
        known = self._kinds.get(msgspec.structs.astuple(said.dimensions))
        kind = known or self._new_kind(said.dimensions)
        fine = fine_pane(said.event_ms, self._pane_seconds)
        day = day_pane(said.event_ms, kind.zone)
        for scope in kind.scopes:
            for pane in (fine, day):
                present = changes.get((scope, pane))
                changes[scope, pane] = counts if present is None else present.plus(counts)


def _add_to(sheet: _Sheet, scopes: tuple[str, ...], call: Contribution, offset: int) -> None:
    """Add a call to its scopes' sums; they lie in one pane, and offsets come in order."""
    outcome, event_ms = call.outcome, call.event_ms
    for scope in scopes:
        sums = sheet.get(scope)
        if sums is None:
            sheet[scope] = [*call.counts(), offset]
            continue
        if outcome == _MISSED:
            sums[4] += 1
        else:
            sums[0] += 1
            if outcome:
                sums[1] += 1
                if outcome == _CONNECTED:
                    sums[2] += 1
                    sums[5] += call.talk_seconds
                else:
                    sums[3] += 1
        sums[6] += call.wait_seconds
        if event_ms > sums[7]:
            sums[7] = event_ms
        sums[8] = offset
