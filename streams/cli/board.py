"""`callstreams board`: the wallboard (大屏) and its JSON API."""

from __future__ import annotations

import typer

from streams.board.service import run_board
from streams.cli.console import Config, TelemetryPort, Verbose, out, plain_errors
from streams.cli.logs import Format, LogFormat
from streams.cli.running import prepare, run_service


def register(parent: typer.Typer) -> None:
    """Add `board` to the command."""
    parent.command()(board)


@plain_errors()
def board(
    config: Config = None,
    verbose: Verbose = False,
    telemetry_port: TelemetryPort = None,
    log_format: Format = LogFormat.CONSOLE,
) -> None:
    """Serve the wallboard and its JSON API (/api/v1/openapi.json)."""
    settings = prepare(config, verbose=verbose, log_format=log_format)
    run_service(
        settings,
        "board",
        lambda stop, health: run_board(
            settings.kafka,
            settings.board,
            stop,
            ready=lambda address: out.print(f"The wallboard is at {address}"),
            health=health,
        ),
        telemetry_port=telemetry_port,
    )
