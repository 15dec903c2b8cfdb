"""Measure rules on simulated numbers: how often they cry wolf, and how soon they see a collapse.

A display number whose calls are answered 30 % of the time is never in trouble: a day on which a
rule with the threshold 20 % fires is a false-alert day. Then the rate collapses to 5 %: counted
are the calls from there until the rule fires. The rule is asked after every call, through the
same `judge` that decides in production. Calls come at random over a day of twelve hours.

    .venv/bin/python -m benchmarks.alert_rules [--json] [--days 500] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from random import Random
from statistics import median

from rich.console import Console
from rich.table import Column, Table

from benchmarks.page import KEPT, TRIED, keep
from streams.core.counts import Counts
from streams.core.rules import Measured, Rule, load_default_rules
from streams.core.rules.judge import Verdict, judge

GOOD, BAD, THRESHOLD = 0.30, 0.05, 0.20
_LEAST_DAYS = 500
"""A shorter run is for trying."""
VOLUMES = (300, 1000, 3000)
DAY_SECONDS = 12 * 3600
_DEFAULT = "display-number-answer-rate"


def rules() -> dict[str, Rule]:
    """Give the rules that are compared, by what they are called in the table."""
    default = load_default_rules().get(_DEFAULT)
    if default is None or default.below != THRESHOLD:
        raise LookupError(f"default.yaml has no rule {_DEFAULT} below {THRESHOLD:.0%} any more")
    return {
        "point: last 50, at least 10": _rule({"last": 50}, test="point", min_attempts=10),
        "Wilson: last 50": _rule({"last": 50}),
        "Wilson: 15m": _rule("15m"),
        "Wilson: 15m and 1h": _rule({"all": ["15m", "1h"]}),
        f"default: {_windows(default)}": default,
    }


def _windows(rule: Rule) -> str:
    return "; ".join(condition.window.name() for condition in rule.conditions)


def _rule(window: object, **keys: object) -> Rule:
    return Rule.model_validate(
        {"name": "a", "metric": "answer_rate", "below": THRESHOLD, "window": window, **keys}
    )


class Stretch:
    """The calls of one number one after another, and the view that a rule has after each.

    Args:
        answered: whether each call was answered.
        seconds: when each call ended, ascending.
    """

    def __init__(self, answered: Sequence[bool], seconds: Sequence[float]) -> None:
        self._sums = [0, *accumulate(answered)]
        self._seconds = seconds
        self._seen = 0

    def after(self, calls: int) -> Stretch:
        """Look from after so many calls."""
        self._seen = calls
        return self

    def _newest(self, calls: int) -> Measured:
        first = self._seen - calls
        return Measured(Counts(calls, self._sums[self._seen] - self._sums[first]), 0, 0)

    def over(self, seconds: int) -> Measured:
        """Count a rolling window."""
        since = self._seconds[self._seen - 1] - seconds
        return self._newest(self._seen - bisect_left(self._seconds, since, 0, self._seen))

    def last(self, attempts: int) -> Measured:
        """Count the last calls."""
        return self._newest(min(attempts, self._seen))

    def between(self, start_ms: int, end_ms: int) -> Measured | None:
        """Give None: nothing comes late here."""
        return None

    def newest(self) -> Measured:
        """Give nothing: no rule here looks at the age."""
        return Measured(Counts(), 0, 0)


class Trial:
    """One rule, asked after every call; equal counts are judged once."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        (self._condition,) = rule.conditions
        self._known: dict[tuple[Counts, ...], bool] = {}

    def fires(self, stretch: Stretch, seconds: Sequence[float], start: int) -> Iterator[int]:
        """Give the calls, counted from 1 and from `start` on, after which the rule fires."""
        held_since: float | None = None
        for calls in range(start, len(seconds) + 1):
            if not self._holds(stretch.after(calls)):
                held_since = None
                continue
            now = seconds[calls - 1]
            held_since = now if held_since is None else held_since
            if now - held_since >= self._rule.hold_for:
                yield calls

    def _holds(self, stretch: Stretch) -> bool:
        key = tuple(part.measure(stretch).counts for part in self._condition.window.parts)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = judge(self._rule, stretch).verdict is Verdict.HOLDS
        return known


