"""How every service starts and stops: configuration, log, Kafka, signals."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import stamina

from connectors import tracing
from connectors.health import Health, answering
from connectors.kafka import KafkaSettings, create_topics
from schemas import topics
from schemas.errors import RetryableError
from streams.cli.logs import LogFormat, set_up
from streams.settings import Settings, load_settings

log = logging.getLogger("callstreams")

_PATIENCE_SECONDS = 60
_TELL_AT = 2


def prepare(
    config: Path | None, *, verbose: bool, log_format: LogFormat = LogFormat.CONSOLE
) -> Settings:
    """Set up the log, and read the configuration.

    Raises:
        ConfigError: it cannot be used.
    """
    set_up(log_format, verbose=verbose)
    return load_settings(config)


def run_service(
    settings: Settings,
    name: str,
    service: Callable[[asyncio.Event, Health], Awaitable[None]],
    *,
    telemetry_port: int | None = None,
) -> None:
    """Run a service until SIGTERM or SIGINT; the topics are there before it begins.

    Args:
        settings: where Kafka is, and where the service is asked how it fares.
        name: what the service is called.
        service: is given what tells it to stop, and what it says when it is ready.
        telemetry_port: stands above the configuration.
    """

    async def until_told() -> None:
        stop = asyncio.Event()
        health = Health(name)

        def end() -> None:
            health.stop()
            stop.set()

        async with answering(health, settings.telemetry, port=telemetry_port) as address:
            if address is not None:
                log.info("%s answers at %s/metrics, /healthz and /readyz", name, address)
            await _wait_for_kafka(settings.kafka)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, end)
            await service(stop, health)

    with tracing.exporting(name):
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
