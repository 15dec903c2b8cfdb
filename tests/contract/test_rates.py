"""Requests as the vendors count them: the documents' limits hold, however many pollers run.

Time is compressed: 7moor's minute is 1.2 s here. What the network and this computer may bring
two requests nearer together by does not compress with it, so the gaps have that much head-room.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from connectors.poller import AccountKey, Poller, PollerSettings
from connectors.poller.backfill import Backfill, run_backfill
from schemas.base import Vendor

from .feeds import isales_account, sevenmoor_account
from .house import call_centre, new_account, now, until

ALLOWED = 20
JITTER = timedelta(milliseconds=200)
MINUTE = timedelta(seconds=1.2)
FIVE_MINUTES = timedelta(seconds=1.2)
SETTINGS = {"session_timeout": timedelta(seconds=6), "first_wait": timedelta(milliseconds=10)}


class Pollers:
    """Pollers of one group, each with its own copy of the account as in its own process."""

    def __init__(self, kafka, account) -> None:
        self._kafka = kafka
        self._account = account
        self._settings = PollerSettings(group=new_account("pollers-"), **SETTINGS)
        self._running: list[tuple[asyncio.Task[None], asyncio.Event, Poller]] = []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_) -> None:
        while self._running:
            await self.end(0)

    def start(self) -> None:
        account = type(self._account).model_validate(self._account.model_dump())
        key = AccountKey(Vendor(account.vendor), account.name)
        poller = Poller(self._kafka, {key: account.sources}, self._settings)
        stop = asyncio.Event()
        self._running.append((asyncio.create_task(poller.run(stop)), stop, poller))

    @property
    def owner(self) -> int | None:
        owners = [at for at, (_, _, poller) in enumerate(self._running) if poller.statuses()]
        return owners[0] if owners else None

    async def end(self, at: int) -> None:
        task, stop, _ = self._running.pop(at)
        stop.set()
        await task


async def more(log, requests) -> None:
    """Wait until the vendor has seen so many more requests."""
    enough = log.count() + requests
    await until(lambda: log.count() >= enough)


async def cancel(task) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("count", [1, 3])
async def test_7moor_sees_twenty_a_minute_at_most(fresh_kafka, tmp_path, count):
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(call_centre())
        account = sevenmoor_account(
            sim, new_account(), tmp_path, request_gap=(MINUTE + JITTER) / ALLOWED
        )
        pollers = await stack.enter_async_context(Pollers(fresh_kafka, account))
        log = sim.sevenmoor.log
        past = {"since": now() - timedelta(days=300), "until": now()}
        backfill = asyncio.create_task(
            run_backfill(fresh_kafka, Backfill(*account.histories(), **past))
        )
        stack.push_async_callback(cancel, backfill)
        for _ in range(count):
            pollers.start()
        await more(log, ALLOWED)
        for _ in range(count - 1):  # whoever polls leaves, and another takes over
            await until(lambda: pollers.owner is not None)
            await pollers.end(pollers.owner)
            await more(log, ALLOWED)
        assert ALLOWED * 0.6 < log.busiest(MINUTE) <= ALLOWED


@pytest.mark.parametrize("count", [1, 3])
async def test_huawei_runs_its_statistics_once_in_five_minutes(fresh_kafka, tmp_path, count):
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(call_centre())
        account = isales_account(
            sim, new_account(), tmp_path, statistics_interval=FIVE_MINUTES + JITTER
        )
        pollers = await stack.enter_async_context(Pollers(fresh_kafka, account))
        log = sim.huawei.log
        for _ in range(count):
            pollers.start()
        await more(log, 2)
        for _ in range(count - 1):
            await until(lambda: pollers.owner is not None)
            await pollers.end(pollers.owner)
            await more(log, 2)
        assert log.busiest(FIVE_MINUTES) == 1
