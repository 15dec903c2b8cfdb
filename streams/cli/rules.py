"""`callstreams rules`: check rules, list them, and say in words what they mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from schemas.alert import Severity
from schemas.errors import ConfigError
from streams.core.rules import RuleSet, join_rules, load_default_rules, load_rules, words
from streams.core.rules import rules_schema as schema_of_rules
from streams.core.rules.explain import boundaries, explain, fewest_to_fire
from streams.core.rules.model import Condition

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
        if condition.tests_interval:
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


def _read(files: list[Path] | None) -> RuleSet:
    if not files:
        return load_default_rules()
    told: list[str] = []
    sets: list[tuple[str, RuleSet]] = []
    for path in files:
        try:
            sets.append((str(path), load_rules(path.read_text(encoding="utf-8"), str(path))))
        except OSError as error:
            told.append(f"{path}: cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            told.append(f"{path}: is not UTF-8: save it as UTF-8")
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
