"""Waits that last too long end, and nothing else does."""

import asyncio
from datetime import timedelta

import pytest

from connectors.ingress.patience import Patience

SHORT = timedelta(milliseconds=20)
LONG = timedelta(hours=1)


async def give(value):
    await asyncio.sleep(0)
    return value


async def test_what_is_quick_gives_its_result_and_its_error():
    async def fail():
        raise ValueError("no")

    patience = Patience(LONG)
    assert await asyncio.gather(*(patience.wait(give(n)) for n in range(50))) == list(range(50))
    with pytest.raises(ValueError, match="no"):
        await patience.wait(fail())


async def test_each_that_lasts_too_long_ends_and_its_task_goes_on():
    patience = Patience(SHORT)

    async def one(number):
        try:
            await patience.wait(asyncio.Event().wait())
        except TimeoutError:
            return number, await patience.wait(give("went on"))

    told = await asyncio.gather(*(one(number) for number in range(20)))
    assert told == [(number, "went on") for number in range(20)]


async def test_a_task_that_is_cancelled_is_cancelled():
    patience = Patience(LONG)
    task = asyncio.create_task(patience.wait(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_is_cancelled_as_its_time_is_up_is_cancelled():
    patience = Patience(SHORT)
    never = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(patience.wait(never))
    never.add_done_callback(lambda _: task.cancel())  # as the patience ends it, so do we
    with pytest.raises(asyncio.CancelledError):
        await task
