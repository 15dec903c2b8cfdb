"""One source's place in Kafka, on a real broker."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from connectors.kafka import KafkaSettings, create_topics, new_producer
from connectors.poller.publisher import KafkaPublisher
from connectors.poller.schedule import FencedError
from connectors.poller.settings import PollerSettings
from connectors.source import Poll
from schemas.envelope import RawRecord
from schemas.errors import RetryableError
from schemas.topics import CURSORS, RAW_ICSOC_CDR

from .fakes import ScriptedSource, record
from .topics import committed_ids, new_account

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC).replace(microsecond=0)


class Place:
    """A source's place in Kafka, opened as often as wanted."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.kafka = kafka
        self.account = new_account()

    @asynccontextmanager
    async def opened(
        self, *, now: datetime = NOW, settings: PollerSettings | None = None
    ) -> AsyncIterator[KafkaPublisher]:
        publisher = await KafkaPublisher.open(
            ScriptedSource([], account=self.account),
            kafka=self.kafka,
            settings=settings or PollerSettings(),
            partition=1,
            now=now,
        )
        try:
            yield publisher
        finally:
            await publisher.close()

    def call(self, subject: str, data: bytes = b"{}", at: datetime = NOW) -> RawRecord:
        return record(subject, data, account=self.account, at=at)

    async def ids(self) -> list[str]:
        return await committed_ids(self.kafka, self.account)


@pytest.fixture
async def place(kafka: KafkaSettings) -> Place:
    await create_topics(kafka, [RAW_ICSOC_CDR, CURSORS])
    return Place(kafka)


async def test_a_restart_reads_on_and_knows_what_was_published(place: Place) -> None:
    first, second, grown = place.call("a"), place.call("b"), place.call("a", b'{"ended":1}')
    async with place.opened() as publisher:
        assert publisher.cursor is None
        assert await publisher.publish(Poll([first, second, first], {"page": 1}), NOW) == 2
    async with place.opened() as publisher:
        assert publisher.cursor == {"page": 1}
        assert await publisher.publish(Poll([first, second, grown], {"page": 2}), NOW) == 1
        assert await publisher.publish(Poll([grown], {"page": 2}), NOW) == 0
    assert await place.ids() == sorted(r.id for r in (first, second, grown))


async def test_a_source_that_stood_still_for_days_still_knows_its_last_lookback(
    place: Place,
) -> None:
    past, later = NOW - timedelta(days=3), NOW
    old = place.call("a", at=past)
    async with place.opened(now=past) as publisher:
        await publisher.publish(Poll([old], {"page": 1}), past)
    async with place.opened(now=later) as publisher:
        again = place.call("a", at=later)
        assert await publisher.publish(Poll([again], {"page": 2}), later) == 0


async def test_what_lies_behind_the_lookback_is_forgotten(place: Place) -> None:
    past = NOW - timedelta(hours=3)
    async with place.opened() as publisher:
        await publisher.publish(Poll([place.call("a", at=past)], {"page": 1}), past)
        await publisher.publish(Poll([place.call("b")], {"page": 2}), NOW)
        assert await publisher.publish(Poll([place.call("a")], {"page": 3}), NOW) == 1


async def test_a_zombie_is_fenced_and_leaves_no_trace(place: Place) -> None:
    async with place.opened() as zombie:
        await zombie.publish(Poll([place.call("before")], {"page": 1}), NOW)
        async with place.opened() as heir:
            with pytest.raises(FencedError):
                await zombie.publish(Poll([place.call("late")], {"page": 99}), NOW)
            assert heir.cursor == {"page": 1}
            await heir.publish(Poll([place.call("after")], {"page": 2}), NOW)
    async with place.opened() as publisher:
        assert publisher.cursor == {"page": 2}
    assert await place.ids() == sorted(place.call(name).id for name in ("before", "after"))


async def test_only_the_owner_can_confirm_its_place(place: Place) -> None:
    async with place.opened() as zombie:
        await zombie.confirm(NOW)
        assert zombie.cursor is None
        await zombie.publish(Poll([place.call("a")], {"page": 1}), NOW)
        await zombie.confirm(NOW + timedelta(hours=1))
        async with place.opened() as heir:
            assert (heir.cursor, heir.polled_at) == ({"page": 1}, NOW)
            with pytest.raises(FencedError):
                await zombie.confirm(NOW)


async def test_what_fences_a_zombie_is_told_once(place: Place, caplog) -> None:
    async with place.opened() as zombie, place.opened():
        with pytest.raises(FencedError, match="another process has taken this source over") as told:
            await zombie.publish(Poll([place.call("late")], {"page": 99}), NOW)
    del zombie, told
    gc.collect()  # an error that nobody asked for is logged when it is collected
    assert [one.message for one in caplog.records if one.levelname == "ERROR"] == []


@pytest.mark.parametrize("megabytes", [2, 17], ids=["refused-by-broker", "refused-by-client"])
async def test_a_large_poll_that_breaks_in_between_is_published_once(
    place: Place, megabytes: int
) -> None:
    settings = PollerSettings(transaction_records=10)
    calls = [place.call(f"c{n}") for n in range(35)]
    too_large = place.call("c15", b"x" * (megabytes * 1024 * 1024))
    async with place.opened(settings=settings) as publisher:
        with pytest.raises(RetryableError, match="MessageSizeTooLarge"):
            await publisher.publish(Poll([*calls[:15], too_large], {"page": 1}), NOW)
    assert len(await place.ids()) == 10
    async with place.opened(settings=settings) as publisher:
        assert publisher.cursor is None
        assert await publisher.publish(Poll(calls, {"page": 1}), NOW) == 25
    assert await place.ids() == sorted(r.id for r in calls)


@pytest.mark.parametrize("turns", [1, 5, 40])
async def test_a_cancelled_publish_ends_whole(place: Place, turns: int) -> None:
    calls = [place.call(f"c{n}") for n in range(2000)]
    async with place.opened() as publisher:
        task = asyncio.create_task(publisher.publish(Poll(calls, {"page": 1}), NOW))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with place.opened() as publisher:
        assert publisher.cursor == {"page": 1}
    assert len(await place.ids()) == len(calls)


async def test_a_publish_that_may_not_drain_leaves_nothing(place: Place) -> None:
    hasty = PollerSettings(drain_timeout=timedelta(0))
    calls = [place.call(f"c{n}") for n in range(2000)]
    async with place.opened(settings=hasty) as publisher:
        task = asyncio.create_task(publisher.publish(Poll(calls, {"page": 1}), NOW))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with place.opened() as publisher:
        assert publisher.cursor is None
    assert await place.ids() == []


async def test_an_open_transaction_of_somebody_else_hides_nothing_from_memory(
    place: Place,
) -> None:
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(place.opened())
        other = new_producer(place.kafka, transactional_id=f"other.{place.account}")
        await stack.enter_async_context(other)
        await other.begin_transaction()
        for partition in range(place.kafka.partitions):
            await other.send_and_wait(
                RAW_ICSOC_CDR.name,
                b"{}",
                partition=partition,
                headers=record("x", account="somebody").headers(),
            )
        calls = [place.call(f"c{n}") for n in range(20)]
        await publisher.publish(Poll(calls, {"page": 1}), NOW)

        async def reopen_and_publish() -> int:
            async with place.opened() as publisher:
                return await publisher.publish(Poll(calls, {"page": 2}), NOW)

        again = asyncio.create_task(reopen_and_publish())
        # Long enough to go wrong in; a publisher that waits passes however long this is.
        await asyncio.wait({again}, timeout=1)
        await other.abort_transaction()
        assert await again == 0
