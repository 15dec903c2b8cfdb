"""A hooks process to be killed.

Usage: python -m tests.hooks.process '{"kafka": …, "settings": …}'
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys

from connectors.hooks.service import run_hooks
from connectors.hooks.settings import HooksSettings
from connectors.kafka import KafkaSettings


async def _main(task) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run_hooks(
        KafkaSettings.model_validate(task["kafka"]),
        HooksSettings.model_validate(task["settings"]),
        stop,
    )


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
