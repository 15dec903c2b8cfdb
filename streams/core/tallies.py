"""Counting tallies: what a vendor's cumulative counters grew by, from reading to reading.

As Prometheus' increase() does (prometheus.io/docs, querying/functions): a counter that fell was
reset, at midnight or by a restart, and what it shows then is what it grew by since. A first
reading is a baseline. A reading in which a counter is missing is passed over, for unknown is not
zero.

Where the query states the period that the counters cover (7moor), each period is a counter of
its own: one that begins while the series is being watched begins at zero, and yesterday's may
still grow beside today's until its last calls have ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from schemas.scope import Basis
from streams.core.counts import ANSWER, ATTEMPT
from streams.core.fence import STATE_PREFIX as PANE_PREFIX
from streams.core.fence import PaneBook, held_back
from streams.core.groups import Groups
from streams.core.panes import day_pane, fine_pane
from streams.core.refuse import refuse
from streams.core.rules.group import Group
from streams.core.scopes import scopes_of_tally
from streams.core.step import Batch, Effects, Record

_SERIES_PREFIX = b"s|"
_PERIODS = 2


class _Tally(msgspec.Struct, frozen=True):
    """The fields of schemas.tally.Tally that counting needs."""

    vendor: str
    account: str
    series: str
    read_at: datetime
    since: datetime | None = None
    display_number: str | None = None
    campaign: str | None = None
    batch: str | None = None
    attempts: int | None = None
    answered: int | None = None


class Counter(msgspec.Struct, array_like=True, frozen=True):
    """The last reading of one period (Unix ms; 0 where the vendor resets by its own clock)."""

    since_ms: int
    attempts: int
    answered: int


class Reading(msgspec.Struct, array_like=True, frozen=True):
    """What a series said last: when it was read, and its newest periods, oldest first."""

    read_ms: int
    periods: tuple[Counter, ...]


class _Version(msgspec.Struct, array_like=True, frozen=True):
    offset: int
    reading: Reading


_DECODE = msgspec.json.Decoder(_Tally).decode
_DECODE_VERSIONS = msgspec.json.Decoder(tuple[_Version, ...]).decode
_ENCODE = msgspec.json.Encoder().encode


def grown(before: Reading | None, read_ms: int, now: Counter) -> tuple[Reading | None, Counter]:
    """Tell what a reading adds to the one before.

    Args:
        before: the series' last reading, None where this is the first.
        read_ms: when `now` was read.
        now: the counters.

    Returns:
        The series' reading from now on (None where this one says nothing new, being older than
        the last), and what was added since (attempts and answered, both ≥ 0).
    """
    nothing = Counter(now.since_ms, 0, 0)
    if before is None:
        return Reading(read_ms, (now,)), nothing
    if read_ms < before.read_ms:
        return None, nothing
    known = {counter.since_ms: counter for counter in before.periods}
    last = known.get(now.since_ms)
    newest = max(known)
    if last is None and now.since_ms < newest:
        # A period older than those being watched: how it stood when watching began is unknown.
        last = now
    elif last is None:
        last = nothing
    if now.attempts < last.attempts or now.answered < last.answered:
        if now.since_ms:
            # A stated period cannot begin anew: the vendor corrected itself, and what was
            # counted stands until the counters pass it again.
            now = Counter(
                now.since_ms,
                max(now.attempts, last.attempts),
                max(now.answered, last.answered),
            )
        else:
            last = nothing
    known[now.since_ms] = now
    periods = tuple(known[since] for since in sorted(known)[-_PERIODS:])
    added = Counter(now.since_ms, now.attempts - last.attempts, now.answered - last.answered)
    return Reading(read_ms, periods), added


class _Series:
    """The versions of each series in one input partition."""

    def __init__(self) -> None:
        self.versions: dict[str, tuple[_Version, ...]] = {}
        self.dirty: dict[str, None] = {}


class TallyCounter:
    """The step from topic `tallies` to partial counts.

    Args:
        topic, partials, dead_letters: names of topics.
        partitions: how many partitions the partials' topic has.
        pane_seconds: the fine pane.
        zone_of: gives the zone of an account's calendar day.
        late_seconds: how long after its end a pane still takes readings.
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
    ) -> None:
        self._dead_letters = dead_letters
        self._pane_seconds = pane_seconds
        self._zone_of = zone_of
        self._panes = PaneBook(topic, partials, partitions, late_seconds)
        self._groups = Groups(Basis.TALLIES)
        self._partitions: dict[int, _Series] = {}

    def follow(self, groups: Iterable[Group]) -> None:
        """Count these groups from the next batch on."""
        self._groups.follow(groups)

    def forget(self, partition: int) -> None:
        """Drop the state of a partition that is no longer ours."""
        self._panes.forget(partition)
        self._partitions.pop(partition, None)

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back."""
        if key.startswith(PANE_PREFIX):
            self._panes.restore(partition, key, value)
            return
        series = key.removeprefix(_SERIES_PREFIX).decode()
        kept = self._partitions.setdefault(partition, _Series())
        if value is None:
            kept.versions.pop(series, None)
        else:
            versions = _DECODE_VERSIONS(value)
            present = kept.versions.get(series)
            if present is None or present[-1].offset <= versions[-1].offset:
                kept.versions[series] = versions

    def fold(self, batch: Batch) -> Effects:
        """Count what the readings of a batch add."""
        effects = Effects()
        series = self._partitions.setdefault(batch.partition, _Series())
        self._panes.begin(batch.partition, batch.records[0].offset)
        for record in batch.records:
            try:
                tally = _DECODE(record.value or b"")
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                effects.outputs.append(
                    refuse(self._dead_letters, "count", batch, record, "bad-tally", str(error))
                )
                continue
            if tally.attempts is not None and tally.answered is not None:
                now = Counter(
                    0 if tally.since is None else int(tally.since.timestamp() * 1000),
                    tally.attempts,
                    tally.answered,
                )
                self._count(batch, record, tally, now)
        for name in series.dirty:
            kept = _prune(series.versions[name], batch.committed)
            series.versions[name] = kept
            effects.state.append((_SERIES_PREFIX + name.encode(), _ENCODE(kept)))
        series.dirty.clear()
        self._panes.flush(batch.partition, effects)
        return effects

    def _count(self, batch: Batch, record: Record, tally: _Tally, now: Counter) -> None:
        series = self._partitions[batch.partition]
        versions = series.versions.get(tally.series, ())
        before = next((v.reading for v in reversed(versions) if v.offset < record.offset), None)
        read_ms = int(tally.read_at.timestamp() * 1000)
        reading, added = grown(before, read_ms, now)
        if reading is None:
            return
        if all(version.offset != record.offset for version in versions):
            series.versions[tally.series] = (*versions, _Version(record.offset, reading))
            series.dirty[tally.series] = None
        arrived_ms = record.timestamp
        self._panes.observe(batch.partition, held_back(read_ms, arrived_ms), arrived_ms)
        if added.attempts == 0 and added.answered == 0:
            return
        counts = added.attempts * ATTEMPT + added.answered * ANSWER
        panes = (
            fine_pane(read_ms, self._pane_seconds),
            day_pane(read_ms, self._zone_of(tally.vendor, tally.account)),
        )
        having = (tally.vendor, tally.account, tally.display_number, tally.campaign)
        scopes = scopes_of_tally(*having, tally.batch)
        # A batch's calls are in its campaign's own tally too, and so in that one's group.
        groups = {} if tally.batch is not None else self._groups.scopes(having, scopes)
        for scope in (*scopes, *groups.values()):
            for pane in panes:
                if self._panes.open_until(pane.end, arrived_ms):
                    self._panes.add(batch.partition, pane, scope, counts, read_ms, record.offset)


def _prune(versions: tuple[_Version, ...], committed: int) -> tuple[_Version, ...]:
    """Keep what a replay from `committed` may ask for: all from there on, and the one before."""
    older = [version for version in versions if version.offset < committed]
    return (*older[-1:], *(version for version in versions if version.offset >= committed))
