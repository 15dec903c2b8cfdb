"""How every service starts and stops: configuration, log, Kafka, signals."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import stamina
from rich.logging import RichHandler

from connectors.kafka import KafkaSettings, create_topics
from schemas import topics
from schemas.errors import RetryableError
from streams.cli.console import err
from streams.settings import Settings, load_settings

log = logging.getLogger("callstreams")

_PATIENCE_SECONDS = 60
_TELL_AT = 2


def prepare(config: Path | None, *, verbose: bool) -> Settings:
    """Set up the log, and read the configuration.

    Raises:
        ConfigError: it cannot be used.
    """
    """Set up the log, and read the configuration."""
    handler = RichHandler(console=err, show_path=False, rich_tracebacks=True)
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(message)s",
        handlers=[handler],
    )
    log.setLevel(logging.INFO)
    if verbose:
        logging.getLogger("aiokafka").setLevel(logging.WARNING)
    return load_settings(config)


def run_service(kafka: KafkaSettings, service: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run a service until SIGTERM or SIGINT; the topics are there before it begins."""

    async def until_told() -> None:
        await _wait_for_kafka(kafka)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await service(stop)

    asyncio.run(until_told())


async def _wait_for_kafka(kafka: KafkaSettings) -> None:
    """Create the missing topics; be patient with a broker that is only starting."""
    async for attempt in stamina.retry_context(
        on=RetryableError, attempts=None, timeout=_PATIENCE_SECONDS, wait_max=5
    ):
        with attempt:
            if attempt.num == _TELL_AT:
                log.warning("waiting for Kafka at %s …", kafka.bootstrap_servers)
            await create_topics(kafka, topics.ALL)
