"""Counting calls: each call once, in each scope that it has, at the moment it ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from streams.core.counts import Counts
from streams.core.fence import STATE_PREFIX as PANE_PREFIX
from streams.core.fence import PaneBook
from streams.core.ledger import Ledger, fingerprint
from streams.core.panes import Pane, day_pane, fine_pane
from streams.core.refuse import refuse
from streams.core.scopes import scopes_of_call
from streams.core.step import Batch, Effects, Record

_OUTCOMES = {"unanswered": 0, "abandoned": 1, "connected": 2, "missed": 3}


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


class Contribution(msgspec.Struct, array_like=True, frozen=True):
    """What one call adds to the counts, and where."""

    event_ms: int
    outcome: int
    talk_seconds: int
    wait_seconds: int
    vendor: str
    account: str
    display_number: str | None
    campaign: str | None
    queue: str | None
    region: str | None
    carrier: str | None

    def rank(self) -> tuple[object, ...]:
        """Order the copies of a call by how much they say; the highest is the call.

        Whatever order the copies come in, the same one wins: the later end, the further
        outcome, the longer talk, the more dimensions known and unmasked, then the text itself.
        """
        dimensions = (self.display_number, self.campaign, self.queue, self.region, self.carrier)
        known = sum(
            0 if dimension is None else 1 if "xxx" in dimension else 2 for dimension in dimensions
        )
        texts = tuple(dimension or "" for dimension in dimensions)
        return (
            self.event_ms, self.outcome, self.talk_seconds, self.wait_seconds, known, texts,
        )  # fmt: skip

    def counts(self) -> Counts:
        """Give the counters: attempts and answers for outbound calls, or a missed call."""
        if self.outcome == _OUTCOMES["missed"]:
            return Counts(missed=1, wait_seconds=self.wait_seconds, last_event_ms=self.event_ms)
        return Counts(
            attempts=1,
            answered=1 if self.outcome else 0,
            connected=1 if self.outcome == _OUTCOMES["connected"] else 0,
            abandoned=1 if self.outcome == _OUTCOMES["abandoned"] else 0,
            talk_seconds=self.talk_seconds,
            wait_seconds=self.wait_seconds,
            last_event_ms=self.event_ms,
        )

    def scopes(self) -> list[str]:
        """Give the scopes that it counts in."""
        return scopes_of_call(
            self.vendor,
            self.account,
            self.display_number,
            self.campaign,
            self.queue,
            self.region,
            self.carrier,
        )


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
            if call.ended_at is not None:
                self._count(batch.partition, record, call, outcome)
        self._ledger.flush(batch.partition, newest, effects)
        self._panes.flush(batch.partition, effects)
        return effects

    def _count(self, partition: int, record: Record, call: _Call, outcome: int) -> None:
        assert call.ended_at is not None  # noqa: S101 - the caller saw it
        contribution = Contribution(
            int(call.ended_at.timestamp() * 1000),
            outcome,
            call.talk_seconds or 0,
            call.wait_seconds or 0,
            call.vendor,
            call.account,
            call.display_number,
            call.campaign,
            call.queue,
            call.region,
            call.carrier,
        )
        name = fingerprint(record.key or call.call_id.encode())
        said = self._ledger.look_up(partition, name, record.offset)
        if said.again is None:
            if said.before is not None and said.before.rank() >= contribution.rank():
                return
            self._ledger.write(partition, name, record.offset, contribution)
        self._panes.observe(partition, contribution.event_ms, record.timestamp)
        changes: dict[tuple[str, Pane], Counts] = {}
        if said.before is not None:
            self._spread(changes, said.before, sign=-1)
        self._spread(changes, contribution, sign=1)
        for (scope, pane), change in changes.items():
            if self._panes.open_for(pane, record.timestamp):
                self._panes.add(partition, scope, pane, change, record.offset)

    def _spread(
        self, changes: dict[tuple[str, Pane], Counts], said: Contribution, *, sign: int
    ) -> None:
        counts = said.counts() if sign > 0 else said.counts().negative()
        fine = fine_pane(said.event_ms, self._pane_seconds)
        day = day_pane(said.event_ms, self._zone_of(said.vendor, said.account))
        for scope in said.scopes():
            for pane in (fine, day):
                present = changes.get((scope, pane))
                changes[scope, pane] = counts if present is None else present.plus(counts)
