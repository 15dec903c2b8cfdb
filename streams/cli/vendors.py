"""`callstreams vendors` and `callstreams probe`: what the vendors offer, and whether we may."""

from __future__ import annotations

import asyncio
import inspect
import re
from typing import Annotated

import typer
from pydantic_core import PydanticUndefined
from rich.markup import escape
from rich.table import Column, Table

from connectors.accounts import AccountSettings
from connectors.trial import Finding
from connectors.vendors.registry import VENDORS
from streams.cli import backfill, tasks
from streams.cli.accounts import AccountName, find_account
from streams.cli.console import Config, out, plain_errors
from streams.settings import load_settings

_MARKS = {True: "[green]✓[/green]", False: "[red]✗[/red]", None: "[yellow]?[/yellow]"}
_ATTRIBUTE = re.compile(r"^    (\w[\w, ]*): (.+(?:\n {8,}.+)*)", re.MULTILINE)


def register(parent: typer.Typer) -> None:
    """Add `vendors`, `probe`, `backfill` and `tasks` to the command."""
    parent.command()(vendors)
    parent.command()(probe)
    backfill.register(parent)
    tasks.register(parent)


@plain_errors()
def vendors(
    settings: Annotated[
        bool, typer.Option("--settings", help="List what can be set for an account as well.")
    ] = False,
) -> None:
    """List the vendors: their interfaces, the limits that are kept, and what an account needs."""
    table = Table(
        Column("vendor", no_wrap=True), "interface", "gives", "limit", "used by", box=None
    )
    for name, listed in VENDORS.items():
        for one in listed.interfaces:
            table.add_row(name, one.name, one.what, one.limit, one.used_by)
    out.print(table)
    if settings:
        for name, listed in VENDORS.items():
            out.print(_settings_table(name, listed.account))
    else:
        out.print("What can be set for an account: callstreams vendors --settings")


def _settings_table(vendor: str, account: type[AccountSettings]) -> Table:
    table = Table(
        Column("setting", no_wrap=True), "default", "meaning", title=vendor, title_justify="left"
    )
    meanings = describe_settings(account)
    for name, field in account.model_fields.items():
        default = "required" if field.is_required() else _shown(field.default)
        table.add_row(name, escape(default), escape(meanings.get(name, "")))
    return table


def describe_settings(model: type[AccountSettings]) -> dict[str, str]:
    """Read what the docstrings of an account and its bases say of each setting."""
    told: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        for names, meaning in _ATTRIBUTE.findall(inspect.cleandoc(kind.__doc__ or "")):
            told |= dict.fromkeys(names.split(", "), re.sub(r"\s+", " ", meaning))
    return told


def _shown(default: object) -> str:
    return "" if default in (None, PydanticUndefined) else str(default)


@plain_errors()
def probe(account: AccountName, config: Config = None) -> None:
    """Try an account: one harmless request for each interface, and what is wrong in words.

    Credentials, the difference of the clocks, permissions and quota. Status 1 where anything
    is wrong.
    """
    found = find_account(load_settings(config).accounts, account)

    async def ask() -> list[Finding]:
        return [finding async for finding in VENDORS[found.vendor].probe(found)]

    findings = asyncio.run(ask())
    table = Table(Column(width=1), Column("tried", no_wrap=True), "found", "mend", box=None)
    for one in findings:
        table.add_row(_MARKS[one.good], one.what, escape(one.words), escape(one.mend or ""))
    out.print(table)
    if any(one.good is False for one in findings):
        raise typer.Exit(1)
