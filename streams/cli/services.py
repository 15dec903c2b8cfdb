"""`callstreams poll | ingress | worker`: the processes that make up the product."""

from __future__ import annotations

import asyncio
import logging
import signal
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import stamina
import typer
from rich.logging import RichHandler

from connectors.ingress.service import run_ingress
from connectors.kafka import KafkaSettings, create_topics
from connectors.poller.runtime import run_poller
from connectors.poller.status import SourceStatus, State
from schemas import topics
from schemas.errors import ConfigError, RetryableError
from streams.cli.console import Config, err, plain_errors
from streams.rulefile import read_rules
from streams.settings import Settings, load_settings
from streams.worker import run_worker

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")]

log = logging.getLogger("callstreams")

_PATIENCE_SECONDS = 60
_TELL_AT = 2


def register(parent: typer.Typer) -> None:
    """Add the services to the command."""
    for service in (poll, ingress, worker):
        parent.command()(service)


@plain_errors()
def poll(config: Config = None, verbose: Verbose = False) -> None:
    """Poll the vendors: records and cursors go to Kafka in one transaction.

    Start it as often as you like: the accounts are shared out among the processes.
    """
    settings = _prepare(config, verbose=verbose)
    accounts = {(str(each.vendor), each.name): each.sources for each in settings.accounts}
    if not accounts:
        raise ConfigError("there is nothing to poll: list `accounts` in the configuration")
    _run(
        settings.kafka,
        lambda stop: run_poller(
            settings.kafka, accounts, settings.poller, stop=stop, on_status=_tell_status
        ),
    )


@plain_errors()
def ingress(config: Config = None, verbose: Verbose = False) -> None:
    """Take the vendors' pushes over HTTP; each is acknowledged once Kafka has it."""
    settings = _prepare(config, verbose=verbose)
    _run(
        settings.kafka,
        lambda stop: run_ingress(
            settings.ingress,
            settings.accounts,
            settings.kafka,
            ready=lambda address: log.info("taking pushes at %s/push/…", address),
            stop=stop,
        ),
    )


@plain_errors()
def worker(config: Config = None, verbose: Verbose = False) -> None:
    """Normalise, count, and tell metrics and alerts; start more of them to share the work."""
    settings = _prepare(config, verbose=verbose)
    rules = read_rules(settings.streams)
    zones = {(str(each.vendor), each.name): each.zone for each in settings.accounts}
    with tempfile.TemporaryDirectory(prefix="callstreams-") as folder:
        _run(
            settings.kafka,
            lambda stop: run_worker(
                settings.streams,
                settings.kafka,
                zones=zones,
                rules=rules.rules,
                data_dir=folder,
                stop=stop,
            ),
        )


def _prepare(config: Path | None, *, verbose: bool) -> Settings:
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


def _run(kafka: KafkaSettings, service: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run a service until SIGTERM or SIGINT; the topics are there before it begins."""

    async def until_told() -> None:
        await _wait_for_kafka(kafka)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await service(stop)

    asyncio.run(until_told())


def _tell_status(status: SourceStatus) -> None:
    if status.state in (State.DEGRADED, State.STOPPED):
        log.warning("%s %s: %s", status.name, status.state, status.reason)
    elif status.state is State.OK and status.last_records:
        log.info("%s: %d records", status.name, status.last_records)


async def _wait_for_kafka(kafka: KafkaSettings) -> None:
    """Create the missing topics; be patient with a broker that is only starting."""
    async for attempt in stamina.retry_context(
        on=RetryableError, attempts=None, timeout=_PATIENCE_SECONDS, wait_max=5
    ):
        with attempt:
            if attempt.num == _TELL_AT:
                log.warning("waiting for Kafka at %s …", kafka.bootstrap_servers)
            await create_topics(kafka, topics.ALL)
