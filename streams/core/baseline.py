"""What each hour of a scope held, for the weeks that rules with a baseline look back.

When no call of a quarter of an hour can come any more, its counts are taken from the fine panes
and added to their hour: a record of the changelog, keyed scope and hour, that holds the hour's
absolute counts and up to when they reach. So a record that is written twice is the same, and of
two the one that reaches farther holds. Quarters and not hours, so that the fine panes need not be
kept longer for it. A quarter that went by while nobody looked is not there: it is no quarter
without calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from schemas.scope import Scope
from streams.core.alerting import Watch
from streams.core.counts import NOTHING, Counts, from_wire, pack, to_wire, unpack
from streams.core.rules.baseline import Usual
from streams.core.scopes import parse_scope
from streams.core.step import Batch, Effects
from streams.core.totals import Totals

_QUARTER = 900
_HOUR = 3600
_DAY = 86_400
_WEEK = 7 * _DAY
_WEEKS_WITHOUT_RULES = 4

_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(tuple[int, bytes]).decode


@dataclass(slots=True)
class _Hours:
    """One scope's hours, by when they begin: up to when each is counted, and what it held."""

    until: int = 0
    hours: dict[int, tuple[int, Counts]] = field(default_factory=dict)


@dataclass(slots=True)
class _Partition:
    scopes: dict[str, _Hours] = field(default_factory=dict)
    closed: int = 0
    swept: int = 0


class BaselineBook:
    """The hours of the scopes that rules with a baseline watch.

    Args:
        late_seconds: how long after its end a quarter is closed.
        zone_of: gives the zone of an account, by vendor and name; hours are meant in it.
    """

    def __init__(self, *, late_seconds: int, zone_of: Callable[[str, str], ZoneInfo]) -> None:
        self._late = late_seconds
        self._zone_of = zone_of
        self._partitions: dict[int, _Partition] = {}

    def forget(self, partition: int) -> None:
        """Drop the state of a partition that is no longer ours."""
        self._partitions.pop(partition, None)

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back."""
        text, _, start = key.decode().rpartition("|")
        page = self._page(partition)
        known = page.scopes.setdefault(text, _Hours())
        hour = int(start)
        if value is None:
            known.hours.pop(hour, None)
            return
        until, counts = _DECODE(value)
        present = known.hours.get(hour)
        if present is None or present[0] <= until:
            known.hours[hour] = (until, unpack(from_wire(counts)))
            known.until = max(known.until, until)

    def fold(self, batch: Batch) -> Effects:
        """Refuse: hours follow from totals, not from records."""
        raise NotImplementedError

    def learn(
        self, partition: int, totals: Totals, watch: Watch, kept_from: int
    ) -> Iterator[tuple[bytes, bytes | None]]:
        """Take in the quarters that have closed; give the changelog records to write.

        Args:
            partition: whose scopes.
            totals: hold the fine panes.
            watch: tells which scopes a rule with a baseline watches.
            kept_from: fine panes that begin before this (Unix s) may be forgotten.
        """
        page = self._page(partition)
        closed = _floor(totals.clock_ms(partition) // 1000 - self._late, _QUARTER)
        if closed <= page.closed:
            return
        page.closed = closed
        for text in totals.scopes(partition):
            if watch.watched(text).weeks:
                yield from self._take(page, partition, text, totals, kept_from)
        if closed - page.swept >= _DAY:
            page.swept = closed
            weeks = (watch.weeks or _WEEKS_WITHOUT_RULES) + 1
            yield from _expire(page, closed - weeks * _WEEK)

    def usual(self, partition: int, scope: Scope, end: int, weeks: int) -> Usual:
        """Count the weekday and hour in which a view ends (Unix s), over the last weeks."""
        zone = self._zone(scope)
        hour = _hour(end - 1, zone)
        page = self._partitions.get(partition)
        known = None if page is None else page.scopes.get(str(scope))
        found = NOTHING
        if known is not None:
            for start in _same_hours(hour, weeks, zone):
                if start in known.hours:
                    found = found.plus(known.hours[start][1])
        return Usual(found, datetime.fromtimestamp(hour, zone))

    def _take(
        self, page: _Partition, partition: int, text: str, totals: Totals, kept_from: int
    ) -> Iterator[tuple[bytes, bytes | None]]:
        scope = totals.scope(partition, text)
        if scope is None:
            return
        known = page.scopes.setdefault(text, _Hours())
        start = max(known.until, -_floor(-kept_from, _QUARTER))
        zone = self._zone(parse_scope(text))
        changed = set()
        for quarter in range(start, page.closed, _QUARTER):
            counts = scope.sliding.between(quarter, quarter + _QUARTER)
            if counts.attempts or counts.missed:
                hour = _hour(quarter, zone)
                _, before = known.hours.get(hour, (0, NOTHING))
                # When the last call was is of today, and no part of what is usual.
                total = before.plus(counts)._replace(last_event_ms=0)
                known.hours[hour] = (quarter + _QUARTER, total)
                changed.add(hour)
        known.until = max(known.until, page.closed)
        for hour in sorted(changed):
            until, counts = known.hours[hour]
            yield _key(text, hour), _ENCODE((until, to_wire(pack(counts))))

    def _zone(self, scope: Scope) -> ZoneInfo:
        return self._zone_of(str(scope.vendor), scope.account or "")

    def _page(self, partition: int) -> _Partition:
        return self._partitions.setdefault(partition, _Partition())


def _expire(page: _Partition, limit: int) -> Iterator[tuple[bytes, None]]:
    for text, known in list(page.scopes.items()):
        for hour in [hour for hour in known.hours if hour < limit]:
            del known.hours[hour]
            yield _key(text, hour), None
        if not known.hours:
            del page.scopes[text]


def _key(text: str, hour: int) -> bytes:
    return f"{text}|{hour}".encode()


def _floor(seconds: int, size: int) -> int:
    return seconds // size * size


def _hour(seconds: int, zone: ZoneInfo) -> int:
    """Give the beginning of an hour of the zone's clock (Unix s)."""
    offset = _offset(_floor(seconds, _QUARTER), zone)
    return _floor(seconds + offset, _HOUR) - offset


@lru_cache(maxsize=10_000)
def _offset(seconds: int, zone: ZoneInfo) -> int:
    found = datetime.fromtimestamp(seconds, zone).utcoffset()
    return 0 if found is None else int(found.total_seconds())


@lru_cache(maxsize=1_000)
def _same_hours(hour: int, weeks: int, zone: ZoneInfo) -> tuple[int, ...]:
    local = datetime.fromtimestamp(hour, zone)
    return tuple(int((local - timedelta(weeks=back)).timestamp()) for back in range(1, weeks + 1))
