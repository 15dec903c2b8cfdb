"""`callstreams status`: how everything fares, on one screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Group as Stack
from rich.console import RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Column, Table

from schemas.source_status import SourceState
from streams.cli.console import Config, out, plain_errors
from streams.cli.dead_letters import counts
from streams.settings import load_settings
from streams.status import Status, read_status

_DAY = timedelta(days=1)
_SHOWN = 10
_COLOURS = {
    SourceState.OK: "green",
    SourceState.POLLING: "green",
    SourceState.STARTING: "yellow",
    SourceState.DEGRADED: "yellow",
    SourceState.STOPPED: "red",
}


def register(parent: typer.Typer) -> None:
    """Add `status` to the command."""
    parent.command()(status)


@plain_errors()
def status(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks.")] = 5,
    config: Config = None,
) -> None:
    """Show sources, consumer lag, tables, open alerts and dead letters, the times in UTC."""
    settings = load_settings(config)

    def look() -> RenderableType:
        return screen(asyncio.run(read_status(settings, datetime.now(UTC))))

    if not watch:
        out.print(look())
        return
    with Live(look(), console=out, auto_refresh=False) as live:
        while True:
            time.sleep(every)
            live.update(look(), refresh=True)


def screen(found: Status) -> RenderableType:
    """Lay out one look."""
    return Stack(
        f"[bold]callstreams[/bold] at {found.at:%Y-%m-%d %H:%M:%S} UTC",
        *_section("Sources", _sources(found), "no poller has told of any: callstreams poll"),
        *_section("Consumer groups", _groups(found), ""),
        *_section("Open alerts", _alerts(found), "none"),
        *_section("Dead letters", _letters(found), "none"),
        *_section("Tables", _tables(found), ""),
    )


def ago(moment: datetime | None, now: datetime) -> str:
    """Tell how long something is past: `7 s`, `12 min`, `3 h`, `2 d`."""
    if moment is None:
        return "-"
    seconds = max(0, round((now - moment).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _section(title: str, table: Table, empty: str) -> Iterable[RenderableType]:
    yield f"\n[bold]{title}[/bold]"
    yield table if table.row_count else f"  {empty}"


def _sources(found: Status) -> Table:
    table = _table("source", "state", ">last good", ">records", "why")
    for each in found.sources:
        if each.name in found.silent:
            state, why = "[red]no poller[/red]", f"nothing told for {ago(each.at, found.at)}"
        else:
            colour = _COLOURS[each.state]
            state, why = f"[{colour}]{each.state}[/{colour}]", each.reason or ""
        good = ago(each.last_success_at, found.at)
        table.add_row(each.name, state, good, f"{each.records_published:,}", escape(why))
    return table


def _groups(found: Status) -> Table:
    table = _table("group", "of", ">members", ">lag")
    for each in found.groups:
        members = str(each.members) if each.members else "[red]0[/red]"
        table.add_row(each.name, each.what, members, "-" if each.lag is None else f"{each.lag:,}")
    return table


def _alerts(found: Status) -> Table:
    table = _table("severity", "state", "since", "what")
    for each in found.alerts[:_SHOWN]:
        # a display number is ours, and what the alert is about: it is shown whole
        what = each.annotations.get("summary") or f"{each.rule} {each.scope}"
        since = ago(each.starts_at, found.at)
        table.add_row(str(each.severity), str(each.state), since, escape(what))
    if len(found.alerts) > _SHOWN:
        table.add_row("…", f"{len(found.alerts) - _SHOWN} more", "", "")
    return table


def _letters(found: Status) -> Table:
    today = found.letters_since(found.at - _DAY)
    table = counts(found.letters[:today] if today else ())
    if len(found.letters) > today:
        table.add_row(f"{len(found.letters) - today:,}", "older than a day", "", "")
    return table


def _tables(found: Status) -> Table:
    table = _table("topic", ">messages")
    for name, size in found.tables.items():
        table.add_row(name, f"{size:,}")
    return table


def _table(*names: str) -> Table:
    columns = [
        Column(name.lstrip(">"), justify="right" if name.startswith(">") else "left")
        for name in names
    ]
    return Table(*columns, box=None)
