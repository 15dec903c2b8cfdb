from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest

from connectors.http import DeniedError
from connectors.poller.loop import SourceLoop
from connectors.poller.publisher import to_the_end
from connectors.poller.schedule import FencedError, History
from connectors.poller.settings import PollerSettings
from connectors.poller.status import SourceStatus, State
from connectors.source import Poll
from schemas.errors import RetryableError

from .fakes import FakeClock, ListPublisher, ScriptedSource, record

SETTINGS = PollerSettings()


def page(number: int, *, more: bool = False) -> Poll:
    return Poll([record(f"call-{number}")], {"page": number}, more=more)


class Bench:
    """One loop with all that surrounds it."""

    def __init__(
        self,
        script: Sequence[Poll | Exception],
        *,
        publisher: ListPublisher | None = None,
        takes: timedelta = timedelta(0),
        history: History | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.source = ScriptedSource(script, clock=self.clock, takes=takes)
        self.publisher = publisher or ListPublisher()
        self.said: list[SourceStatus] = []
        self.loop = SourceLoop(
            self.source,
            self.publisher.open,
            settings=SETTINGS,
            clock=self.clock,
            report=self.said.append,
            history=history,
            draw=lambda: 1.0,
        )

    async def run(self) -> None:
        """Run until the script has ended and its last answer is dealt with, then cancel."""
        task = asyncio.create_task(self.loop.run())
        await self.source.script_ended.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    @property
    def waits(self) -> list[float]:
        times = pairwise(self.source.polled_at)
        return [later - earlier for earlier, later in times]

    @property
    def settled(self) -> list[State]:
        """The states between two polls."""
        return [s.state for s in self.said if s.state not in (State.STARTING, State.POLLING)]


async def test_polls_are_published_in_turn_on_the_interval() -> None:
    bench = Bench([page(1), page(2), page(3)], takes=timedelta(seconds=4))
    await bench.run()
    assert bench.publisher.published == [record("call-1"), record("call-2"), record("call-3")]
    assert bench.source.cursors == [None, {"page": 1}, {"page": 2}, {"page": 3}]
    assert bench.waits == [10, 10, 10]
    assert [s.state for s in bench.said[:3]] == [State.STARTING, State.POLLING, State.OK]
    assert (bench.said[-2].polls, bench.said[-2].records_published) == (3, 3)
    assert bench.said[-2].last_success_at is not None


async def test_more_is_read_at_once() -> None:
    bench = Bench([page(1, more=True), page(2)])
    await bench.run()
    assert bench.waits == [0, 10]


async def test_a_slow_vendor_is_not_polled_twice_to_catch_up() -> None:
    bench = Bench([page(1), page(2)], takes=timedelta(seconds=25))
    await bench.run()
    assert bench.waits == [30, 30]


async def test_a_retryable_fault_degrades_waits_and_recovers() -> None:
    fault = RetryableError("the vendor is tired")
    bench = Bench([page(1), fault, fault, page(2)])
    await bench.run()
    assert bench.settled == [State.OK, State.DEGRADED, State.DEGRADED, State.OK]
    assert bench.waits == [10, 1, 2, 10]
    assert [s.reason for s in bench.said if s.state is State.DEGRADED] == [str(fault)] * 2
    assert bench.said[-2].reason is None
    assert bench.source.cursors[1:4] == [{"page": 1}] * 3


async def test_retry_after_is_obeyed() -> None:
    bench = Bench([RetryableError("429", retry_after=timedelta(seconds=300)), page(1)])
    await bench.run()
    assert bench.waits[0] == 300


async def test_a_denied_source_stops_says_so_and_does_not_hammer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench([DeniedError("vendor answered 401", status=401), page(1)])
    await bench.run()
    assert bench.settled == [State.STOPPED, State.OK]
    assert bench.waits[0] == SETTINGS.denied_pause.total_seconds()
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert "401" in caplog.text


async def test_an_open_circuit_survives_a_rebalance() -> None:
    opened = History(due=1800, failures=1, state=State.STOPPED, reason="vendor answered 401")
    bench = Bench([page(1)], history=opened)
    await bench.run()
    assert bench.source.polled_at[0] == 1800
    assert (bench.said[0].state, bench.said[0].reason) == (State.STOPPED, opened.reason)


async def test_a_bug_is_logged_with_its_place_and_polling_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench([ZeroDivisionError("1/0"), page(1)])
    await bench.run()
    assert bench.settled == [State.DEGRADED, State.OK]
    assert bench.waits[0] == SETTINGS.bug_wait.total_seconds()
    assert "Traceback" in caplog.text


async def test_a_fenced_source_gives_its_place_up_until_the_group_has_decided() -> None:
    publisher = ListPublisher([FencedError("taken over")])
    bench = Bench([page(1), page(2)], publisher=publisher)
    await bench.run()
    assert bench.settled == [State.STOPPED, State.OK]
    assert bench.waits[0] == 2 * SETTINGS.session_timeout.total_seconds()
    assert publisher.published == [record("call-2")]
    assert publisher.opened == 2


async def test_after_a_failed_publish_the_cursor_is_read_anew() -> None:
    publisher = ListPublisher([None, RetryableError("Kafka did not take the records")])
    bench = Bench([page(1), page(2), page(2)], publisher=publisher)
    await bench.run()
    assert bench.source.cursors == [None, {"page": 1}, {"page": 1}, {"page": 2}]
    assert publisher.opened == 2


async def test_all_is_closed_in_the_end() -> None:
    bench = Bench([page(1)])
    await bench.run()
    assert bench.source.closed
    assert bench.publisher.opened == bench.publisher.closed == 1


async def test_begun_work_ends_although_its_caller_is_cancelled() -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await may_end.wait()
        ended.set()

    caller = asyncio.create_task(to_the_end(work(), timedelta(minutes=1)))
    await begun.wait()
    caller.cancel()
    await asyncio.sleep(0)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()


async def test_work_that_does_not_end_is_cancelled() -> None:
    cancelled = asyncio.Event()
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    caller = asyncio.create_task(to_the_end(work(), timedelta(0)))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert cancelled.is_set()


@pytest.mark.parametrize(
    "lost", [FencedError("another process has it"), RetryableError("no Kafka")]
)
async def test_a_rationed_source_is_not_asked_by_who_may_have_lost_it(lost: Exception) -> None:
    bench = Bench([page(1)])
    bench.source.rationed = True
    bench.publisher.lost = lost
    await bench.run()
    # Its place is taken anew before it is asked at all.
    assert (bench.publisher.opened, len(bench.publisher.published)) == (2, 1)
    assert str(lost) in [status.reason for status in bench.said]
    assert bench.source.polled_at[0] > 0
