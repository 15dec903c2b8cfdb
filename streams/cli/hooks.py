"""`callstreams hooks`: deliver alerts; and try a receiver."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from connectors.hooks.notification import one
from connectors.hooks.service import run_hooks
from connectors.hooks.settings import HooksSettings
from schemas.alert import Alert, AlertState, Evidence, Severity
from schemas.errors import CallstreamsError, ConfigError, FatalError
from streams.cli.console import Config, TelemetryPort, Verbose, out, plain_errors
from streams.cli.logs import Format, LogFormat
from streams.cli.running import prepare, run_service
from streams.settings import load_settings

app = typer.Typer(name="hooks")


@app.callback(invoke_without_command=True)
@plain_errors()
def hooks(
    context: typer.Context,
    config: Config = None,
    verbose: Verbose = False,
    log_format: Format = LogFormat.CONSOLE,
    telemetry_port: TelemetryPort = None,
) -> None:
    """Deliver alerts to their receivers, at least once, each under an id that stays.

    Start it as often as you like: the receivers are shared out among the processes.
    """
    if context.invoked_subcommand is not None:
        context.obj = config
        return
    settings = prepare(config, verbose=verbose, log_format=log_format)
    if not settings.hooks.receivers:
        raise ConfigError("there is nobody to tell: list `hooks.receivers` in the configuration")
    run_service(
        settings,
        "hooks",
        lambda stop, health: run_hooks(settings.kafka, settings.hooks, stop, health=health),
        telemetry_port=telemetry_port,
    )


@app.command()
@plain_errors()
def test(
    context: typer.Context,
    receiver: Annotated[str, typer.Argument(help="Its name in the configuration.")],
    config: Config = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Send an end.")] = False,
) -> None:
    """Send one test message to a receiver, in one attempt and without Kafka."""
    settings = load_settings(config or context.obj).hooks
    state = AlertState.RESOLVED if resolved else AlertState.FIRING
    try:
        asyncio.run(_send(settings, receiver, made_up(state, datetime.now(UTC))))
    except CallstreamsError as error:
        raise FatalError(f"{receiver} was not told: {error}") from error
    out.print(f"[green]✓[/green] {escape(receiver)} has taken a test message")


def made_up(state: AlertState, now: datetime) -> Alert:
    """Make an alert that says that it is a test."""
    return Alert(
        fingerprint="callstreams-test",
        rule="callstreams-test",
        state=state,
        severity=Severity.INFO,
        starts_at=now,
        ends_at=now if state is AlertState.RESOLVED else None,
        at=now,
        labels={"alertname": "callstreams-test", "severity": "info"},
        annotations={
            "summary": "A test from callstreams",
            "summary_zh": "callstreams 测试消息",
            "description": "Nothing is wrong: this receiver hears of alerts.",
            "description_zh": "一切正常：此接收人能收到告警。",
        },
        metric="test",
        scope="test",
        evidence=Evidence(window="test", window_start=now, window_end=now, threshold=0),
    )


async def _send(settings: HooksSettings, name: str, alert: Alert) -> None:
    try:
        receiver = settings.receiver(name).open()
    except KeyError:
        there_are = ", ".join(settings.names) or "none"
        raise ConfigError(f"there is no such receiver; there are: {there_are}") from None
    try:
        await receiver.deliver(one(alert, name))
    finally:
        await receiver.close()
