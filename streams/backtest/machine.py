"""The worker's steps without Kafka: batches in, transitions out, the clock an argument."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from zoneinfo import ZoneInfo

from schemas import topics
from schemas.alert import Alert
from streams.backtest.rows import Row
from streams.core.alerting import AlertBook, Watch
from streams.core.counts import Counts
from streams.core.evaluate import Evaluator
from streams.core.fence import partition_of_scope
from streams.core.rules import Rule
from streams.core.step import Batch, Output, Step
from streams.core.totals import Totals
from streams.core.view import ScopeView
from streams.settings import StreamsSettings
from streams.steps import new_baselines, new_steps


class Machine:
    """What a worker does between topic `calls` and topic `alerts`, for several sets of rules.

    Args:
        settings: how to count.
        zones: the time zone of each account, by vendor and name.
        rule_sets: rules by the name of their set; each has alerts of its own.
        partitions: of the totals, as in production, where each has its own clock.
    """

    def __init__(
        self,
        settings: StreamsSettings,
        zones: Mapping[tuple[str, str], ZoneInfo],
        rule_sets: Mapping[str, Iterable[Rule]],
        *,
        partitions: int = 1,
    ) -> None:
        rule_sets = {name: tuple(rules) for name, rules in rule_sets.items()}
        every = chain.from_iterable(rule_sets.values())
        steps = new_steps(settings, zones, partitions=partitions, rules=every)
        self.totals: Totals = steps.totals
        self.books = {name: AlertBook() for name in rule_sets}
        self._keep = settings.keep
        self._idle_ms = settings.idle_after * 1000
        self._steps: dict[str, Step] = {
            topics.CALLS.name: steps.calls,
            topics.TALLIES.name: steps.tallies,
        }
        self._evaluators = {
            name: Evaluator(
                self.totals,
                self.books[name],
                Watch(rules, settings.window_sizes),
                baselines=new_baselines(settings, zones),
                keep_seconds=self._keep,
            )
            for name, rules in rule_sets.items()
        }
        self._partitions = range(partitions)
        self._count = partitions
        self._offsets = [0] * partitions

    def feed(self, rows: Sequence[Row]) -> None:
        """Count rows; those of one partition must come in order of their offsets."""
        batches: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in rows:
            batches[row.topic, row.partition].append(row)
        for (topic, partition), records in batches.items():
            batch = Batch(topic, partition, records, records[0].offset)
            self._sum(self._steps[topic].fold(batch).outputs)

    def tell(self, now_ms: int) -> list[tuple[str, Alert]]:
        """Judge what is due at a moment of the wall clock; each transition with its rules' set."""
        found = []
        for evaluator in self._evaluators.values():
            evaluator.begin(self._partitions)
        for partition in self._partitions:
            self.totals.advance(partition, now_ms - self._idle_ms)
            for evaluator in self._evaluators.values():
                evaluator.learn(partition)
            changed = [text for text, _ in self.totals.take_changed(partition)]
            for name, evaluator in self._evaluators.items():
                for text in (*changed, *evaluator.also_due(partition, set(changed))):
                    found += [(name, a) for a in evaluator.transitions(partition, text)]
        return found

    def view(self, scope: str) -> tuple[ScopeView, int]:
        """Look at a scope as the first set of rules does; also give the view's end (Unix ms)."""
        partition = partition_of_scope(scope, self._count)
        evaluator = next(iter(self._evaluators.values()))
        return evaluator.view(partition, scope), self.totals.end(partition) * 1000

    def panes(self, scope: str, until_ms: int) -> Iterator[tuple[int, Counts]]:
        """Give a scope's panes that are kept: where each begins (Unix s), and what it holds."""
        found = self.totals.scope(partition_of_scope(scope, self._count), scope)
        if found is not None:
            end = until_ms // 1000
            yield from found.sliding.slices(end - self._keep, end)

    def _sum(self, outputs: Iterable[Output]) -> None:
        batches: dict[int, list[Row]] = defaultdict(list)
        for output in outputs:
            if output.topic != topics.PARTIALS.name:
                continue
            partition = output.partition or 0
            offset = self._offsets[partition]
            self._offsets[partition] = offset + 1
            batches[partition].append(
                Row(output.topic, partition, offset, 0, output.key, output.value)
            )
        for partition, records in batches.items():
            batch = Batch(topics.PARTIALS.name, partition, records, records[0].offset)
            self.totals.fold(batch)
