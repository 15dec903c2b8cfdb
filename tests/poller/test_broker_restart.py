"""The poller while its broker dies and comes back."""

from __future__ import annotations

import asyncio

from connectors.broker import Broker
from connectors.kafka import KafkaSettings
from connectors.poller import AccountKey, run_poller
from schemas.base import Vendor

from .fakes import NumberedSource, numbered_ids
from .test_runtime import all_final, impatient
from .topics import Progress, committed_ids, new_account


async def test_a_broker_that_is_killed_costs_and_doubles_nothing(
    fresh_kafka: KafkaSettings, fresh_broker: Broker
) -> None:
    account, limit = new_account(), 6000
    stop = asyncio.Event()
    running = asyncio.create_task(
        run_poller(
            fresh_kafka,
            {AccountKey(Vendor.ICSOC, account): lambda: [NumberedSource(account, limit=limit)]},
            impatient(),
            stop=stop,
        )
    )
    progress = Progress(fresh_kafka, account)
    await progress.until(lambda seen: len(seen) >= 1000)
    await asyncio.to_thread(fresh_broker.kill)
    await asyncio.to_thread(fresh_broker.start)
    await progress.until(all_final(account, limit))
    stop.set()
    await running
    assert await committed_ids(fresh_kafka, account) == numbered_ids(account, limit)
