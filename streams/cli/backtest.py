"""`callstreams backtest`: what rules would have told, over calls that have been."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from schemas.errors import ConfigError
from schemas.scope import Scope
from streams.backtest.episodes import Episode
from streams.backtest.files import between
from streams.backtest.files import read_rows as read_file
from streams.backtest.kafka import read_rows as read_kafka
from streams.backtest.picture import draw
from streams.backtest.rows import Row
from streams.backtest.run import Run
from streams.cli.backtest_report import CURRENT, NEW, print_json, print_report
from streams.cli.console import Config, err, plain_errors
from streams.core.rules import Rule, RuleSet
from streams.core.rules.moments import unix_ms
from streams.rulefile import read_rules
from streams.settings import Settings, load_settings
from streams.steps import HOME

_Rules = Annotated[
    Path | None,
    typer.Option("--rules", "-r", help="The rules to try. [default: the configuration's]"),
]
_Against = Annotated[
    Path | None, typer.Option(help="Rules to compare with, such as those in force.")
]
_Calls = Annotated[
    Path | None,
    typer.Option(help="A file of calls: .jsonl, .csv or .parquet. [default: the retained topics]"),
]
_From = Annotated[
    str | None,
    typer.Option("--from", help="Since when: 2026-11-22 or 2026-11-22T09:00 (China), or +00:00."),
]
_To = Annotated[str | None, typer.Option("--to", help="Until when.")]
_Every = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        help="How often (s) the rules look. 10 is faster, and up to 10 s later. "
        "[default: as the worker]",
    ),
]
_Picture = Annotated[
    Path | None, typer.Option(help="Draw a scope's rate and firings into this HTML file.")
]
_Scope = Annotated[
    str | None, typer.Option(help="The scope to draw. [default: the one that fired longest]")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(parent: typer.Typer) -> None:
    """Add the command."""
    parent.command()(backtest)


@plain_errors()
def backtest(
    rules: _Rules = None,
    against: _Against = None,
    calls: _Calls = None,
    since: _From = None,
    until: _To = None,
    every: _Every = None,
    picture: _Picture = None,
    scope: _Scope = None,
    as_json: _Json = False,
    config: Config = None,
) -> None:
    """Run rules over calls that have been: what would have fired, for how long, how soon."""
    settings = load_settings(config)
    if every is not None:
        streams = settings.streams.model_copy(update={"tell_every": every})
        settings = settings.model_copy(update={"streams": streams})
    sets = {NEW: _read(settings, rules)}
    if against is not None:
        sets[CURRENT] = _read(settings, against)
    span = (_moment("--from", since), _moment("--to", until))
    source = _Source(settings, calls, span)
    run = source.run(partial(_new_run, settings, source.partitions, sets))
    if not run.rows:
        raise ConfigError("no calls there: see that --from and --to hold some")
    found = {name: run.episodes(name, span[0]) for name in sets}
    if as_json:
        print_json(run, sets, found)
    else:
        print_report(run, sets, found)
    if picture is not None:
        rule, where = _chosen(sets[NEW], found[NEW], scope, run.end)
        again = source.run(
            partial(_new_run, settings, source.partitions, {NEW: sets[NEW]}, (rule, where))
        )
        own = [
            e for e in again.episodes(NEW, span[0]) if (e.rule, e.scope) == (rule.name, str(where))
        ]
        points = [] if again.probe is None else again.probe.points
        shown = [p for p in points if span[0] is None or p.at_ms >= span[0]]
        picture.write_text(draw(rule, str(where), shown, own, HOME), encoding="utf-8")
        err.print(f"drawn: {picture}")


def _new_run(
    settings: Settings,
    partitions: int,
    sets: dict[str, RuleSet],
    watched: tuple[Rule, Scope] | None = None,
) -> Run:
    return Run(
        settings.streams,
        {(str(each.vendor), each.name): each.zone for each in settings.accounts},
        sets,
        partitions=partitions,
        watched=watched,
    )


class _Source:
    """Where the rows come from; they can be run through more than once.

    The calls of the time before `--from` are read too, so that the windows are full by then.
    """

    def __init__(
        self, settings: Settings, file: Path | None, span: tuple[int | None, int | None]
    ) -> None:
        start, self._to = span
        before = (settings.streams.keep + settings.streams.late) * 1000
        self._from = None if start is None else start - before
        self._kafka = settings.kafka
        self._rows = None if file is None else between(read_file(file), self._from, self._to)
        self.partitions = settings.kafka.partitions if file is None else 1

    def run(self, new: Callable[[], Run]) -> Run:
        """Run all rows through a new run."""
        run = new()
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[rows]:,} rows"),
            TimeElapsedColumn(),
            console=err,
            transient=True,
        ) as progress:
            step = _Step(progress)
            if self._rows is not None:
                step.span(self._rows)
                for row in self._rows:
                    run.take(row)
                    step.take(row)
            else:
                asyncio.run(self._read(run, step))
            run.finish()
        return run

    async def _read(self, run: Run, step: _Step) -> None:
        async for row in read_kafka(self._kafka, self._from, self._to):
            run.take(row)
            step.take(row)


class _Step:
    """Moves the bar, not at every row."""

    _EVERY = 500

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("replaying", total=None, rows=0)
        self._rows = 0
        self._first = 0

    def span(self, rows: Sequence[Row]) -> None:
        """Say how long the time is."""
        if rows:
            self._first = rows[0].timestamp
            self._progress.update(self._task, total=max(1, rows[-1].timestamp - self._first))

    def take(self, row: Row) -> None:
        """Note one row."""
        self._rows += 1
        if self._rows % self._EVERY == 0:
            done = row.timestamp - self._first if self._first else 0
            self._progress.update(self._task, completed=done, rows=self._rows)


def _read(settings: Settings, path: Path | None) -> RuleSet:
    chosen = settings.streams.rules if path is None else path
    return read_rules(settings.streams.model_copy(update={"rules": chosen}))


def _moment(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is no moment: write 2026-11-22T09:00") from error
    return unix_ms(at if at.tzinfo is not None else at.replace(tzinfo=HOME))


def _chosen(
    rules: RuleSet, found: Sequence[Episode], scope: str | None, end: datetime
) -> tuple[Rule, Scope]:
    """Choose what to draw: the scope that was asked for, else the one that fired longest."""
    own = [each for each in found if scope is None or each.scope == scope]
    if own:
        longest = max(own, key=lambda each: each.lasted(end))
        rule = rules.get(longest.rule)
        if rule is not None:
            return rule, Scope.parse(longest.scope)
    if scope is None:
        raise ConfigError("nothing fired, so say which scope to draw: --scope calls:icsoc/main")
    try:
        where = Scope.parse(scope)
    except ValueError as error:
        raise ConfigError(f"--scope {scope!r} is none: write calls:icsoc/main/…") from error
    watching = rules.watching(where)
    if not watching:
        raise ConfigError(f"--scope {scope}: no rule watches it")
    return watching[0], where
