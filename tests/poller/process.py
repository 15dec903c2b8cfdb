"""A poller process to be killed: polls numbered sources, and says each status on its stdout.

Usage: python -m tests.poller.process '{"kafka": …, "settings": …, "accounts": […], "limit": n}'
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from functools import partial

from connectors.kafka import KafkaSettings
from connectors.poller import AccountKey, PollerSettings, SourceStatus, run_poller
from schemas.base import Vendor

from .fakes import NumberedSource


def _say(status: SourceStatus) -> None:
    print(json.dumps({"name": status.name, "state": status.state}), flush=True)  # noqa: T201


def _sources(account: str, limit: int) -> list[NumberedSource]:
    return [NumberedSource(account, limit=limit)]


async def _main(task: dict[str, object]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    accounts = {
        AccountKey(Vendor.ICSOC, name): partial(_sources, name, task["limit"])
        for name in task["accounts"]
    }
    await run_poller(
        KafkaSettings.model_validate(task["kafka"]),
        accounts,
        PollerSettings.model_validate(task["settings"]),
        stop=stop,
        on_status=_say,
    )


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
