"""One back-test from its rows to its episodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from schemas.alert import Alert, AlertState
from schemas.scope import Scope
from streams.backtest.episodes import Episode, episodes
from streams.backtest.machine import Machine
from streams.backtest.onset import Onset, find_onset
from streams.backtest.probe import Probe
from streams.backtest.replay import Replay, Told
from streams.backtest.rows import Row
from streams.core.rules import Rule
from streams.core.rules.moments import moment, unix_ms
from streams.settings import StreamsSettings


class Run:
    """Takes rows by their arrival, and tells what would have fired.

    Args:
        settings, zones: as the worker has them.
        rule_sets: rules by the name of their set.
        partitions: of the totals, see `Machine`.
        watched: a rule and a scope to look at over time.
    """

    def __init__(
        self,
        settings: StreamsSettings,
        zones: Mapping[tuple[str, str], ZoneInfo],
        rule_sets: Mapping[str, Iterable[Rule]],
        *,
        partitions: int = 1,
        watched: tuple[Rule, Scope] | None = None,
    ) -> None:
        self._rules = {
            name: {rule.name: rule for rule in rules} for name, rules in rule_sets.items()
        }
        self.machine = Machine(
            settings,
            zones,
            {name: rules.values() for name, rules in self._rules.items()},
            partitions=partitions,
        )
        self.told: list[Told] = []
        self.rows = 0
        self.end_ms = 0
        self.probe = None if watched is None else Probe(self.machine, *watched)
        self._replay = Replay(self.machine, settings, self._looked)
        self._onsets: dict[tuple[str, str], Onset | None] = {}

    def take(self, row: Row) -> None:
        """Take the next row."""
        self.rows += 1
        self._keep(self._replay.take(row))

    def advance(self, now_ms: int) -> None:
        """Let time pass without rows."""
        self._keep(self._replay.advance(now_ms))

    def finish(self) -> None:
        """Say that no more rows come."""
        self._keep(self._replay.finish())

    @property
    def end(self) -> datetime:
        """Tell when was looked last."""
        return moment(self.end_ms)

    def episodes(self, rules: str, since_ms: int | None = None) -> list[Episode]:
        """Give what one set of rules made of it, from `since_ms` (Unix ms) on."""
        told = [each for each in self.told if each.rules == rules]
        onsets = {id_: onset for (name, id_), onset in self._onsets.items() if name == rules}
        return episodes(told, onsets, moment(since_ms or 0))

    def _looked(self, now_ms: int) -> None:
        self.end_ms = now_ms
        if self.probe is not None:
            self.probe.look(now_ms)

    def _keep(self, found: Iterable[Told]) -> None:
        for told in found:
            self.told.append(told)
            key = (told.rules, told.alert.id)
            if told.alert.state is AlertState.FIRING and key not in self._onsets:
                self._onsets[key] = self._onset(told.rules, told.alert)

    def _onset(self, rules: str, alert: Alert) -> Onset | None:
        rule = self._rules[rules][alert.rule]
        condition = next(each for each in rule.conditions if each.metric == alert.metric)
        condition = condition.as_it_was(alert.evidence.threshold)
        return find_onset(condition, self.machine.panes(alert.scope, unix_ms(alert.at)))
