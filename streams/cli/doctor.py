"""`callstreams doctor`: what is wrong here, and what mends it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from connectors.broker.java import find_java
from connectors.budget import Unlimited
from connectors.http import ONCE, Http, Request
from connectors.kafka import describe_topics, live_brokers
from connectors.trial import Finding, clock_finding
from connectors.vendors.icsoc.source import IcsocAccount
from connectors.vendors.registry import VENDORS, Account
from schemas.errors import CallstreamsError
from schemas.topics import ALL
from streams.cli.console import Config, out, plain_errors
from streams.cli.topics import differences
from streams.rulefile import read_rules
from streams.settings import Settings, load_settings

_PATIENCE = timedelta(seconds=5)
_MARKS = {True: "[green]✓[/green]", False: "[red]✗[/red]", None: "[yellow]?[/yellow]"}


def register(parent: typer.Typer) -> None:
    """Add `doctor` to the command."""
    parent.command()(doctor)


@plain_errors()
def doctor(
    vendors: Annotated[
        bool,
        typer.Option("--vendors", help="Try each account too, as `callstreams probe` does."),
    ] = False,
    config: Config = None,
) -> None:
    """Check configuration, secrets, Kafka, topics, clocks, folders and Java, each with its mend.

    Status 1 where anything is wrong.
    """
    if asyncio.run(_tell(config, vendors=vendors)):
        raise typer.Exit(1)


async def _tell(config: Path | None, *, vendors: bool) -> bool:
    """Print each finding as it comes; tell whether any is bad."""
    bad = False
    async with aclosing(examine(config, vendors=vendors)) as findings:
        async for each in findings:
            bad |= each.good is False
            mend = f" [dim]→ {escape(each.mend)}[/dim]" if each.mend else ""
            words = f"{escape(each.what)}: {escape(each.words)}{mend}"
            out.print(f"{_MARKS[each.good]} {words}", soft_wrap=True)
    return bad


async def examine(config: Path | None, *, vendors: bool) -> AsyncGenerator[Finding, None]:
    """Give what is found, what others stand on first."""
    try:
        settings = load_settings(config)
        rules = read_rules(settings.streams).rules
    except CallstreamsError as error:
        yield Finding("configuration", good=False, words=str(error))
    else:
        words = f"{len(settings.accounts)} accounts, every secret found, {len(rules)} rules"
        yield Finding("configuration", good=True, words=words)
        for finding in await _kafka(settings):
            yield finding
        for account in settings.accounts:
            async for finding in _vendor(account, thoroughly=vendors):
                yield finding
        for finding in _folders(settings):
            yield finding
    yield _java()


async def _kafka(settings: Settings) -> list[Finding]:
    servers = settings.kafka.bootstrap_servers
    try:
        brokers = await live_brokers(settings.kafka)
        states = await describe_topics(settings.kafka, [topic.name for topic in ALL])
    except CallstreamsError as error:
        return [Finding("Kafka", good=False, words=str(error))]
    found = [Finding("Kafka", good=True, words=f"{len(brokers)} brokers at {servers}")]
    copies = settings.kafka.replication
    if copies > len(brokers):
        found.append(
            Finding(
                "Kafka",
                good=False,
                words=f"kafka.replication is {copies}, brokers are {len(brokers)}",
                mend="start the missing brokers, or lower kafka.replication",
            )
        )
    wrong = [
        each for topic in ALL for each in differences(topic, states.get(topic.name), settings.kafka)
    ]
    if not wrong:
        return [*found, Finding("topics", good=True, words=f"all {len(ALL)} as the catalogue says")]
    first = f"{wrong[0].topic} {wrong[0].what}"
    more = f", and {len(wrong) - 1} more: callstreams topics check" if len(wrong) > 1 else ""
    return [*found, Finding("topics", good=False, words=first + more, mend=wrong[0].mend)]


async def _vendor(account: Account, *, thoroughly: bool) -> AsyncIterator[Finding]:
    name = f"{account.vendor}/{account.name}"

    def named(finding: Finding) -> Finding:
        return Finding(f"{name} {finding.what}", finding.good, finding.words, finding.mend)

    if thoroughly:
        async for finding in VENDORS[account.vendor].probe(account):
            yield named(finding)
        return
    for address in addresses(account):
        yield named(await clock_of(address))


def addresses(account: Account) -> list[str]:
    """Give the base addresses of an account."""
    found = [value for field, value in account if field.endswith("_url") and isinstance(value, str)]
    return list(dict.fromkeys(found))


async def clock_of(address: str) -> Finding:
    """Compare our clock with a server's, without credentials: any answer has the time."""
    async with Http(address, budget=Unlimited(), timeout=_PATIENCE, retry=ONCE) as http:
        try:
            await http.call(lambda: Request("GET", "/", {"Host": http.host}))
        except CallstreamsError as error:
            if http.skew is None:
                return Finding(
                    "clock",
                    good=None,
                    words=f"{http.host} was not reached: {error}",
                    mend="if it is to be polled from here, see DNS, proxy and firewall",
                )
        return clock_finding(http)


def _folders(settings: Settings) -> Iterator[Finding]:
    folders = {Path(tempfile.gettempdir()): "a worker's tables"}
    for account in settings.accounts:
        if isinstance(account, IcsocAccount) and account.oauth is not None:
            folders[account.state_directory] = f"the token of icsoc/{account.name}"
    for folder, purpose in folders.items():
        yield writable(folder, purpose)


def writable(folder: Path, purpose: str) -> Finding:
    """Try to write into a folder."""
    what = f"folder {folder}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"callstreams")
            file.flush()
    except OSError as error:
        return Finding(
            what,
            good=False,
            words=f"{purpose} cannot be written: {error.strerror}",
            mend="let this user write there, or name another folder (state_dir, TMPDIR)",
        )
    return Finding(what, good=True, words=f"can be written, for {purpose}")


def _java(find: Callable[[], Path] = find_java) -> Finding:
    try:
        return Finding("Java", good=True, words=f"{find()}, for the demo and the tests")
    except CallstreamsError as error:
        return Finding("Java", good=None, words=f"only the demo needs it: {error}")
