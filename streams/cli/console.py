"""What the sub-commands print with, and how they say what went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from schemas.errors import CallstreamsError

out = Console()
err = Console(stderr=True)

BootstrapServers = Annotated[
    str,
    typer.Option(
        envvar="KAFKA_BOOTSTRAP_SERVERS", help="Where Kafka is: host:port, separated by commas."
    ),
]
"""The option that every command takes which speaks to Kafka."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Print an error of ours as one red sentence and end with status 1; decorates commands."""
    try:
        yield
    except CallstreamsError as error:
        err.print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
        raise typer.Exit(1) from error
