"""Whole pollers, on a real broker: faults, kills, and several processes."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from connectors.http import DeniedError, RefusedError
from connectors.kafka import KafkaSettings, create_topics
from connectors.poller import AccountKey, Poller, PollerSettings, SourceStatus, State, run_poller
from connectors.poller.assignment import cursor_partition
from schemas.base import Vendor
from schemas.errors import ConfigError, RetryableError
from schemas.topics import CURSORS, RAW_ICSOC_CDR

from .fakes import NumberedSource, ScriptedSource, numbered_ids
from .topics import Progress, committed_ids, new_account

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
SESSION = timedelta(seconds=6)  # the least that a broker allows by default


def impatient(**changes: object) -> PollerSettings:
    return PollerSettings.model_validate(
        {
            "group": new_account("pollers-"),
            "session_timeout": SESSION,
            "first_wait": timedelta(milliseconds=10),
            "bug_wait": timedelta(milliseconds=20),
            "longest_wait": timedelta(milliseconds=50),
            "fatal_pause": timedelta(milliseconds=50),
            "transaction_records": 50,
            **changes,
        }
    )


@pytest.fixture
async def topics(kafka: KafkaSettings) -> KafkaSettings:
    await create_topics(kafka, [RAW_ICSOC_CDR, CURSORS])
    return kafka


def all_final(account: str, limit: int) -> Callable[[list[str]], bool]:
    """Tell when the last records of a NumberedSource are there."""
    wanted = set(numbered_ids(account, limit))
    return lambda seen: wanted <= set(seen)


async def test_faults_in_the_middle_cost_and_double_nothing(topics: KafkaSettings) -> None:
    account, limit = new_account(), 1500
    dice = random.Random(7)
    kinds = [RetryableError("tired"), RefusedError("bad", status=400), ValueError("a bug"), None]

    def fault() -> Exception | None:
        return dice.choice(kinds)

    said: list[SourceStatus] = []
    poller = Poller(
        topics,
        {
            AccountKey(Vendor.ICSOC, account): lambda: [
                NumberedSource(account, limit=limit, faults=fault)
            ]
        },
        impatient(),
        on_status=said.append,
    )
    stop = asyncio.Event()
    running = asyncio.create_task(poller.run(stop))
    await Progress(topics, account).until(all_final(account, limit))
    assert [status.name for status in poller.statuses()] == [f"icsoc/{account}/cdr"]
    stop.set()
    await running

    assert await committed_ids(topics, account) == numbered_ids(account, limit)
    assert {status.state for status in said} == set(State)
    assert said[-1].records_published <= 2 * limit
    assert poller.statuses() == ()


async def test_an_account_that_cannot_be_set_up_says_so_and_harms_no_other(
    topics: KafkaSettings,
) -> None:
    good, bad, limit = new_account(), new_account(), 60

    def refuse() -> list[NumberedSource]:
        raise ConfigError("accounts.bad.secret is not set: set it")

    said: list[SourceStatus] = []
    stop = asyncio.Event()
    running = asyncio.create_task(
        run_poller(
            topics,
            {
                AccountKey(Vendor.ICSOC, bad): refuse,
                AccountKey(Vendor.ICSOC, good): lambda: [NumberedSource(good, limit=limit)],
            },
            impatient(),
            stop=stop,
            on_status=said.append,
        )
    )
    await Progress(topics, good).until(all_final(good, limit))
    stop.set()
    await running
    (refused,) = [status for status in said if status.name == f"icsoc/{bad}"]
    assert refused.state is State.STOPPED
    assert "accounts.bad.secret" in str(refused.reason)


async def test_a_rebalance_does_not_close_the_circuit_of_a_denied_source(
    topics: KafkaSettings,
) -> None:
    account = new_account()
    made: list[ScriptedSource] = []
    said: list[SourceStatus] = []
    stopped = asyncio.Event()

    def make() -> list[ScriptedSource]:
        made.append(ScriptedSource([DeniedError("answered 401", status=401)], account=account))
        return made[-1:]

    def note(status: SourceStatus) -> None:
        said.append(status)
        if status.state is State.STOPPED:
            stopped.set()

    poller = Poller(topics, {AccountKey(Vendor.ICSOC, account): make}, on_status=note)
    for _ in range(2):
        stopped.clear()
        poller.take(range(topics.partitions), topics.partitions)
        await stopped.wait()
        await poller.release()
    assert [len(source.cursors) for source in made] == [1, 0]
    assert all(source.closed for source in made)
    assert said[-1].reason == "answered 401"


class Process:
    """A poller in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said: list[tuple[str, str]] = []

    async def until_ok(self, names: set[str], *, at_least: int | None = None) -> None:
        """Read its statuses until the sources named, or some of them, are ok."""
        count = len(names) if at_least is None else at_least
        start = len(self.said)
        assert self._process.stdout is not None
        while len({n for n, state in self.said[start:] if state == "ok"} & names) < count:
            line = await self._process.stdout.readline()
            assert line, "the poller ended early"
            status = json.loads(line)
            self.said.append((status["name"], status["state"]))

    async def listen(self) -> None:
        """Read its statuses until it ends, so that it is never held up by a full pipe."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            status = json.loads(line)
            self.said.append((status["name"], status["state"]))

    def kill(self) -> None:
        self._process.kill()

    async def end(self) -> int:
        self._process.terminate()
        return await self._process.wait()


@asynccontextmanager
async def poller_process(
    kafka: KafkaSettings, accounts: list[str], *, limit: int, settings: PollerSettings
) -> AsyncIterator[Process]:
    task = {
        "kafka": kafka.model_dump(mode="json"),
        "settings": settings.model_dump(mode="json"),
        "accounts": accounts,
        "limit": limit,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.poller.process",
        json.dumps(task),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    poller = Process(process)
    try:
        yield poller
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_killed_at_any_moment_every_record_stands_once(topics: KafkaSettings) -> None:
    account = new_account()
    progress = Progress(topics, account)
    dice = random.Random(20240506)
    for _ in range(5):
        enough = len(progress.seen) + dice.randint(1, 700)
        # A group of its own each time: what must hold stands on the fence, not on the group.
        async with poller_process(topics, [account], limit=10**9, settings=impatient()) as poller:
            listening = asyncio.create_task(poller.listen())
            await progress.until(lambda seen, enough=enough: len(seen) >= enough)
            poller.kill()
            await listening
    numbers = [int(seen.split(":")[0].removeprefix("call-")) for seen in progress.seen]
    limit = max(numbers) + 500
    async with poller_process(topics, [account], limit=limit, settings=impatient()) as poller:
        listening = asyncio.create_task(poller.listen())
        await progress.until(all_final(account, limit))
        assert await poller.end() == 0
        await listening
    assert await committed_ids(topics, account) == numbered_ids(account, limit)


async def test_two_processes_share_the_accounts_and_take_over(topics: KafkaSettings) -> None:
    limit = 300
    accounts = one_account_a_partition(topics.partitions)
    names = {f"icsoc/{account}/cdr" for account in accounts}
    settings = impatient()
    async with poller_process(topics, accounts, limit=limit, settings=settings) as first:
        await first.until_ok(names)
        async with poller_process(topics, accounts, limit=limit, settings=settings) as second:
            listening = asyncio.create_task(first.listen())
            await second.until_ok(names, at_least=1)
            shared = {name for name, _ in second.said}
            assert shared < names
            first.kill()
            await listening
            await second.until_ok(names)
            for account in accounts:
                await Progress(topics, account).until(all_final(account, limit))
            listening = asyncio.create_task(second.listen())
            assert await second.end() == 0
            await listening
    for account in accounts:
        assert await committed_ids(topics, account) == numbered_ids(account, limit)


async def test_the_group_divides_the_accounts_and_gives_them_back(topics: KafkaSettings) -> None:
    accounts = one_account_a_partition(topics.partitions)
    names = {f"icsoc/{account}/cdr" for account in accounts}
    settings = impatient()
    changed = asyncio.Event()

    def make() -> tuple[Poller, asyncio.Event]:
        sources = {
            AccountKey(Vendor.ICSOC, account): partial(numbered, account) for account in accounts
        }
        poller = Poller(topics, sources, settings, on_status=lambda _: changed.set())
        return poller, asyncio.Event()

    def numbered(account: str) -> list[NumberedSource]:
        return [NumberedSource(account, limit=60)]

    def polled_by(poller: Poller) -> set[str]:
        return {status.name for status in poller.statuses() if status.last_success_at}

    async def until(done: Callable[[], bool]) -> None:
        while not done():
            changed.clear()
            await changed.wait()

    (first, stop_first), (second, stop_second) = make(), make()
    async with asyncio.TaskGroup() as running:
        running.create_task(first.run(stop_first))
        await until(lambda: polled_by(first) == names)
        staying = running.create_task(second.run(stop_second))
        await until(
            lambda: bool(polled_by(second)) and polled_by(first) | polled_by(second) == names
        )
        assert not polled_by(first) & polled_by(second)
        stop_second.set()
        await staying
        await until(lambda: polled_by(first) == names)
        stop_first.set()
    for account in accounts:
        assert await committed_ids(topics, account) == numbered_ids(account, 60)


def one_account_a_partition(partitions: int) -> list[str]:
    """Name accounts until each partition of the cursors topic has one."""
    found: dict[int, str] = {}
    while len(found) < partitions:
        account = new_account()
        found[cursor_partition(AccountKey(Vendor.ICSOC, account), partitions)] = account
    return list(found.values())
