"""What the decisions alone cost: the steps folded in this process, without Kafka."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from benchmarks.engine.bench import Bench
from benchmarks.engine.traffic import Traffic, Written, make, now
from connectors.kafka import partition_of
from schemas import topics
from streams.core.calls import CallCounter
from streams.core.step import Batch, Effects, Output
from streams.core.totals import Totals
from streams.settings import StreamsSettings

PARTITIONS = 4
BATCH = 500


class Rec(NamedTuple):
    """A record as aiokafka would give it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Stages:
    """The two counting steps with the settings that ship, fed batch by batch.

    `state` gathers the changelog of each, by partition.
    """

    calls: CallCounter
    totals: Totals

    def __post_init__(self) -> None:
        self._partials = [0] * PARTITIONS

    def count(self, partition: int, records: Sequence[Rec]) -> Effects:
        """Fold calls."""
        return self.calls.fold(Batch(topics.CALLS.name, partition, records, 0))

    def route(self, outputs: Sequence[Output]) -> Iterator[tuple[int, list[Rec]]]:
        """Give the partials as the batches that the next step would read."""
        routed: list[list[Rec]] = [[] for _ in range(PARTITIONS)]
        stamp = time.time_ns() // 1_000_000
        for output in outputs:
            to = output.partition or 0
            routed[to].append(Rec(self._partials[to], stamp, output.key, output.value))
            self._partials[to] += 1
        for partition, records in enumerate(routed):
            if records:
                yield partition, records

    def total(self, partition: int, records: Sequence[Rec]) -> Effects:
        """Fold partials."""
        return self.totals.fold(Batch(topics.PARTIALS.name, partition, records, 0))

    def entries(self) -> int:
        """Count what both hold: versions of calls, panes of scopes, and shares of panes."""
        counted = sum(
            len(self.calls._ledger._page(partition).versions)
            + sum(map(len, self.calls._panes._book(partition).panes.values()))
            for partition in range(PARTITIONS)
        )
        totals = (
            self.totals.scope(partition, scope)
            for partition in range(PARTITIONS)
            for scope in self.totals.scopes(partition)
        )
        return counted + sum(len(each.shares) for each in totals if each is not None)


def stages() -> Stages:
    """Make the steps as the topology does."""
    settings = StreamsSettings()
    shanghai = ZoneInfo("Asia/Shanghai")
    return Stages(
        CallCounter(
            topic=topics.CALLS.name,
            partials=topics.PARTIALS.name,
            partitions=PARTITIONS,
            dead_letters=topics.DEAD_LETTERS.name,
            pane_seconds=settings.pane,
            zone_of=lambda _vendor, _account: shanghai,
            late_seconds=settings.late,
            copies_seconds=settings.late + 44 * 3600,
        ),
        Totals(
            pane_seconds=settings.pane,
            window_sizes=settings.window_sizes,
            late_seconds=settings.late,
            keep_seconds=settings.keep,
        ),
    )


def batches(written: Iterator[Written]) -> Iterator[tuple[int, list[Rec]]]:
    """Give calls as batches of partitions."""
    waiting: list[list[Rec]] = [[] for _ in range(PARTITIONS)]
    offsets = [0] * PARTITIONS
    stamp = time.time_ns() // 1_000_000
    for one in written:
        partition = partition_of(one.key, PARTITIONS)
        waiting[partition].append(Rec(offsets[partition], stamp, one.key, one.value))
        offsets[partition] += 1
        if len(waiting[partition]) == BATCH:
            yield partition, waiting[partition]
            waiting[partition] = []
    for partition, rest in enumerate(waiting):
        if rest:
            yield partition, rest


async def run(bench: Bench) -> dict[str, Any]:
    """Fold the planned calls."""
    plan = bench.plan
    bench.step("the core alone")
    parts = stages()
    counting = totalling = 0.0
    calls = partials = entries = 0
    prepared = list(batches(make(Traffic(plan.core_calls, plan.rate, plan.numbers, now()))))
    for partition, records in prepared:
        began = time.process_time()
        effects = parts.count(partition, records)
        counting += time.process_time() - began
        calls += len(records)
        partials += len(effects.outputs)
        entries += len(effects.state)
        for to, routed in parts.route(effects.outputs):
            began = time.process_time()
            entries += len(parts.total(to, routed).state)
            totalling += time.process_time() - began
    return summarise(calls, partials, entries, counting, totalling)


def summarise(
    calls: int, partials: int, entries: int, counting: float, totalling: float
) -> dict[str, Any]:
    """Give microseconds a call and a partial, and records written a call."""
    return {
        "calls": calls,
        "batch": BATCH,
        "count_us_per_call": counting / calls * 1e6,
        "sum_us_per_call": totalling / calls * 1e6,
        "partial_records_per_call": partials / calls,
        "changelog_records_per_call": entries / calls,
    }
