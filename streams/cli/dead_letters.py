"""`callstreams dead-letters`: what could not be used, why, and back with it once that is mended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Column, Table

from connectors.dead_letters.letters import Filter, Letter, Place, destination
from connectors.dead_letters.reading import read_letters, read_whole
from connectors.dead_letters.replaying import Outcome, reopeners, replay
from connectors.dead_letters.retelling import Hooks
from connectors.hooks.durations import parse_duration
from connectors.kafka import KafkaSettings
from schemas.dead_letter import DeadLetter
from schemas.errors import ConfigError
from streams.cli.console import Config, err, out, plain_errors
from streams.cli.payload import hide_numbers, written
from streams.settings import Settings, load_settings

app = typer.Typer(
    name="dead-letters",
    help="Dead letters: records that could not be used. See them, and replay them.",
    no_args_is_help=True,
)

Stage = Annotated[
    str | None, typer.Option(help="Who refused it: normalise, count, ingress, hooks.")
]
Code = Annotated[str | None, typer.Option(help="Why, in a word: bad-json.")]
Topic = Annotated[str | None, typer.Option(help="Where it stood: raw.icsoc.cdr.")]
Since = Annotated[
    str | None,
    typer.Option(help="Refused since then: 30m, 2h, 1d ago, or 2026-11-22T08:00 in local time."),
]
Unmask = Annotated[bool, typer.Option("--unmask", help="Show phone numbers whole.")]


@app.command(name="list")
@plain_errors()
def list_letters(
    stage: Stage = None,
    code: Code = None,
    topic: Topic = None,
    since: Since = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that were replayed.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="So many of the newest, one by one.")] = 20,
    config: Config = None,
) -> None:
    """Count dead letters by reason, and list the newest, the times in UTC."""
    wanted = Filter(stage, code, topic, _since(since), replayed=every)
    letters = asyncio.run(read_letters(load_settings(config).kafka))
    found = [each for each in letters.all() if wanted.takes(each)]
    if letters.unreadable:
        err.print(f"[yellow]{letters.unreadable} messages there are no dead letters[/yellow]")
    if not found:
        out.print("there are no such dead letters")
        return
    out.print(counts(found))
    out.print()
    out.print(_table(found[:limit]))
    if len(found) > limit:
        out.print(f"… and {len(found) - limit} older ones: --limit shows more")


@app.command()
@plain_errors()
def show(
    letter: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it: 0-17.")],
    unmask: Unmask = False,
    config: Config = None,
) -> None:
    """Show one dead letter: the reason, where it stood, its headers and its bytes."""
    place = Place.parse(letter)
    found = asyncio.run(_whole(load_settings(config).kafka, place))
    if found is None:
        raise ConfigError(f"there is no dead letter {place}: see `callstreams dead-letters list`")
    for line in described(found, masked=not unmask):
        out.print(line, soft_wrap=True, markup=False, highlight=False)


@app.command(name="replay")
@plain_errors()
def replay_letters(
    letters: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="As the list shows it: 0-17.")
    ] = None,
    stage: Stage = None,
    code: Code = None,
    topic: Topic = None,
    since: Since = None,
    every: Annotated[bool, typer.Option("--all", help="All that were not replayed yet.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also those that were replayed before.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it; else it is only told.")] = False,
    config: Config = None,
) -> None:
    """Put dead letters back where they came from: the same bytes, key and headers.

    An alert that a receiver was not told goes to that receiver once more, under its id.

    Without --yes it only tells what it would do. A letter that was replayed is marked and left
    out from then on, unless --again is given.
    """
    places = frozenset(map(Place.parse, letters or ()))
    wanted = Filter(stage, code, topic, _since(since), places, replayed=again)
    if not every and wanted == Filter(replayed=again):
        raise ConfigError("which? Name ids, or --stage, --code, --topic, --since, or --all")
    settings = load_settings(config)
    if not yes:
        _tell_plan(settings, wanted)
        return
    outcome = asyncio.run(_replay(settings, wanted))
    for place, why in outcome.kept_back:
        err.print(f"[yellow]{place} stays: {escape(why)}[/yellow]", soft_wrap=True)
    out.print(f"{outcome.replayed} replayed, {len(outcome.kept_back)} left")
    if outcome.kept_back:
        raise typer.Exit(1)


def counts(letters: Iterable[Letter]) -> Table:
    """Count by stage, code and topic, the most first."""
    table = Table(Column("letters", justify="right"), "stage", "code", "came from", box=None)
    found = Counter((each.letter.stage, each.letter.code, each.letter.topic) for each in letters)
    for (stage, code, topic), number in found.most_common():
        table.add_row(f"{number:,}", escape(stage), escape(code), escape(topic))
    return table


def described(letter: DeadLetter, *, masked: bool) -> list[str]:
    """Tell a whole letter in lines."""

    def shown(text: str) -> str:
        return hide_numbers(text) if masked else text

    stood = f"partition {letter.partition}, offset {letter.offset}"
    lines = [
        f"reason   {letter.reason}",
        f"code     {letter.code}, by {letter.stage}, {letter.failed_at:%Y-%m-%d %H:%M:%S} UTC",
        f"from     {letter.topic}" + (f", {stood}" if letter.offset >= 0 else ""),
    ]
    if letter.record_key is not None:
        lines.append(f"key      {shown(letter.record_key.decode(errors='backslashreplace'))}")
    lines += [
        f"header   {name}: {shown(content.decode(errors='backslashreplace'))}"
        for name, content in letter.record_headers
    ]
    return [*lines, "", *written(letter.value, masked=masked)]


def _table(letters: Iterable[Letter]) -> Table:
    table = Table(
        Column("id", no_wrap=True), Column("when", no_wrap=True), "code", "reason", "state",
        box=None,
    )  # fmt: skip
    for each in letters:
        replayed = each.replayed_at
        table.add_row(
            str(each.place),
            f"{each.letter.failed_at:%m-%d %H:%M:%S}",
            escape(each.letter.code),
            escape(hide_numbers(each.letter.reason)),
            "open" if replayed is None else f"replayed {replayed:%m-%d %H:%M}",
        )
    return table


def _tell_plan(settings: Settings, wanted: Filter) -> None:
    pushes = reopeners(settings.accounts)
    letters = asyncio.run(read_letters(settings.kafka)).all()
    going: Counter[str] = Counter()
    staying: Counter[str] = Counter()
    for each in filter(wanted.takes, letters):
        target, why = destination(each.letter, pushes, settings.hooks.names)
        if target is None:
            staying[why] += 1
        else:
            going[target] += 1
    for target, number in going.most_common():
        out.print(f"{number} would go back to {target}")
    for why, number in staying.most_common():
        out.print(f"{number} would stay: {escape(why)}", soft_wrap=True)
    if going:
        out.print("Nothing was done yet: --yes does it.")
    elif not staying:
        out.print("there are no such dead letters that were not replayed yet")


async def _whole(kafka: KafkaSettings, place: Place) -> DeadLetter | None:
    found = [letter async for _, letter in read_whole(kafka, frozenset([place]))]
    return found[0] if found else None


async def _replay(settings: Settings, wanted: Filter) -> Outcome:
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("replaying", total=None)
        return await replay(
            settings.kafka,
            wanted,
            pushes=reopeners(settings.accounts),
            hooks=Hooks(settings.hooks.group, settings.hooks.names),
            now=datetime.now(UTC),
            tell=lambda done, total: progress.update(task, completed=done, total=total),
        )


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    span = parse_duration(text)
    if isinstance(span, timedelta):
        return datetime.now(UTC) - span
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise ConfigError(
            f"--since {text}: write 30m, 2h or 1d, or a moment such as 2026-11-22T08:00"
        ) from None
