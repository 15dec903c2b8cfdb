"""`callstreams poll | ingress | worker`: the processes that make up the product."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable

import typer

from connectors import telemetry
from connectors.ingress.service import run_ingress
from connectors.poller.runtime import run_poller
from connectors.poller.status import SourceStatus, State
from connectors.telemetry import Reading
from connectors.vendors.registry import Account
from schemas.errors import ConfigError
from streams.cli.console import Config, TelemetryPort, Verbose, plain_errors
from streams.cli.logs import Format, LogFormat
from streams.cli.running import prepare, run_service
from streams.rulefile import read_rules
from streams.worker import run_worker

log = logging.getLogger("callstreams")


def register(parent: typer.Typer) -> None:
    """Add the services to the command."""
    for service in (poll, ingress, worker):
        parent.command()(service)


@plain_errors()
def poll(
    config: Config = None,
    verbose: Verbose = False,
    telemetry_port: TelemetryPort = None,
    log_format: Format = LogFormat.CONSOLE,
) -> None:
    """Poll the vendors: records and cursors go to Kafka in one transaction.

    Start it as often as you like: the accounts are shared out among the processes.
    """
    settings = prepare(config, verbose=verbose, log_format=log_format)
    accounts = {(str(each.vendor), each.name): each.sources for each in settings.accounts}
    if not accounts:
        raise ConfigError("there is nothing to poll: list `accounts` in the configuration")
    with telemetry.QUOTA_LEFT.reading(lambda: _quotas(settings.accounts)):
        run_service(
            settings,
            "poll",
            lambda stop, health: run_poller(
                settings.kafka,
                accounts,
                settings.poller,
                stop=stop,
                on_status=_tell_status,
                health=health,
            ),
            telemetry_port=telemetry_port,
        )


@plain_errors()
def ingress(
    config: Config = None,
    verbose: Verbose = False,
    telemetry_port: TelemetryPort = None,
    log_format: Format = LogFormat.CONSOLE,
) -> None:
    """Take the vendors' pushes over HTTP; each is acknowledged once Kafka has it."""
    settings = prepare(config, verbose=verbose, log_format=log_format)
    run_service(
        settings,
        "ingress",
        lambda stop, health: run_ingress(
            settings.ingress,
            settings.accounts,
            settings.kafka,
            ready=lambda address: log.info("taking pushes at %s/push/…", address),
            stop=stop,
            health=health,
        ),
        telemetry_port=telemetry_port,
    )


@plain_errors()
def worker(
    config: Config = None,
    verbose: Verbose = False,
    telemetry_port: TelemetryPort = None,
    log_format: Format = LogFormat.CONSOLE,
) -> None:
    """Normalise, count, and tell metrics and alerts; start more of them to share the work."""
    settings = prepare(config, verbose=verbose, log_format=log_format)
    rules = read_rules(settings.streams)
    zones = {(str(each.vendor), each.name): each.zone for each in settings.accounts}
    with tempfile.TemporaryDirectory(prefix="callstreams-") as folder:
        run_service(
            settings,
            "worker",
            lambda stop, health: run_worker(
                settings.streams,
                settings.kafka,
                zones=zones,
                rules=rules.rules,
                data_dir=folder,
                stop=stop,
                health=health,
                display_numbers=settings.telemetry.display_numbers,
            ),
            telemetry_port=telemetry_port,
        )


def _quotas(accounts: Iterable[Account]) -> Reading:
    for account in accounts:
        left = None if account.quota is None else account.quota.left
        if left is not None:
            yield (account.vendor, account.name), left


def _tell_status(status: SourceStatus) -> None:
    if status.state in (State.DEGRADED, State.STOPPED):
        log.warning("%s %s: %s", status.name, status.state, status.reason)
    elif status.state is State.OK and status.last_records:
        log.info("%s: %d records", status.name, status.last_records)
