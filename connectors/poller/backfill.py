"""Reads the past of one source, span by span, beside live polling.

It has a cursor of its own, so that it goes on where it stopped; and a transactional id of its
own for each account, so that a second backfill of that account ends the first. It reads before
the moment from which live polling reads, and recognises what stands on the raw topic already:
no record comes twice. Its requests are the account's `backfill_share` of the vendor's rate, which
live polling leaves free.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from connectors.kafka import KafkaSettings, create_topics, describe_topics
from connectors.poller.assignment import AccountKey, cursor_partition
from connectors.poller.clock import Clock, SystemClock
from connectors.poller.loop import OpenPublisher, SourceLoop
from connectors.poller.publisher import KafkaPublisher, Place, Publisher
from connectors.poller.restore import SavedCursor, read_cursor, reader
from connectors.poller.settings import PollerSettings
from connectors.poller.status import SourceStatus, State
from connectors.source import Cursor, History, Poll, Source, Span, source_name
from schemas.base import Vendor
from schemas.envelope import RawRecord
from schemas.errors import FatalError
from schemas.topics import CURSORS, RAW

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Backfill:
    """What is to be read again.

    Attributes:
        history: the source.
        since, until: the time asked for, `since` ≤ moment < `until`.
    """

    history: History
    since: datetime
    until: datetime

    @property
    def name(self) -> str:
        """Name it: its cursor's key. The same source and time is the same backfill."""
        return f"{source_name(self.history)}?{_told(self.since)}/{_told(self.until)}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backfill has come.

    Attributes:
        done, spans: how many spans were read, and how many there are.
        records: how many records were published by this run; those that stood there are not.
        until: where it ends: live polling has what is later.
        trouble: why it waits, where it does.
    """

    done: int = 0
    spans: int = 0
    records: int = 0
    until: datetime | None = None
    trouble: str | None = None

    @property
    def complete(self) -> bool:
        """Tell whether nothing is left."""
        return self.until is not None and self.done >= self.spans


class _Spans:
    """A backfill as a source: each poll reads one span.

    Attributes:
        done: how many of the spans were read; those published are never fewer by more than one.
    """

    def __init__(self, history: History, spans: Sequence[Span], until: datetime, done: int) -> None:
        self.vendor: Vendor = history.vendor
        self.account: str = history.account
        self.feed: str = history.feed
        self.interval = timedelta(0)
        self.lookback = history.lookback
        self.spans = spans
        self.until = until
        self.done = done
        self._history = history

    async def poll(self, cursor: Cursor | None, now: datetime) -> Poll:
        done = 0 if cursor is None else int(str(cursor["done"]))
        self.done = done
        records: Sequence[RawRecord] = ()
        if done < len(self.spans):
            records = await self._history.read(*self.spans[done], now)
            done += 1
        self.done = done
        cursor = {"until": self.until.isoformat(), "done": done}
        return Poll(records, cursor, more=done < len(self.spans))

    async def close(self) -> None:
        await self._history.close()


async def run_backfill(
    kafka: KafkaSettings,
    backfill: Backfill,
    settings: PollerSettings | None = None,
    *,
    clock: Clock | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Read what is left of a backfill, and give how it ended.

    Args:
        kafka: where the raw topics and the cursors are.
        backfill: what to read.
        settings: how patient to be.
        clock: the time.
        report: told of every step, and of why it waits.

    Raises:
        FatalError: a person must mend something, or another backfill of the account began.
        RetryableError: Kafka cannot be reached.
    """
    clock, settings = clock or SystemClock(), settings or PollerSettings()
    history = backfill.history
    await create_topics(kafka, (*RAW, CURSORS))
    partitions = (await describe_topics(kafka, [CURSORS.name]))[CURSORS.name].partitions
    partition = cursor_partition(AccountKey(history.vendor, history.account), partitions)
    async with reader(kafka) as consumer:
        saved = await read_cursor(consumer, backfill.name, partition)
        live = await read_cursor(consumer, source_name(history), partition)
    spans = _begin(backfill, saved, live, clock.now())
    place = Place(
        backfill.name,
        f"callstreams.backfill.{history.vendor}/{history.account}",
        remember_since=_EPOCH,
    )

    async def open_publisher(source: Source, now: datetime) -> Publisher:
        return await KafkaPublisher.open(
            source, kafka=kafka, settings=settings, partition=partition, now=now, place=place
        )

    return await _follow(spans, open_publisher, settings, clock, report)


def _begin(
    backfill: Backfill, saved: SavedCursor | None, live: SavedCursor | None, now: datetime
) -> _Spans:
    """Go on where the same backfill stopped, or begin: up to where live polling reads."""
    history = backfill.history
    if saved is not None:
        cursor = json.loads(saved.json)
        until, done = datetime.fromisoformat(cursor["until"]), int(cursor["done"])
    else:
        reach = history.reach(None if live is None else json.loads(live.json), now)
        until, done = min(backfill.until, reach), 0
    spans = _Spans(history, history.spans(backfill.since, until), until, done)
    if not spans.spans:
        raise FatalError(
            f"there is nothing to fill in: {source_name(history)} is polled from "
            f"{until.isoformat()} on; give an earlier --from"
        )
    return spans


async def _follow(
    spans: _Spans,
    open_publisher: OpenPublisher,
    settings: PollerSettings,
    clock: Clock,
    report: Callable[[Progress], None],
) -> Progress:
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    progress = Progress(spans.done, len(spans.spans), until=spans.until)

    def note(status: SourceStatus) -> None:
        nonlocal progress
        progress = replace(
            progress, done=spans.done, records=status.records_published, trouble=status.reason
        )
        report(progress)
        if ended.done():
            return
        if status.state is State.STOPPED:
            ended.set_exception(FatalError(status.reason or "the backfill stopped"))
        elif status.state is State.OK and progress.complete:
            ended.set_result(None)

    loop = SourceLoop(spans, open_publisher, settings=settings, clock=clock, report=note)
    running = asyncio.create_task(loop.run())
    try:
        await asyncio.wait((running, ended), return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            ended.result()
        else:
            running.result()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return progress


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
