"""Publishes what a source read: its records and the cursor that passed them, in one transaction.

As Kafka Connect's exactly-once sources do (KIP-618). The transactional id belongs to the source,
so whoever takes a source over fences the one who had it, and aborts what that one left open.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol, Self

from connectors import tracing
from connectors.kafka import (
    AIOKafkaProducer,
    KafkaError,
    KafkaSettings,
    ProducerFenced,
    new_producer,
)
from connectors.poller.memory import Memory
from connectors.poller.pushes import PushWatch
from connectors.poller.restore import read_cursor, read_memory, reader, to_millis
from connectors.poller.schedule import FencedError
from connectors.poller.settings import PollerSettings
from connectors.poller.unpushed import NONE_FOUND, Found
from connectors.source import Cursor, Poll, Pushed, Source, source_name
from schemas.envelope import RawRecord
from schemas.errors import RetryableError
from schemas.topics import CURSORS, raw_topic

_log = logging.getLogger(__name__)
_LAST_WORDS = 5.0  # seconds for a broker to hear an abort or a farewell
_BREATH = 200  # records between two turns of the event loop


class Publisher(Protocol):
    """Where a source's polls go. After any error it is of no more use: close it, open another."""

    @property
    def cursor(self) -> Cursor | None:
        """Give the last published cursor."""
        ...

    @property
    def polled_at(self) -> datetime | None:
        """Tell when the poll began that wrote or announced it last."""
        ...

    @property
    def found_by_search(self) -> int:
        """Tell how many records the vendor's pushes should have brought and did not."""
        ...

    async def announce(self, now: datetime) -> None:
        """Note that a poll begins: whoever takes over sees it as `polled_at`."""
        ...

    async def confirm(self, now: datetime) -> None:
        """See that the place is ours still, leaving no trace that a restart could tell."""
        ...

    async def publish(self, poll: Poll, now: datetime) -> int:
        """Publish what is new in a poll, and say how many records that were."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Whose place it is, where that is not the source's own.

    Attributes:
        name: the cursor's key.
        transactional_id: whoever takes it fences the one who had it.
        remember_since: what was published earlier is not looked for.
    """

    name: str
    transactional_id: str
    remember_since: datetime | None = None


def place_of(source: Source) -> Place:
    """Give a source's own place."""
    name = source_name(source)
    return Place(name, f"callstreams.source.{name}")


