"""What the sub-commands print with, and how they say what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from schemas.errors import CallstreamsError

out = Console()
err = Console(stderr=True)

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="CALLSTREAMS_CONFIG",
        dir_okay=False,
        help="The configuration, YAML; see callstreams.example.yaml.",
    ),
]
"""The option that every command takes which is configured."""


Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")]
"""Every service takes it."""

TelemetryPort = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        help="Where /metrics, /healthz and /readyz are answered; 0 for nowhere.",
    ),
]
"""Every service takes it; it stands above `telemetry.port`."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Print an error of ours as one red sentence and end with status 1; decorates commands."""
    try:
        yield
    except CallstreamsError as error:
        err.print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
        raise typer.Exit(1) from error
