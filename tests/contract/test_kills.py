r"""Poller processes are killed at any moment: the raw topic holds every record once.

A few kills by default. The full run, as the promise has it:

    CALLSTREAMS_KILLS=30 CALLSTREAMS_RECORDS=20000 \
        pytest --log-cli-level=INFO tests/contract/test_kills.py
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
from datetime import timedelta

import pytest

from connectors.simulators.scenario import DisplayNumber
from schemas.topics import RAW_ICSOC_CDR
from tests.poller.topics import Progress

from .feeds import icsoc_account, right_calls
from .house import call_centre, check_once, new_account, raw
from .processes import command, configuration

log = logging.getLogger(__name__)
KILLS = int(os.environ.get("CALLSTREAMS_KILLS", "4"))
RECORDS = int(os.environ.get("CALLSTREAMS_RECORDS", "2500"))
SEED = 20240506

pytestmark = pytest.mark.timeout(60 + 60 * KILLS)
HISTORY = timedelta(minutes=20)


async def test_killed_at_any_moment_every_record_stands_once(fresh_kafka, tmp_path):
    dice = random.Random(SEED)
    a_minute = RECORDS / (HISTORY / timedelta(minutes=1))
    # Calls that end at once and long ago, so that each is one record.
    busy = (DisplayNumber("02160661801", a_minute * 1.05, 0.5, ("10008/13",)),)
    async with call_centre(history=HISTORY, time_compression=10_000, icsoc=busy) as sim:
        sim.stop_traffic(sim.clock())
        await sim.drained()
        right = right_calls(sim)
        assert len(right) >= RECORDS
        account = icsoc_account(
            sim,
            new_account(),
            tmp_path,
            per_page=50,
            pages_per_poll=2,
            lookback=timedelta(minutes=30),
            request_gap=timedelta(milliseconds=10),
            request_timeout=timedelta(seconds=10),
        )

        def poller(account):
            # Groups of their own: what must hold stands on the fence, not on the group.
            config = configuration(fresh_kafka, account, group=new_account("pollers-"))
            return command(config, tmp_path / "callstreams.yaml", "poll")

        source = f"/icsoc/{account.name}/cdr"
        progress = Progress(fresh_kafka, account.name)
        for moment in sorted(dice.sample(range(RECORDS), KILLS)):
            async with poller(account) as process:
                # Written, not committed: the moment lies within a transaction, or close to one.
                await progress.until(lambda seen, moment=moment: len(seen) > moment)
                await asyncio.sleep(dice.random() / 20)  # and not always at the same point of it
                assert process.returncode is None, "the poller ended by itself"
                process.kill()
                assert await process.wait() == -signal.SIGKILL
        left = len(right) - len(await raw(fresh_kafka, RAW_ICSOC_CDR, source))
        async with poller(account) as process:
            await progress.until(
                lambda seen: len({id_.split(":")[0] for id_ in seen}) == len(right)
            )
            process.terminate()
            assert await process.wait() == 0
        newest = check_once(await raw(fresh_kafka, RAW_ICSOC_CDR, source))
    assert newest.keys() == right.keys()
    aborted = len(progress.seen) - len(newest)
    log.info(
        "%d kills in %d records: %d were aborted, %d left after the last kill",
        KILLS,
        len(newest),
        aborted,
        left,
    )
