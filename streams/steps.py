"""The steps that hold the counts, set up as the configuration says: for workers and back-tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from schemas import topics
from streams.core.baseline import BaselineBook
from streams.core.calls import CallCounter, Contribution
from streams.core.ledger import Store, in_memory
from streams.core.rules import Rule
from streams.core.tallies import TallyCounter
from streams.core.totals import Totals
from streams.settings import StreamsSettings

_COPIES_BEYOND_LATE = 44 * 3600
"""Copies of a call are known for a day and the lateness, and some hours more."""

HOME = ZoneInfo("Asia/Shanghai")
"""The zone of an account that states none."""


class Steps(NamedTuple):
    """From calls and tallies to totals."""

    calls: CallCounter
    tallies: TallyCounter
    totals: Totals

    def follow(self, rules: Iterable[Rule]) -> None:
        """Count the groups of these rules from the next batch on."""
        groups = {rule.group.name: rule.group for rule in rules if rule.group is not None}
        self.calls.follow(groups.values())
        self.tallies.follow(groups.values())


def _zones(zones: Mapping[tuple[str, str], ZoneInfo]) -> Callable[[str, str], ZoneInfo]:
    def zone_of(vendor: str, account: str) -> ZoneInfo:
        return zones.get((vendor, account), HOME)

    return zone_of


def new_baselines(
    settings: StreamsSettings, zones: Mapping[tuple[str, str], ZoneInfo]
) -> BaselineBook:
    """Make the book of what is usual, empty."""
    return BaselineBook(late_seconds=settings.late, zone_of=_zones(zones))


def new_steps(
    settings: StreamsSettings,
    zones: Mapping[tuple[str, str], ZoneInfo],
    *,
    partitions: int,
    rules: Iterable[Rule] = (),
    store: Store[Contribution] = in_memory,
) -> Steps:
    """Make the steps, empty.

    Args:
        settings: how to count.
        zones: the time zone of each account, by vendor and name.
        partitions: how many partitions the topics have.
        rules: those whose groups are counted.
        store: keeps what each call said.
    """
    zone_of = _zones(zones)
    steps = Steps(
        CallCounter(
            topic=topics.CALLS.name,
            partials=topics.PARTIALS.name,
            partitions=partitions,
            dead_letters=topics.DEAD_LETTERS.name,
            pane_seconds=settings.pane,
            zone_of=zone_of,
            late_seconds=settings.late,
            copies_seconds=settings.late + _COPIES_BEYOND_LATE,
            store=store,
        ),
        TallyCounter(
            topic=topics.TALLIES.name,
            partials=topics.PARTIALS.name,
            partitions=partitions,
            dead_letters=topics.DEAD_LETTERS.name,
            pane_seconds=settings.pane,
            zone_of=zone_of,
            late_seconds=settings.late,
        ),
        Totals(
            pane_seconds=settings.pane,
            window_sizes=settings.window_sizes,
            late_seconds=settings.late,
            keep_seconds=settings.keep,
        ),
    )
    steps.follow(rules)
    return steps
