"""Requests as the vendors count them: the documents' limits hold, however many pollers run.

Pollers, backfill and commands are processes, as an operator has them; one is killed, and another
takes over. Time is compressed: a minute is 10 s at 7moor and five minutes are 1.2 s at Huawei.
What the network and this computer may bring two requests nearer together by does not compress
with it, so the gaps have that much head-room.
"""

from __future__ import annotations

import signal
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from schemas.source_status import SourceState

from .feeds import isales_account, sevenmoor_account
from .house import call_centre, new_account, now, until
from .processes import command, configuration
from .told import Statuses

ALLOWED = 20
JITTER = timedelta(milliseconds=400)
MINUTE = timedelta(seconds=10)
FIVE_MINUTES = timedelta(seconds=1.2)
POLLED = (SourceState.POLLING, SourceState.OK)


class Pollers:
    """`callstreams poll` processes of one group, for one account."""

    def __init__(self, kafka, account, folder) -> None:
        self._account = account
        self._config = configuration(kafka, account, group=new_account("pollers-"), tell_every=1)
        self._path = folder / "pollers.yaml"
        self._told = Statuses(kafka)
        self._stack = AsyncExitStack()
        self._living = {}

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_) -> None:
        await self._stack.aclose()

    @property
    def failed(self) -> bool:
        return any(process.returncode is not None for process in self._living.values())

    async def start(self) -> None:
        started = command(self._config, self._path, "poll")
        process = await self._stack.enter_async_context(started)
        self._living[str(process.pid)] = process

    async def take_over(self, how) -> None:
        """End whoever polls the account, and wait until another of them does."""
        gone = self._living.pop(await self.owner())
        gone.send_signal(how)
        await gone.wait()
        await self.owner()

    async def owner(self) -> str:
        status = await self._told.until(
            lambda one: (
                one.account == self._account.name
                and one.state in POLLED
                and one.process.rpartition(":")[2] in self._living
            )
        )
        return status.process.rpartition(":")[2]


async def more(log, requests, pollers) -> None:
    """Wait until the vendor has seen so many more requests."""
    enough = log.count() + requests
    await until(lambda: log.count() >= enough or pollers.failed)
    assert not pollers.failed


@pytest.mark.parametrize("endings", [(), (signal.SIGKILL, signal.SIGTERM)], ids=["1", "3"])
async def test_7moor_sees_twenty_a_minute_at_most(fresh_kafka, tmp_path, endings):
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(call_centre())
        account = sevenmoor_account(
            sim, new_account(), tmp_path, request_gap=(MINUTE + JITTER) / ALLOWED
        )
        pollers = await stack.enter_async_context(Pollers(fresh_kafka, account, tmp_path))
        log = sim.sevenmoor.log
        for _ in range(1 + len(endings)):
            await pollers.start()
        config, path = configuration(fresh_kafka, account), tmp_path / "commands.yaml"
        since = (now() - timedelta(days=300)).date().isoformat()
        for _ in range(2):  # each is a new process, which knows nothing of the one before
            past = command(config, path, "backfill", account.name, "--from", since)
            backfill = await stack.enter_async_context(past)
            tasks = command(config, path, "tasks", "list", account.name)
            listing = await stack.enter_async_context(tasks)
            await more(log, ALLOWED // 2, pollers)
            assert await listing.wait() == 0
            backfill.kill()
        for ending in endings:
            await pollers.take_over(ending)
            await more(log, ALLOWED // 2, pollers)
        assert ALLOWED * 0.6 < log.busiest(MINUTE) <= ALLOWED


@pytest.mark.parametrize("endings", [(), (signal.SIGKILL, signal.SIGTERM)], ids=["1", "3"])
async def test_huawei_runs_its_statistics_once_in_five_minutes(fresh_kafka, tmp_path, endings):
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(call_centre())
        account = isales_account(
            sim, new_account(), tmp_path, statistics_interval=FIVE_MINUTES + JITTER
        )
        pollers = await stack.enter_async_context(Pollers(fresh_kafka, account, tmp_path))
        log = sim.huawei.log
        for _ in range(1 + len(endings)):
            await pollers.start()
        await more(log, 2, pollers)
        for ending in endings:
            await pollers.take_over(ending)
            await more(log, 2, pollers)
        assert log.busiest(FIVE_MINUTES) == 1