@dataclass(frozen=True, slots=True)
class Score:
    """What became of one rule at one volume.

    Attributes:
        false_days: the share of days without trouble on which it fired.
        calls_to_detect: the median over collapses; None where it mostly saw none.
        undetected: the share of collapses not seen within as many calls as a day has, or 600.
    """

    rule: str
    calls_a_day: int
    false_days: float
    calls_to_detect: float | None
    undetected: float


def measure(name: str, rule: Rule, volume: int, *, days: int, seed: int) -> Score:
    """Try one rule on so many days, and on so many collapses."""
    random = Random(f"{seed} {volume}")  # noqa: S311 - a simulation, the same for each rule
    trial = Trial(rule)
    false_days, waited = 0, []
    warm, after = 200, min(volume, 600)
    for _ in range(days):
        seconds = _arrivals(random, volume, volume)
        quiet = Stretch(_answers(random, volume, GOOD), seconds)
        false_days += next(trial.fires(quiet, seconds, 1), None) is not None
        seconds = _arrivals(random, warm + after, volume)
        collapse = Stretch(
            _answers(random, warm, GOOD) + _answers(random, after, BAD),
            seconds,
        )
        waited.append(next(trial.fires(collapse, seconds, warm + 1), warm + after + 1) - warm)
    middle = median(waited)
    return Score(
        name,
        volume,
        false_days / days,
        middle if middle <= after else None,
        sum(calls > after for calls in waited) / days,
    )


def _answers(random: Random, calls: int, rate: float) -> list[bool]:
    return [random.random() < rate for _ in range(calls)]


def _arrivals(random: Random, calls: int, volume: int) -> list[float]:
    return list(accumulate(random.expovariate(volume / DAY_SECONDS) for _ in range(calls)))


def render(scores: list[Score]) -> str:
    """Write the figures in Markdown."""
    rows = "\n".join(
        f"| {one.rule} | {one.calls_a_day:,} | {one.false_days:.1%} | "
        f"{'–' if one.calls_to_detect is None else f'{one.calls_to_detect:g}'} "
        f"| {one.undetected:.0%} |"
        for one in scores
    )
    head = "| rule | calls a day | false-alert days | calls to detect (median) | not detected |"
    return (
        f"### Rules\n\nA number that is answered {GOOD:.0%}, with a threshold of {THRESHOLD:.0%}, "
        f"collapses to {BAD:.0%}.\n\n{head}\n| --- |{' --: |' * 4}\n{rows}"
    )


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description="Measure rules on simulated numbers.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--days", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    scores = [
        measure(name, rule, volume, days=asked.days, seed=asked.seed)
        for name, rule in rules().items()
        for volume in VOLUMES
    ]
    console = Console()
    if asked.json:
        told = {"days": asked.days, "seed": asked.seed, "scores": [asdict(s) for s in scores]}
        console.print_json(json.dumps(told))
        return
    figures = {"days": asked.days, "seed": asked.seed, "scores": [asdict(s) for s in scores]}
    keep(KEPT if asked.days >= _LEAST_DAYS else TRIED, "alert_rules", figures, render(scores))
    table = Table(
        Column("rule", no_wrap=True),
        "calls a day",
        "false-alert days",
        "calls to detect",
        "not detected",
        title=f"Answered {GOOD:.0%}, threshold {THRESHOLD:.0%}, collapse to {BAD:.0%}; "
        f"{asked.days} days each, median, seed {asked.seed}",
    )
    for score in scores:
        table.add_row(
            score.rule,
            f"{score.calls_a_day:,}",
            f"{score.false_days:.1%}",
            "–" if score.calls_to_detect is None else f"{score.calls_to_detect:g}",
            f"{score.undetected:.0%}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
