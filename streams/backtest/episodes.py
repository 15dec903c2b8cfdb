"""What fired, for how long, how often it flapped, and how two sets of rules differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from schemas.alert import Alert, AlertState, Severity
from streams.backtest.onset import Onset
from streams.backtest.replay import Told
from streams.core.rules.group import whoever_grouped

FLAP = timedelta(hours=1)
"""An alert that fires again so soon after it was resolved has flapped."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One firing of one alert.

    Attributes:
        ended: None where it was still firing at the end.
        onset: when the trouble began, where that can be told.
        flap: it had fired before and was resolved less than `FLAP` ago.
        disproved: late calls showed that it should not have fired.
    """

    rule: str
    scope: str
    severity: Severity
    began: datetime
    ended: datetime | None
    summary: str
    diagnosis: str | None
    onset: Onset | None
    flap: bool
    disproved: bool

    def lasted(self, end: datetime) -> timedelta:
        """Tell how long it fired, until `end` where it still does."""
        return (self.ended or end) - self.began


@dataclass(frozen=True, slots=True)
class RuleScore:
    """One rule over all its episodes."""

    rule: str
    fired: int
    scopes: int
    flaps: int
    disproved: int
    firing: timedelta
    calls_to_detect: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """How two sets of rules compare: episodes of one alone, and pairs that overlap."""

    new: tuple[Episode, ...]
    gone: tuple[Episode, ...]
    both: tuple[tuple[Episode, Episode], ...]


def episodes(
    told: Iterable[Told], onsets: dict[str, Onset | None], since: datetime
) -> list[Episode]:
    """Put transitions of one set of rules together, by when they began.

    Args:
        told: the transitions, in their order.
        onsets: by the id of the firing transition.
        since: firings that ended before are left out.
    """
    open_: dict[str, Alert] = {}
    resolved: dict[str, datetime] = {}
    found: list[Episode] = []
    for _, alert in told:
        if alert.state is AlertState.FIRING:
            open_.setdefault(alert.fingerprint, alert)
        elif alert.state is AlertState.RESOLVED:
            fired = open_.pop(alert.fingerprint, None)
            if fired is not None:
                found.append(_episode(fired, alert, resolved, onsets))
                resolved[alert.fingerprint] = alert.at
    found += [_episode(fired, None, resolved, onsets) for fired in open_.values()]
    kept = [each for each in found if each.ended is None or each.ended >= since]
    return sorted(kept, key=lambda each: (each.began, each.rule, each.scope))


def _episode(
    fired: Alert,
    ended: Alert | None,
    resolved: dict[str, datetime],
    onsets: dict[str, Onset | None],
) -> Episode:
    before = resolved.get(fired.fingerprint)
    return Episode(
        fired.rule,
        fired.scope,
        fired.severity,
        fired.starts_at,
        None if ended is None else ended.at,
        fired.annotations.get("summary", ""),
        fired.annotations.get("diagnosis"),
        onsets.get(fired.id),
        before is not None and fired.starts_at - before < FLAP,
        ended is not None and "late_data" in ended.annotations,
    )


def score(rule: str, found: Sequence[Episode], end: datetime) -> RuleScore:
    """Sum up one rule's episodes."""
    own = [each for each in found if each.rule == rule]
    calls = [each.onset.calls for each in own if each.onset is not None]
    return RuleScore(
        rule,
        len(own),
        len({each.scope for each in own}),
        sum(each.flap for each in own),
        sum(each.disproved for each in own),
        sum((each.lasted(end) for each in own), timedelta()),
        median(calls) if calls else None,
    )


def compare(new: Sequence[Episode], current: Sequence[Episode], end: datetime) -> Difference:
    """Compare the episodes of two sets of rules: pairs are of one scope, and overlap in time.

    The rules' names do not matter, so that a renamed rule is not a difference.
    """
    by_scope: dict[str, list[Episode]] = defaultdict(list)
    for each in current:
        by_scope[whoever_grouped(each.scope)].append(each)
    pairs = [
        (each, other)
        for each in new
        for other in by_scope[whoever_grouped(each.scope)]
        if _overlap(each, other, end)
    ]
    paired = {id(each) for pair in pairs for each in pair}
    return Difference(
        tuple(each for each in new if id(each) not in paired),
        tuple(each for each in current if id(each) not in paired),
        tuple(pairs),
    )


def _overlap(one: Episode, other: Episode, end: datetime) -> bool:
    return one.began <= (other.ended or end) and other.began <= (one.ended or end)
