"""One poller process: joins the group, and runs the sources of the accounts that it is given."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from connectors.health import Health
from connectors.kafka import (
    AIOKafkaConsumer,
    ConsumerRebalanceListener,
    KafkaError,
    KafkaSettings,
    TopicPartition,
    create_topics,
    new_consumer,
)
from connectors.poller.assignment import AccountKey, accounts_on
from connectors.poller.clock import Clock, SystemClock
from connectors.poller.loop import SourceLoop
from connectors.poller.meter import Meter
from connectors.poller.publisher import KafkaPublisher, Publisher
from connectors.poller.schedule import History
from connectors.poller.settings import PollerSettings
from connectors.poller.status import SourceStatus, State
from connectors.poller.telling import Teller, telling
from connectors.source import Source
from schemas.base import Vendor
from schemas.errors import CallstreamsError, RetryableError
from schemas.topics import CURSORS, RAW, SOURCES

_log = logging.getLogger(__name__)
_POLL_MS = 1000

MakeSources = Callable[[], Sequence[Source]]
"""Makes the sources of one account, such as `AccountSettings.sources`."""


_Account = TypeVar("_Account", bound=tuple[str, str])  # an AccountKey, or as good as one


def _ignore(_: SourceStatus) -> None:
    return None


class Poller:
    """The sources of this process.

    Args:
        kafka: where the topics are; the missing ones are created.
        accounts: all accounts of the deployment by vendor and name; every process is given the
            same.
        settings: how patient to be.
        clock: the time.
        on_status: told of every change of a source's status, from the event loop.
        health: is told when the process is in the group.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        accounts: Mapping[_Account, MakeSources],
        settings: PollerSettings | None = None,
        *,
        clock: Clock | None = None,
        on_status: Callable[[SourceStatus], None] = _ignore,
        health: Health | None = None,
    ) -> None:
        self._kafka = kafka
        self._accounts = {
            AccountKey(Vendor(vendor), name): make for (vendor, name), make in accounts.items()
        }
        self._settings = settings or PollerSettings()
        self._clock = clock or SystemClock()
        self._on_status = on_status
        self._statuses: dict[str, SourceStatus] = {}
        self._histories: dict[str, History] = {}
        self._running: dict[asyncio.Task[None], SourceLoop] = {}
        self._crashed: asyncio.Future[None] | None = None
        self._teller: Teller | None = None
        self._meter = Meter(self.statuses)
        self._is_member = False
        if health is not None:
            health.ready_unless(self._why_not_ready)

    def statuses(self) -> tuple[SourceStatus, ...]:
        """Give the sources that this process runs now, by name."""
        return tuple(self._statuses[name] for name in sorted(self._statuses))

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set; then end what has begun, and leave the group.

        Raises:
            RetryableError: Kafka cannot be reached, or left us.
            ConfigError: Kafka refused a topic.
        """
        await create_topics(self._kafka, (*RAW, CURSORS, SOURCES))
        self._crashed = asyncio.get_running_loop().create_future()
        session_ms = self._settings.session_timeout // timedelta(milliseconds=1)
        member = new_consumer(
            self._kafka,
            group=self._settings.group,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 5,
            rebalance_timeout_ms=max(session_ms, 30_000),
        )
        member.subscribe([CURSORS.name], listener=_Listener(self, member))
        try:
            with self._meter.shown():
                async with telling(
                    self._kafka,
                    lambda: self._statuses,
                    every=self._settings.tell_every,
                    now=self._clock.now,
                ) as self._teller:
                    await member.start()
                    await self._stay(member, stop)
        except KafkaError as error:
            raise RetryableError(
                f"the poller lost Kafka at {self._kafka.bootstrap_servers}: "
                f"{type(error).__name__} {error}"
            ) from error
        finally:
            # The group takes our accounts for gone the moment we leave it, so they stop first.
            await self.release()
            await member.stop()

    async def _stay(self, member: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        assert self._crashed is not None  # noqa: S101 - run() made it
        stopping = asyncio.create_task(stop.wait())
        attending = asyncio.create_task(_attend(member))
        try:
            await asyncio.wait(
                (stopping, attending, self._crashed), return_when=asyncio.FIRST_COMPLETED
            )
            for ended in (attending, self._crashed):
                if ended.done():
                    ended.result()
        finally:
            for task in (stopping, attending):
                task.cancel()
            await asyncio.gather(stopping, attending, return_exceptions=True)

    def take(self, partitions: Collection[int], of: int) -> None:
        """Start the sources of the accounts on these partitions of the cursors topic.

        Args:
            partitions: those assigned.
            of: how many the topic has.
        """
        self._is_member = True
        for account, partition in accounts_on(partitions, self._accounts, of):
            try:
                sources = self._accounts[account]()
            except Exception as error:  # noqa: BLE001 - one account's fault is not the others'
                _log.exception("%s: its sources cannot be made", account)
                reason = str(error) if isinstance(error, CallstreamsError) else "see the log"
                self._note(
                    SourceStatus(
                        str(account), State.STOPPED, f"its sources cannot be made: {reason}"
                    )
                )
                continue
            for source in sources:
                self._start(source, partition)

    def _start(self, source: Source, partition: int) -> None:
        async def open_publisher(source: Source, now: datetime) -> Publisher:
            return await KafkaPublisher.open(
                source, kafka=self._kafka, settings=self._settings, partition=partition, now=now
            )

        loop = SourceLoop(
            source, open_publisher, settings=self._settings, clock=self._clock, report=self._note
        )
        loop.history = self._histories.get(loop.name, loop.history)
        task = asyncio.create_task(loop.run(), name=f"source {loop.name}")
        self._running[task] = loop
        task.add_done_callback(self._ended)

    async def release(self) -> None:
        """Stop all sources, each when the transaction that it is in has ended."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._statuses.clear()
        self._is_member = False

    async def _why_not_ready(self) -> str | None:
        return None if self._is_member else "the group is giving out the accounts"

    def _ended(self, task: asyncio.Task[None]) -> None:
        loop = self._running.pop(task)
        self._histories[loop.name] = loop.history
        error = None if task.cancelled() else task.exception()
        if error is not None and self._crashed is not None and not self._crashed.done():
            self._crashed.set_exception(error)

    def _note(self, status: SourceStatus) -> None:
        self._statuses[status.name] = status
        self._meter.count(status)
        if self._teller is not None:
            self._teller.changed()
        self._on_status(status)


