r"""Poller processes are killed at any moment: the raw topic holds every record once.

A few kills by default. The full run, as the promise has it:

    CALLSTREAMS_KILLS=30 CALLSTREAMS_RECORDS=20000 \
        pytest --log-cli-level=INFO tests/contract/test_kills.py
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.simulators.scenario import DisplayNumber
from schemas.topics import RAW_ICSOC_CDR
from tests.poller.topics import Progress

from .feeds import icsoc_account, right_calls
from .house import call_centre, check_once, new_account, raw

log = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("CALLSTREAMS_KILLS", "4"))
RECORDS = int(os.environ.get("CALLSTREAMS_RECORDS", "2500"))
SEED = 20240506

pytestmark = pytest.mark.timeout(60 + 60 * KILLS)
HISTORY = timedelta(minutes=20)


def configuration(kafka, sim, account):
    """Write what an operator would, in JSON, which is YAML too."""
    tokens = sim.icsoc.tokens
    told = account.model_dump(mode="json", exclude_none=True, exclude={"oauth", "vendor"})
    return {
        "kafka": kafka.model_dump(mode="json", exclude_none=True),
        # Groups of their own: what must hold stands on the fence, not on the group.
        "poller": {"group": new_account("pollers-"), "session_timeout": 6, "first_wait": 0.05},
        "accounts": [
            {
                **told,
                "vendor": "icsoc",
                "oauth": {
                    "token_url": sim.icsoc.token_url,
                    "company": tokens.company,
                    "agent": tokens.agent,
                    "password": tokens.password,
                    "client_id": tokens.client_id,
                    "client_secret": tokens.client_secret,
                },
            }
        ],
    }


@asynccontextmanager
async def poller_process(config, path):
    """Run `callstreams poll`; whatever happens, it is gone in the end."""
    path.write_text(json.dumps(config), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams.cli", "poll", "--config", str(path), cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


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
        config = tmp_path / "callstreams.yaml"
        source = f"/icsoc/{account.name}/cdr"
        progress = Progress(fresh_kafka, account.name)
        for moment in sorted(dice.sample(range(RECORDS), KILLS)):
            async with poller_process(configuration(fresh_kafka, sim, account), config) as process:
                # Written, not committed: the moment lies within a transaction, or close to one.
                await progress.until(lambda seen, moment=moment: len(seen) > moment)
                await asyncio.sleep(dice.random() / 20)  # and not always at the same point of it
                assert process.returncode is None, "the poller ended by itself"
                process.kill()
                assert await process.wait() == -signal.SIGKILL
        left = len(right) - len(await raw(fresh_kafka, RAW_ICSOC_CDR, source))
        async with poller_process(configuration(fresh_kafka, sim, account), config) as process:
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
