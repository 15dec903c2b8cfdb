"""`callstreams silences`: what nobody is to be told for a while."""

from __future__ import annotations

import asyncio
import getpass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from connectors.hooks.durations import parse_duration
from connectors.hooks.silences import expire_silence, new_silence, read_silences, write_silence
from schemas.errors import ConfigError
from schemas.silence import Silence
from streams.cli.console import Config, out, plain_errors
from streams.settings import load_settings

app = typer.Typer(
    name="silences", help="Silences: what nobody is to be told for a while.", no_args_is_help=True
)


@app.command()
@plain_errors()
def add(
    matchers: Annotated[
        list[str],
        typer.Argument(
            help="Labels that an alert must have: 'vendor=icsoc' 'value=~\"0755.*\"'; "
            "one of = != =~ !~; all must match.",
            metavar="MATCHER...",
        ),
    ],
    comment: Annotated[str, typer.Option(help="Why.")],
    lasts: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")] = "2h",
    start: Annotated[
        datetime | None,
        typer.Option(help="When it begins, in local time where no offset is given. [default: now]"),
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who is asked about it. [default: you]")] = None,
    config: Config = None,
) -> None:
    """Silence the alerts that match, and print the silence's id."""
    now = datetime.now(UTC)
    span = parse_duration(lasts)
    if not isinstance(span, timedelta) or not span:
        raise ConfigError(f"--for {lasts}: write it as 30m, 2h or 1d")
    silence = new_silence(
        matchers,
        starts_at=now if start is None else start.astimezone(UTC),
        lasts=span,
        created_by=by or getpass.getuser(),
        comment=comment,
        now=now,
    )
    asyncio.run(write_silence(load_settings(config).kafka, silence))
    out.print(silence.id)


@app.command(name="list")
@plain_errors()
def list_silences(
    every: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    config: Config = None,
) -> None:
    """List the silences that hold or will hold, the times in UTC."""
    now = datetime.now(UTC)
    table = Table(Column("id", no_wrap=True), "what", "from", "until", "state", "by", "why")
    for each in asyncio.run(read_silences(load_settings(config).kafka)):
        if every or each.ends_at > now:
            table.add_row(
                each.id,
                escape(" ".join(map(str, each.matchers))),
                f"{each.starts_at:%m-%d %H:%M}",
                f"{each.ends_at:%m-%d %H:%M}",
                _state(each, now),
                escape(each.created_by),
                escape(each.comment),
            )
    out.print(table if table.row_count else "nothing is silenced")


@app.command()
@plain_errors()
def expire(
    silence: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    config: Config = None,
) -> None:
    """End a silence now: what still fires and was not told is told at once."""
    ended = asyncio.run(expire_silence(load_settings(config).kafka, silence, datetime.now(UTC)))
    out.print(f"{ended.id} has ended")


def _state(silence: Silence, now: datetime) -> str:
    if silence.is_active(now):
        return "active"
    return "pending" if silence.starts_at > now else "expired"