async def _attend(member: AIOKafkaConsumer) -> None:
    """Keep the membership alive; its partitions are paused, so that nothing is ever read."""
    while True:
        await member.getmany(timeout_ms=_POLL_MS)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """Hands the group's decisions on to the poller."""

    def __init__(self, poller: Poller, member: AIOKafkaConsumer) -> None:
        self._poller = poller
        self._member = member

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Stop everything: the group hands all partitions out anew."""
        await self._poller.release()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Start what is ours now."""
        places = list(assigned)
        self._member.pause(*places)
        count = len(self._member.partitions_for_topic(CURSORS.name) or ())
        numbers = sorted(place.partition for place in places)
        _log.info("the group gave us partitions %s of %d of the cursors topic", numbers, count)
        self._poller.take(numbers, count)


async def run_poller(
    kafka: KafkaSettings,
    accounts: Mapping[_Account, MakeSources],
    settings: PollerSettings | None = None,
    *,
    stop: asyncio.Event,
    clock: Clock | None = None,
    on_status: Callable[[SourceStatus], None] = _ignore,
    health: Health | None = None,
) -> None:
    """Run one poller process until `stop` is set. See `Poller`."""
    poller = Poller(kafka, accounts, settings, clock=clock, on_status=on_status, health=health)
    await poller.run(stop)
