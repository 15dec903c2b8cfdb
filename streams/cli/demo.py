"""`callstreams demo`: the whole product at work on simulated vendors."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console

from streams.cli.broker import install
from streams.cli.console import err, plain_errors
from streams.demo.run import run_demo


def register(parent: typer.Typer) -> None:
    """Add `demo` to the command."""
    parent.command()(demo)


@plain_errors()
def demo(
    seconds: Annotated[
        float | None,
        typer.Option("--for", min=45, help="End after so many seconds, with a line of JSON."),
    ] = None,
) -> None:
    """See it work: Kafka, three simulated vendors, all services, a webhook; needs nothing else.

    A display number is flagged and its answer rate collapses; an alert fires, is delivered, and
    resolves when the number recovers. Ctrl-C ends all of it. At the end every count is compared
    with what the simulators know to be right.
    """
    result, off, good = asyncio.run(run_demo(install(), seconds, Console()))
    for difference in off:
        err.print(f"{difference.what}: counted {difference.counted}, right {difference.right}")
    typer.echo(json.dumps(result, ensure_ascii=False))
    # Ctrl-C ends a demo when it likes; only a full one can be asked for its story.
    if off or (seconds is not None and not good):
        raise typer.Exit(1)
