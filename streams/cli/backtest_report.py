"""How a back-test is told: tables, lines, or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import typer
from rich.markup import escape
from rich.table import Column, Table

from streams.backtest.episodes import Difference, Episode, compare, score
from streams.backtest.picture import local, short
from streams.backtest.run import Run
from streams.cli.console import out
from streams.core.rules import Rule, RuleSet
from streams.steps import HOME

NEW, CURRENT = "new", "current"
"""What the two sets of rules are called."""


def print_report(
    run: Run, sets: Mapping[str, RuleSet], found: Mapping[str, Sequence[Episode]]
) -> None:
    """Print what each set of rules made of it, and how they differ."""
    for name, rules in sets.items():
        title = "" if len(sets) == 1 else f"{name} rules"
        out.print(_scores(rules, found[name], run.end, title))
    if len(sets) == 1:
        _print_episodes(found[NEW], run.end)
        return
    difference = compare(found[NEW], found[CURRENT], run.end)
    out.print(
        f"{len(difference.new)} fire with the new rules alone, {len(difference.gone)} with the "
        f"current ones alone, {len(difference.both)} with both."
    )
    _print_difference(difference, run.end)


def _scores(rules: RuleSet, found: Sequence[Episode], end: datetime, title: str) -> Table:
    table = Table(
        Column("rule", no_wrap=True),
        *(Column(head, justify="right") for head in _HEADS),
        title=title or None,
        title_justify="left",
        box=None,
    )
    for rule in rules:
        told = score(rule.name, found, end)
        calls = "–" if told.calls_to_detect is None else f"{told.calls_to_detect:g}"
        table.add_row(
            rule.name,
            str(told.fired),
            str(told.scopes),
            str(told.flaps),
            str(told.disproved),
            short(told.firing),
            calls,
        )
    return table


_HEADS = ("fired", "scopes", "flaps", "disproved late", "firing", "calls to detect (median)")


def _print_episodes(found: Sequence[Episode], end: datetime) -> None:
    for each in found:
        out.print(_line(each, end), soft_wrap=True, highlight=False)


def _print_difference(difference: Difference, end: datetime) -> None:
    for sign, colour, some in (("+", "green", difference.new), ("-", "red", difference.gone)):
        for each in some:
            out.print(f"[{colour}]{sign}[/] {_line(each, end)}", soft_wrap=True, highlight=False)
    for new, current in difference.both:
        sooner = current.began - new.began
        word = "sooner" if sooner.total_seconds() >= 0 else "later"
        line = f"= {_line(new, end)}; {short(abs(sooner))} {word}"
        out.print(line, soft_wrap=True, highlight=False)


def _line(each: Episode, end: datetime) -> str:
    lasted = "still firing" if each.ended is None else f"for {short(each.lasted(end))}"
    calls = "" if each.onset is None else f", after {each.onset.calls} calls"
    flap = ", a flap" if each.flap else ""
    late = ", disproved by late calls" if each.disproved else ""
    told = f"{local(each.began, HOME)} {each.rule} {lasted}{calls}{flap}{late}: {each.summary}"
    return escape(told)


def print_json(
    run: Run, sets: Mapping[str, RuleSet], found: Mapping[str, Sequence[Episode]]
) -> None:
    """Print the same as JSON."""
    told: dict[str, object] = {"rows": run.rows, "end": run.end.isoformat()}
    for name, rules in sets.items():
        told[name] = {
            "rules": [_score_json(rule, found[name], run.end) for rule in rules],
            "episodes": [_episode_json(each, run.end) for each in found[name]],
        }
    typer.echo(json.dumps(told, indent=2, ensure_ascii=False))


def _score_json(rule: Rule, found: Sequence[Episode], end: datetime) -> dict[str, object]:
    told = score(rule.name, found, end)
    return {
        "rule": told.rule,
        "fired": told.fired,
        "scopes": told.scopes,
        "flaps": told.flaps,
        "disproved": told.disproved,
        "firing_seconds": told.firing.total_seconds(),
        "calls_to_detect": told.calls_to_detect,
    }


def _episode_json(each: Episode, end: datetime) -> dict[str, object]:
    return {
        "rule": each.rule,
        "scope": each.scope,
        "began": each.began.isoformat(),
        "ended": None if each.ended is None else each.ended.isoformat(),
        "seconds": each.lasted(end).total_seconds(),
        "calls_to_detect": None if each.onset is None else each.onset.calls,
        "flap": each.flap,
        "disproved": each.disproved,
        "summary": each.summary,
        "diagnosis": each.diagnosis,
    }
