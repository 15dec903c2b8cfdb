"""Tells how the sources fare on the topic `callstreams.sources`."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from connectors.kafka import AIOKafkaProducer, KafkaError, KafkaSettings, new_producer
from connectors.poller.status import SourceStatus
from schemas.base import Vendor
from schemas.source_status import SourceState
from schemas.source_status import SourceStatus as Told
from schemas.topics import SOURCES

_log = logging.getLogger(__name__)
_GATHER_SECONDS = 0.2  # a source that is polled without a pause changes its state all the time
_FAREWELL_SECONDS = 5.0


class Teller:
    """Writes each change of a status, and all of them again at every beat.

    What cannot be written is written with the next beat: a status is no record, and the
    sources must not wait for it.

    Args:
        producer: started.
        statuses: gives those of this process, by name.
        every: the time between two beats.
        now: the time.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        statuses: Callable[[], Mapping[str, SourceStatus]],
        *,
        every: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._producer = producer
        self._statuses = statuses
        self._every = every.total_seconds()
        self._now = now
        self._process = f"{socket.gethostname()}:{os.getpid()}"
        self._last: dict[str, SourceStatus] = {}
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Write soon what differs from what was written last."""
        self._changed.set()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            self._last.clear()
            beat = asyncio.get_running_loop().time() + self._every
            with_next_beat = False
            while not with_next_beat:
                await self.write()
                await asyncio.sleep(_GATHER_SECONDS)
                try:
                    async with asyncio.timeout_at(beat):
                        await self._changed.wait()
                except TimeoutError:
                    with_next_beat = True
                self._changed.clear()

    async def write(self) -> None:
        """Write what differs from what was written last."""
        news = [
            (name, status)
            for name, status in self._statuses().items()
            if self._last.get(name) != status
        ]
        try:
            sent = [
                await self._producer.send(
                    SOURCES.name,
                    tell(status, at=self._now(), process=self._process).to_json(),
                    key=name.encode(),
                )
                for name, status in news
            ]
            await asyncio.gather(*sent)
        except KafkaError as error:
            _log.warning("the sources' statuses could not be told: %s", type(error).__name__)
            return
        self._last |= dict(news)


def tell(status: SourceStatus, *, at: datetime, process: str) -> Told:
    """Make the message of a status."""
    vendor, account, *feed = status.name.split("/", 2)
    return Told(
        name=status.name,
        vendor=Vendor(vendor),
        account=account,
        feed=feed[0] if feed else None,
        state=SourceState(status.state),
        reason=status.reason,
        last_success_at=status.last_success_at,
        last_records=status.last_records,
        records_published=status.records_published,
        polls=status.polls,
        found_by_search=status.found_by_search,
        at=at,
        process=process,
    )


@asynccontextmanager
async def telling(
    kafka: KafkaSettings,
    statuses: Callable[[], Mapping[str, SourceStatus]],
    *,
    every: timedelta,
    now: Callable[[], datetime],
) -> AsyncIterator[Teller]:
    """Tell the statuses while the context is open.

    Args:
        kafka: where.
        statuses: gives those of this process, by name.
        every: the longest silence.
        now: the time.
    """
    producer = new_producer(kafka)
    await producer.start()
    try:
        teller = Teller(producer, statuses, every=every, now=now)
        task = asyncio.create_task(teller.run(), name="telling statuses")
        try:
            yield teller
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    finally:
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await producer.stop()
        except (KafkaError, TimeoutError) as error:
            _log.warning("the statuses' producer did not stop well: %s", type(error).__name__)
