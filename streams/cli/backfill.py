"""`callstreams backfill`: read an account's past, beside live polling."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from connectors.poller.backfill import Backfill, Progress, run_backfill
from connectors.source import History
from connectors.vendors.registry import Account
from schemas.errors import ConfigError, FatalError
from streams.cli.accounts import AccountName, find_account
from streams.cli.console import Config, err, out, plain_errors
from streams.settings import Settings, load_settings

_FORMS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]

Since = Annotated[
    datetime, typer.Option("--from", formats=_FORMS, help="From when, in the account's time zone.")
]
Until = Annotated[
    datetime | None,
    typer.Option("--to", formats=_FORMS, help="Until when; without it, up to where polling reads."),
]


def register(parent: typer.Typer) -> None:
    """Add `backfill` to the command."""
    parent.command()(backfill)


@plain_errors()
def backfill(
    account: AccountName,
    since: Since,
    until: Until = None,
    feed: Annotated[str | None, typer.Option(help="Only this feed of the account's.")] = None,
    config: Config = None,
) -> None:
    """Read what the vendor still has of the past; Ctrl-C stops it, and the same again resumes it.

    It sends the part of the vendor's rate that polling leaves free (`backfill_share` of the
    account), reads nothing that polling reads, and publishes nothing that is there already.
    """
    settings = load_settings(config)
    found = find_account(settings.accounts, account)
    histories = _histories(found, feed)
    begin = since.replace(tzinfo=found.zone)
    end = datetime.now(UTC) if until is None else until.replace(tzinfo=found.zone)
    if end <= begin:
        raise ConfigError("--to is not after --from: swap them")
    try:
        asyncio.run(_run(settings, [Backfill(one, begin, end) for one in histories]))
    except KeyboardInterrupt:
        out.print("Stopped. The same command goes on from here.")
        raise typer.Exit(130) from None


def _histories(account: Account, feed: str | None) -> list[History]:
    histories = account.histories()
    chosen = [one for one in histories if feed in (None, one.feed)]
    if not chosen:
        there = ", ".join(one.feed for one in histories) or "none"
        raise ConfigError(
            f"{account.vendor}/{account.name} has no such feed whose past can be read: {there}"
        )
    return chosen


async def _run(settings: Settings, backfills: Sequence[Backfill]) -> None:
    for one in backfills:
        name = f"{one.history.vendor}/{one.history.account}/{one.history.feed}"
        columns = (
            TextColumn(name),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[records]} records"),
            TimeRemainingColumn(),
            TextColumn("[yellow]{task.fields[trouble]}"),
        )
        with Bars(*columns, console=err) as bars:
            task = bars.add_task(name, total=None, records=0, trouble="")

            def report(progress: Progress, bars: Bars = bars, task: int = task) -> None:
                bars.update(
                    task,  # type: ignore[arg-type] # a TaskID is an int
                    total=progress.spans,
                    completed=progress.done,
                    records=progress.records,
                    trouble=progress.trouble or "",
                )

            try:
                ended = await run_backfill(settings.kafka, one, settings.poller, report=report)
            except FatalError as error:
                raise FatalError(f"{name}: {error}") from error
        until = ended.until.astimezone().isoformat() if ended.until else ""
        out.print(f"{name}: complete up to {until}; {ended.records} records published by this run.")
