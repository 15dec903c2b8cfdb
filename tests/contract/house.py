"""A call centre, the real sources and the real poller between them and Kafka."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from connectors.accounts import AccountSettings
from connectors.kafka import KafkaSettings, TopicPartition
from connectors.poller import Poller, PollerSettings, SourceStatus
from connectors.poller.clock import Clock, SystemClock
from connectors.poller.restore import read_on, reader
from connectors.simulators.huawei import HuaweiSettings
from connectors.simulators.scenario import (
    Campaign,
    DisplayNumber,
    Queue,
    Scenario,
    TaskSeed,
)
from connectors.simulators.sevenmoor import SevenMoorSettings
from connectors.simulators.simulation import Simulation, simulate
from schemas.envelope import RawRecord, read_envelope
from schemas.topics import Topic
from tests.poller.topics import new_account

__all__ = ["new_account"]


def now() -> datetime:
    return datetime.now(UTC)


async def until(done: Callable[[], bool]) -> None:
    """Wait for what has no event to wait for."""
    while not done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


class HastyClock:
    """Real time, except that waiting takes next to none of it."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self._skipped = 0.0

    def now(self) -> datetime:
        return now()

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        # Nothing waits for this: it leaves the processor to the others.
        await asyncio.sleep(min(seconds, 0.02))
        self._skipped += max(0.0, seconds - 0.02)


def scenario(**changes) -> Scenario:
    """Make two minutes of history in which some hundred calls were made, and as busy a present."""
    return Scenario(
        **{
            "start": now(),
            "history": timedelta(minutes=2),
            "time_compression": 200,
            "icsoc": (DisplayNumber("02160661801", 60, 0.5, ("10008/13",)),),
            "sevenmoor": (DisplayNumber("01081401967", 60), DisplayNumber("01081401968", 30)),
            "tasks": (TaskSeed("回访", "remark", ("2000",), ("17319132391",)), TaskSeed("二")),
            "campaigns": (
                Campaign("1798316116", "95511001", 40, called_before=300, answered_before=100),
                Campaign("1549589640", "95511002", 40, batches=("123456", "66666")),
            ),
            "queues": (Queue("31045665", 40, 0.3), Queue("6300111010", 20, 0.3, None, 53, 1)),
        }
        | changes
    )


@asynccontextmanager
async def call_centre(**changes) -> AsyncIterator[Simulation]:
    """Open the vendors, without a rate limit."""
    async with simulate(
        scenario(**changes),
        clock=now,
        sevenmoor=SevenMoorSettings(requests_per_minute=10**6),
        huawei=HuaweiSettings(interval=timedelta(0)),
    ) as sim:
        yield sim


class Polling:
    """A poller that runs, and what it says."""

    def __init__(self, poller: Poller, said: list[SourceStatus], changed: asyncio.Event) -> None:
        self.poller = poller
        self.said = said
        self._changed = changed

    async def until(self, done: Callable[[SourceStatus], bool], *, feed: str) -> SourceStatus:
        """Wait until a status of the feed satisfies `done`."""
        seen = 0
        while True:
            for status in self.said[seen:]:
                if status.name.endswith(f"/{feed}") and done(status):
                    return status
            seen = len(self.said)
            self._changed.clear()
            await self._changed.wait()

    async def until_read(self, moment: datetime, *, feed: str) -> None:
        """Wait until a poll that began after `moment` was published, and one more after it."""
        first = await self.until(
            lambda s: bool(s.last_success_at) and s.last_success_at > moment, feed=feed
        )
        await self.until(
            lambda s: s.last_success_at is not None and s.last_success_at > first.last_success_at,
            feed=feed,
        )


@asynccontextmanager
async def polling(
    kafka: KafkaSettings, account: AccountSettings, *, clock: Clock | None = None, **changes
) -> AsyncIterator[Polling]:
    """Run a poller for one account."""
    settings = PollerSettings.model_validate(
        {
            "group": new_account("pollers-"),
            "session_timeout": timedelta(seconds=6),
            "first_wait": timedelta(milliseconds=10),
            "bug_wait": timedelta(milliseconds=20),
            "longest_wait": timedelta(milliseconds=50),
        }
        | changes
    )
    said: list[SourceStatus] = []
    changed = asyncio.Event()

    def note(status: SourceStatus) -> None:
        said.append(status)
        changed.set()

    accounts = {(account.vendor, account.name): account.sources}
    poller = Poller(kafka, accounts, settings, clock=clock or SystemClock(), on_status=note)
    stop = asyncio.Event()
    running = asyncio.create_task(poller.run(stop))
    try:
        yield Polling(poller, said, changed)
    finally:
        stop.set()
        await running


async def ended(sim: Simulation) -> datetime:
    """Let the traffic end, and give the moment from which nothing changes any more."""
    sim.stop_traffic(sim.clock())
    await sim.drained()
    return sim.clock()


async def raw(kafka: KafkaSettings, topic: Topic, source: str) -> list[RawRecord]:
    """Read what a reader of committed transactions sees of one source, partition by partition."""
    records = []
    async with reader(kafka) as consumer:
        places = [TopicPartition(topic.name, number) for number in range(kafka.partitions)]
        consumer.assign(places)
        async for message in read_on(consumer, await consumer.beginning_offsets(places)):
            record = read_envelope(message.headers, message.value)
            if record.source == source:
                records.append(record)
    return records


def check_once(records: list[RawRecord]) -> dict[str, RawRecord]:
    """See that each record stands once by subject and content; give the newest of each subject."""
    twice = [name for name, count in Counter(record.id for record in records).items() if count > 1]
    assert twice == []
    return {record.subject: record for record in records}
