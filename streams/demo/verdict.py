"""Is it all there? The metrics beside what the simulators know to be right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from connectors.simulators.truth import CallCounts, Growth, Truth
from schemas import topics
from schemas.alert import AlertState
from streams.demo.plan import ACCOUNT
from streams.demo.watch import Metric, Seen


class Difference(NamedTuple):
    """A count that is not as it should be."""

    what: str
    counted: tuple[int, ...]
    right: tuple[int, ...]

    @property
    def lost(self) -> int:
        """Tell how many records the first count is off by."""
        return abs(self.right[0] - self.counted[0])


def differences(seen: Seen, truth: Truth) -> list[Difference]:
    """Compare every scope's calendar day with the truth; an empty list means exact."""
    return [
        difference
        for difference in (*_calls(seen, truth), *_missed(seen, truth), *_tallies(seen, truth))
        if difference.counted != difference.right
    ]


def _calls(seen: Seen, truth: Truth) -> Iterator[Difference]:
    root = f"calls:icsoc/{ACCOUNT}"
    yield _call_counts(seen, root, truth.icsoc.account)
    groups: Mapping[str, Mapping[str, CallCounts]] = {
        "display_number": truth.icsoc.display_number,
        "campaign": {**truth.icsoc.project, **truth.icsoc.campaign},
        "region": truth.icsoc.region,
        "carrier": truth.icsoc.carrier,
    }
    for kind, group in groups.items():
        for value, right in group.items():
            yield _call_counts(seen, f"{root}/{kind}/{value}", right)


def _call_counts(seen: Seen, scope: str, right: CallCounts) -> Difference:
    days = seen.days(topics.ANSWER_RATE, scope)
    return Difference(
        scope,
        _sums(days, "attempts", "answered", "connected", "abandoned", "talk_seconds"),
        (right.attempts, right.answered, right.connected, right.abandoned, right.talk_seconds),
    )


def _missed(seen: Seen, truth: Truth) -> Iterator[Difference]:
    for queue, right in truth.missed.items():
        scope = f"calls:huawei/{ACCOUNT}/queue/{queue}"
        days = seen.days(topics.MISSED_CALL_COUNTS, scope)
        yield Difference(scope, _sums(days, "missed"), (right,))


def _tallies(seen: Seen, truth: Truth) -> Iterator[Difference]:
    numbers: dict[str, list[Growth]] = {}
    for (number, _), growth in sorted(truth.sevenmoor.items()):
        numbers.setdefault(number, []).append(growth)
    for number, growths in numbers.items():
        # The first period's first reading is the baseline; a period that begins later begins
        # at zero.
        first, *later = growths
        increase = first.increase
        attempts = increase.attempts + sum(growth.now.attempts for growth in later)
        answered = increase.answered + sum(growth.now.answered for growth in later)
        scope = f"tallies:7moor/{ACCOUNT}/display_number/{number}"
        yield _tally_counts(seen, scope, (attempts, answered))
    for (campaign, batch), growth in truth.huawei_daily.items():
        path = f"{campaign}/{batch}" if batch else campaign
        right = (growth.increase.attempts, growth.increase.answered)
        yield _tally_counts(seen, f"tallies:huawei/{ACCOUNT}/campaign/{path}", right)


def _tally_counts(seen: Seen, scope: str, right: tuple[int, int]) -> Difference:
    days = seen.days(topics.ANSWER_RATE, scope)
    return Difference(scope, _sums(days, "attempts", "answered"), right)


def _sums(metrics: list[Metric], *fields: str) -> tuple[int, ...]:
    return tuple(sum(getattr(metric, field) for metric in metrics) for field in fields)


def feeds(seen: Seen) -> dict[str, int]:
    """Give how many raw records came by each of the six feeds."""
    return {
        "7moor answer report": seen.counts[topics.RAW_SEVENMOOR_REPORT.name],
        "7moor dial-out tasks": seen.counts[topics.RAW_SEVENMOOR_TASK.name],
        "huawei campaign statistics": seen.counts[topics.RAW_HUAWEI_STATISTICS.name],
        "huawei missed calls": seen.counts[topics.RAW_HUAWEI_MISSED.name],
        "icsoc cdr search": seen.searched,
        "icsoc cdr push": seen.pushed,
    }


def summary(seen: Seen, delivered: int, off: list[Difference]) -> dict[str, Any]:
    """Give the demo's last line."""
    return {
        "feeds": feeds(seen),
        "calls": seen.counts[topics.CALLS.name],
        "tallies": seen.counts[topics.TALLIES.name],
        "missed_calls": seen.counts[topics.MISSED_CALLS.name],
        "metrics": seen.counts[topics.ANSWER_RATE.name]
        + seen.counts[topics.MISSED_CALL_COUNTS.name],
        "alerts": {
            "firing": seen.transitions[AlertState.FIRING],
            "resolved": seen.transitions[AlertState.RESOLVED],
        },
        "hooks_delivered": delivered,
        "dead_letters": seen.counts[topics.DEAD_LETTERS.name],
        "lost": sum(difference.lost for difference in off),
    }


def passed(result: Mapping[str, Any], off: list[Difference]) -> bool:
    """Tell whether every feed flowed, an alert was fired and delivered, and all is counted."""
    return (
        not off
        and all(result["feeds"].values())
        and result["alerts"]["firing"] > 0
        and result["hooks_delivered"] > 0
        and result["dead_letters"] == 0
    )
