"""Tells how each account's pushes fare on the topic `callstreams.sources`, as pollers do."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from connectors.ingress.contract import Receiver
from connectors.kafka import (
    AIOKafkaProducer,
    KafkaError,
    KafkaSettings,
    TopicPartition,
    new_consumer,
)
from schemas.base import Vendor
from schemas.source_status import PUSH_FEED, SourceState, SourceStatus
from schemas.topics import SOURCES

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 2.0
_LAST_WORDS = 5.0  # seconds


@dataclass(slots=True)
class Line:
    """One account's pushes: what each push notes, and so as little as can be.

    Attributes:
        kept: how many Kafka has.
        kept_at: when the last of them came; another process may have taken it.
        refused: how many were answered with anything else.
        refused_at, reason: the last of those, in words.
    """

    vendor: Vendor
    account: str
    kept: int = 0
    kept_at: datetime | None = None
    refused: int = 0
    refused_at: datetime | None = None
    reason: str | None = None

    @property
    def name(self) -> str:
        """Name it as the sources are named; no poller has a feed of that name."""
        return f"{self.vendor}/{self.account}/{PUSH_FEED}"

    def status(self, at: datetime, process: str) -> SourceStatus:
        """Say how it stands: degraded where nothing has been kept since a push was refused."""
        state, reason = SourceState.OK, None
        if self.refused_at is not None and (self.kept_at is None or self.kept_at < self.refused_at):
            state = SourceState.DEGRADED
            reason = f"pushes refused: {self.refused}, the last because: {self.reason}"
        elif self.kept_at is None:
            state, reason = SourceState.STARTING, "no push has come yet"
        return SourceStatus(
            name=self.name,
            vendor=self.vendor,
            account=self.account,
            feed=PUSH_FEED,
            state=state,
            reason=reason,
            last_success_at=self.kept_at,
            last_records=min(self.kept, 1),
            records_published=self.kept,
            polls=self.kept + self.refused,
            at=at,
            process=process,
        )


class PushBook:
    """The accounts that take pushes, each with its line.

    Args:
        receivers: one for each.
    """

    def __init__(self, receivers: Iterable[Receiver]) -> None:
        lines = [Line(one.vendor, one.account) for one in receivers]
        self.lines = {line.name: line for line in lines}

    def line_of(self, receiver: Receiver) -> Line:
        """Give a receiver's line."""
        return self.lines[f"{receiver.vendor}/{receiver.account}/{PUSH_FEED}"]

    def hear(self, told: SourceStatus) -> None:
        """Learn of the pushes that another process has taken, or this one before its restart."""
        line = self.lines.get(told.name)
        if line is not None and told.last_success_at is not None:
            line.kept_at = max(told.last_success_at, line.kept_at or told.last_success_at)


@asynccontextmanager
async def telling(
    book: PushBook,
    producer: AIOKafkaProducer,
    kafka: KafkaSettings,
    *,
    every: timedelta,
    now: Callable[[], datetime],
) -> AsyncIterator[None]:
    """Tell of the pushes while the context is open, and once more at its end.

    What has changed is told within two seconds, and everything every `every`. What cannot be
    told is told later: no push waits for it.

    Args:
        book: what is told.
        producer: started.
        kafka: where other processes' words are read.
        every: the longest silence.
        now: the time.
    """
    teller = _Teller(book, producer, now)
    tasks = [
        asyncio.create_task(teller.run(every.total_seconds()), name="telling of pushes"),
        asyncio.create_task(_hear(book, kafka), name="hearing of pushes"),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await teller.write()


class _Teller:
    def __init__(
        self, book: PushBook, producer: AIOKafkaProducer, now: Callable[[], datetime]
    ) -> None:
        self._book = book
        self._producer = producer
        self._now = now
        self._process = f"{socket.gethostname()}:{os.getpid()}"
        self._told: dict[str, tuple[int, int]] = {}

    async def run(self, every: float) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            self._told.clear()
            beat = clock() + every
            while (left := beat - clock()) > 0:
                await self.write()
                await asyncio.sleep(min(_LOOK_SECONDS, left))

    async def write(self) -> None:
        """Write what differs from what was written last."""
        for line in self._book.lines.values():
            news = (line.kept, line.refused)
            if self._told.get(line.name) == news:
                continue
            value = line.status(self._now(), self._process).to_json()
            try:
                await self._producer.send_and_wait(SOURCES.name, value, key=line.name.encode())
            except KafkaError as error:
                _log.warning("the pushes' status could not be told: %s", type(error).__name__)
                return
            self._told[line.name] = news


async def _hear(book: PushBook, kafka: KafkaSettings) -> None:
    """Follow what all processes tell, from the topic's beginning."""
    consumer = new_consumer(kafka)
    try:
        await consumer.start()
        consumer.assign([TopicPartition(SOURCES.name, 0)])
        await consumer.seek_to_beginning()
        async for message in consumer:
            if message.value is not None and message.key.decode("ascii", "replace") in book.lines:
                try:
                    book.hear(SourceStatus.model_validate_json(message.value))
                except ValidationError:
                    continue  # of another version; its own process tells it again
    except KafkaError as error:
        _log.warning(
            "what other ingress processes have taken is not known: %s", type(error).__name__
        )
    finally:
        await consumer.stop()