@dataclass(slots=True)
class KafkaPublisher:
    """A source's place in Kafka. Made by `open`."""

    name: str
    topic: str
    partition: int
    settings: PollerSettings
    keep: timedelta
    _producer: AIOKafkaProducer
    _cursor: bytes | None = None
    _polled_at: datetime | None = None
    _found: Found = NONE_FOUND
    _pushes: PushWatch | None = None
    _memory: Memory = field(default_factory=Memory)

    @classmethod
    async def open(
        cls,
        source: Source,
        *,
        kafka: KafkaSettings,
        settings: PollerSettings,
        partition: int,
        now: datetime,
        place: Place | None = None,
    ) -> Self:
        """Take the source's place: fence whoever held it, then read what they committed.

        Args:
            source: whose place it is.
            kafka: where.
            settings: how patient to be.
            partition: of the cursors topic, for the source's account.
            now: the moment; memory reaches back from the last poll, at the latest from it.
            place: another than the source's own.

        Raises:
            RetryableError: Kafka did not answer in time.
            FencedError: somebody else took the place meanwhile.
        """
        place = place or place_of(source)
        self = cls(
            name=place.name,
            topic=raw_topic(source.vendor, source.feed).name,
            partition=partition,
            settings=settings,
            keep=source.lookback + settings.memory_margin,
            _producer=new_producer(kafka, transactional_id=place.transactional_id),
        )
        try:
            async with _kafka_faults("read the cursor back", settings.restore_timeout):
                await self._producer.start()
                await self._restore(source, kafka, now, place.remember_since)
        except BaseException:
            await self.close()
            raise
        return self

    async def _restore(
        self, source: Source, kafka: KafkaSettings, now: datetime, since: datetime | None
    ) -> None:
        name = f"/{source.vendor}/{source.account}/{source.feed}"
        partitions = await self._producer.partitions_for(self.topic)
        async with reader(kafka) as consumer:
            saved = await read_cursor(consumer, self.name, self.partition)
            # A source that stood still for a day reads on from where it stood, so its memory
            # must reach back from there, and not from today.
            last = now if saved is None else min(now, saved.at)
            if saved is not None:
                self._cursor, self._polled_at, self._found = saved.json, saved.at, saved.found
            self._memory = await read_memory(
                consumer,
                self.topic,
                partitions,
                source=name,
                since=since or last - self.keep,
            )
        if isinstance(source, Pushed) and source.push_grace is not None:
            self._pushes = await PushWatch.open(
                kafka,
                self.topic,
                partitions,
                source=name,
                grace=source.push_grace,
                keep=self.keep,
                found=self._found,
                now=now,
            )

    @property
    def cursor(self) -> Cursor | None:
        """Give the cursor as a restart would read it: through JSON."""
        if self._cursor is None:
            return None
        cursor: Cursor = json.loads(self._cursor)
        return cursor

    @property
    def polled_at(self) -> datetime | None:
        """Tell when the poll began that wrote the cursor, or was announced, last."""
        return self._polled_at

    @property
    def found_by_search(self) -> int:
        """Tell how many records the vendor's pushes should have brought and did not."""
        return self._found.count

    async def announce(self, now: datetime) -> None:
        """Note in Kafka that a poll begins, by writing the cursor as it stands.

        Raises:
            RetryableError: Kafka did not take it in time.
            FencedError: another process has taken the source over.
        """
        await to_the_end(
            self._publish((), self._cursor or b"null", now), self.settings.drain_timeout
        )

    async def confirm(self, now: datetime) -> None:
        """Write the cursor as it stands, at the time at which it stood: only its owner can.

        Raises:
            RetryableError: Kafka did not take it in time.
            FencedError: another process has taken the source over.
        """
        # As long as nothing was read, `now`: memory has nothing to reach back to.
        await self.announce(self._polled_at or now)

    async def publish(self, poll: Poll, now: datetime) -> int:
        """Publish what is new in a poll, and say how many records that were.

        When it is cancelled, it first ends what it has begun: by a commit where that comes within
        the drain timeout, else by an abort.

        Args:
            poll: what the source read.
            now: when the poll began; the cursor's Kafka timestamp.

        Raises:
            RetryableError: Kafka did not take it in time; what became of it is not known.
            FencedError: another process has taken the source over.
        """
        if self._pushes is not None:
            async with _kafka_faults("tell what was pushed", self.settings.restore_timeout):
                self._found = await self._pushes.count(now)
        fresh = self._memory.fresh(poll.records)
        cursor = json.dumps(poll.cursor, ensure_ascii=False, sort_keys=True).encode()
        if fresh or cursor != self._cursor:
            await to_the_end(self._publish(fresh, cursor, now), self.settings.drain_timeout)
        self._memory.forget(now - self.keep)
        return len(fresh)

    async def _publish(self, records: Sequence[RawRecord], cursor: bytes, now: datetime) -> None:
        """Publish in transactions of bearable size, the cursor in the last one.

        A crash between two of them harms nothing: the cursor still stands before the poll, and
        what it reads again is known from the topic.
        """
        rest = iter(records)
        part = list(islice(rest, self.settings.transaction_records))
        while following := list(islice(rest, self.settings.transaction_records)):
            await self._transact(part, None, now)
            part = following
        await self._transact(part, cursor, now)
        self._cursor, self._polled_at = cursor, now

    async def _transact(
        self, records: Sequence[RawRecord], cursor: bytes | None, now: datetime
    ) -> None:
        async with _kafka_faults("take the records", self.settings.publish_timeout):
            await self._producer.begin_transaction()
            sent: list[Awaitable[object]] = []
            try:
                await self._send(records, cursor, now, sent)
                # A commit does not look at what became of the sends, so it must wait for them.
                await asyncio.gather(*sent)
            except BaseException as error:
                await self._abort(sent, error)
                raise
            await self._producer.commit_transaction()
        self._memory.remember(records)

    async def _send(
        self,
        records: Sequence[RawRecord],
        cursor: bytes | None,
        now: datetime,
        sent: list[Awaitable[object]],
    ) -> None:
        trace = tracing.headers()
        for count, record in enumerate(records, start=1):
            sent.append(
                await self._producer.send(
                    self.topic,
                    record.data,
                    key=record.key,
                    headers=record.headers() + trace,
                    timestamp_ms=to_millis(record.observed_at),
                )
            )
            if count % _BREATH == 0:
                await asyncio.sleep(0)
        if cursor is not None:
            sent.append(
                await self._producer.send(
                    CURSORS.name,
                    cursor,
                    key=self.name.encode(),
                    partition=self.partition,
                    headers=self._found.headers(),
                    timestamp_ms=to_millis(now),
                )
            )

    async def _abort(self, sent: Sequence[Awaitable[object]], error: BaseException) -> None:
        """Abort, so that the topic's readers need not wait for it to time out.

        Raises:
            ProducerFenced: it was this that lay behind `error`.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                for result in await asyncio.gather(*sent, return_exceptions=True):
                    if isinstance(result, ProducerFenced):
                        raise result from error
        if isinstance(error, ProducerFenced):
            return
        # aiokafka asserts where its producer is past aborting; the next `open` then does it.
        with suppress(KafkaError, AssertionError, TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await self._producer.abort_transaction()

    async def close(self) -> None:
        """Give back connections. What is still open is aborted by whoever comes next."""
        try:
            async with asyncio.timeout(_LAST_WORDS):
                if self._pushes is not None:
                    await self._pushes.close()
                await self._producer.stop()
        except (KafkaError, TimeoutError) as error:
            _log.warning("%s: its producer did not stop well: %s", self.name, error)


@asynccontextmanager
async def _kafka_faults(deed: str, within: timedelta) -> AsyncIterator[None]:
    """Say in our own errors what may go wrong with Kafka."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            yield
    except ProducerFenced as error:
        raise FencedError(
            "another process has taken this source over; "
            "if it is not one of ours, give each deployment its own Kafka"
        ) from error
    except KafkaError as error:
        raise RetryableError(f"Kafka did not {deed}: {type(error).__name__} {error}") from error
    except TimeoutError as error:
        raise RetryableError(
            f"Kafka did not {deed} within {within}: is the broker there, "
            "and no transaction left open on its topics?"
        ) from error


async def to_the_end(work: Coroutine[object, object, None], patience: timedelta) -> None:
    """Let the work end by itself, even where the caller is cancelled meanwhile.

    Args:
        work: what must not be cut in the middle.
        patience: how long a cancelled caller waits before it cancels the work as well.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=patience.total_seconds())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
