"""`callstreams rules`: check rules, list them, and say in words what they mean."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from schemas.alert import Severity
from schemas.errors import ConfigError
from streams.backtest.ruletests import load_rules_of, load_tests, run_test
from streams.core.rules import RuleSet, join_rules, load_default_rules, load_rules, words
from streams.core.rules import rules_schema as schema_of_rules
from streams.core.rules.explain import boundaries, explain, fewest_to_fire
from streams.core.rules.model import Condition
from streams.settings import StreamsSettings

app = typer.Typer(name="rules", help="The rules that alerts come from.", no_args_is_help=True)

_Files = Annotated[
    list[Path] | None,
    typer.Option("--file", "-f", help="A file of rules; may be given again. [default: our own]"),
]


_COLOURS = {Severity.INFO: "blue", Severity.WARNING: "yellow", Severity.CRITICAL: "red"}


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Files of rules.", metavar="FILE...")],
) -> None:
    """Check files of rules; every error names the file, the line and the mend."""
    console = Console(highlight=False)
    rules = _read(files)
    noun = "rule" if len(rules) == 1 else "rules"
    several = "" if len(files) == 1 else f" in {len(files)} files"
    console.print(f"[green]✓[/green] {len(rules)} {noun}{several}: nothing is wrong")


@app.command(name="list")
def list_rules(file: _Files = None) -> None:
    """List the rules."""
    table = Table(
        Column("rule", no_wrap=True), "severity", "watches", "window", "fires", "resolves"
    )
    for rule in _read(file):
        told = explain(rule)
        table.add_row(
            rule.name,
            f"[{_COLOURS[rule.severity]}]{rule.severity}[/]",
            escape(told.watches),
            told.window,
            told.threshold,
            told.resolve,
        )
    Console().print(table)


@app.command(name="explain")
def explain_rule(
    name: Annotated[str, typer.Argument(help="The rule's name.")], file: _Files = None
) -> None:
    """Say in words what a rule does, with the numbers at which it fires and resolves."""
    rules = _read(file)
    rule = rules.get(name)
    if rule is None:
        _fail(f"there is no rule {name!r}; there are: {', '.join(each.name for each in rules)}")
    console = Console(highlight=False, soft_wrap=True)
    told = explain(rule)
    console.print(f"[bold]{rule.name}[/bold] ({rule.severity})")
    for line in (*told.english, "", *told.chinese):
        console.print(line, markup=False)
    for condition in rule.conditions:
        if condition.tests_interval and condition.baseline is None:
            _print_boundaries(console, condition)


def _print_boundaries(console: Console, condition: Condition) -> None:
    done = words.successes_name(condition.metric)
    table = Table(words.sample_name(condition.metric), f"fires at {done}", f"resolves at {done}")
    for each in boundaries(condition):
        table.add_row(str(each.sample), each.fires, each.resolves)
    console.print(table)
    fewest = fewest_to_fire(condition)
    if fewest is not None:
        console.print(f"The fewest {fewest.what} that can fire it: {fewest.sample}.")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a file of rules, for editors."""
    typer.echo(json.dumps(schema_of_rules(), indent=2, ensure_ascii=False))


@app.command()
def test(
    files: Annotated[list[Path], typer.Argument(help="Files of tests.", metavar="FILE...")],
) -> None:
    """Run rules' tests: series of calls in, alerts expected at given times."""
    console = Console(highlight=False, soft_wrap=True)
    failed = ran = 0
    for path in files:
        try:
            tests = load_tests(_text(path), str(path))
            rules = load_rules_of(tests, partial(_beside, path))
        except ConfigError as error:
            _fail(str(error))
        for number, each in enumerate(tests.tests, 1):
            ran += 1
            failures = list(run_test(each, rules, StreamsSettings()))
            failed += bool(failures)
            mark = "[red]✗[/red]" if failures else "[green]✓[/green]"
            console.print(f"{mark} {escape(each.name or f'test {number}')}")
            for failure in failures:
                console.print(f"  {escape(failure.text)}")
    console.print(f"{ran - failed} of {ran} tests passed")
    if failed:
        raise typer.Exit(1)


def _beside(path: Path, name: str) -> str:
    return _text(path.parent / name)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8: save it as UTF-8") from error


def _read(files: list[Path] | None) -> RuleSet:
    if not files:
        return load_default_rules()
    told: list[str] = []
    sets: list[tuple[str, RuleSet]] = []
    for path in files:
        try:
            sets.append((str(path), load_rules(_text(path), str(path))))
        except ConfigError as error:
            told.append(str(error))
    if told:
        _fail("\n".join(told))
    try:
        return join_rules(sets)
    except ConfigError as error:
        _fail(str(error))


def _fail(text: str) -> NoReturn:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for line in text.splitlines():
        console.print(f"[red]✗[/red] {escape(line)}")
    raise typer.Exit(1)
