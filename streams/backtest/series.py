"""Series of calls as a test writes them: `6/20x15 1/20x10` is a quarter of an hour and ten minutes.

Each word stands for one interval, or with `xN` for N of them:

- `6/20`: 20 calls, 6 of them answered and connected; `6+2/20`: 2 more answered and abandoned
- `3`: 3 missed calls
- `_`: none
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas import topics
from schemas.call import Call, Direction, Outcome
from schemas.scope import Basis, Kind, Scope
from schemas.tally import Tally
from streams.backtest.rows import Row

_WORD = re.compile(r"(?:(_)|(\d+)|(?:(\d+)(?:\+(\d+))?/(\d+)))(?:x(\d+))?")
_HOW = "write 6/20 (answered of calls), 6+2/20 (two more abandoned), 3 (missed calls), _ (none)"
DIMENSIONS = tuple(
    str(kind)
    for kind in (Kind.DISPLAY_NUMBER, Kind.CAMPAIGN, Kind.QUEUE, Kind.REGION, Kind.CARRIER)
)


class Interval(NamedTuple):
    """What happens in one interval."""

    attempts: int = 0
    connected: int = 0
    abandoned: int = 0
    missed: int = 0


def parse_values(text: str) -> tuple[Interval, ...]:
    """Read the intervals.

    Raises:
        ValueError: a word is none; the text says how to write it.
    """
    found: list[Interval] = []
    for word in text.split():
        match = _WORD.fullmatch(word)
        if match is None:
            raise ValueError(f"{word!r}: {_HOW}, each with x10 for ten times")
        _, missed, connected, abandoned, attempts, times = match.groups()
        interval = Interval(
            int(attempts or 0), int(connected or 0), int(abandoned or 0), int(missed or 0)
        )
        if interval.connected + interval.abandoned > interval.attempts:
            raise ValueError(f"{word!r}: more calls are answered than made")
        found += [interval] * int(times or 1)
    return tuple(found)


class Series(NamedTuple):
    """Calls of one scope, or readings of one counter, interval by interval.

    Attributes:
        dimensions: what else the calls have, such as `{"carrier": "MOBILE"}`.
        late: how long after their end the calls arrive.
    """

    scope: Scope
    dimensions: dict[str, str]
    intervals: tuple[Interval, ...]
    late: timedelta


def rows_of(series: Series, number: int, start: datetime, interval: timedelta) -> Iterator[Row]:
    """Give the rows of a series: calls spread evenly, or a reading at the end of each interval.

    Args:
        series: what happens.
        number: tells this series' calls from others'.
        start: when the first interval begins.
        interval: how long each is.
    """
    messages = _readings if series.scope.basis is Basis.TALLIES else _calls
    for at, topic, message in messages(series, number, start, interval):
        arrived = at + series.late
        yield Row(topic, 0, 0, int(arrived.timestamp() * 1000), message.key, message.to_json())


def _calls(
    series: Series, number: int, start: datetime, interval: timedelta
) -> Iterator[tuple[datetime, str, Call]]:
    scope = series.scope
    dimensions = dict(series.dimensions)
    if scope.value is not None:
        dimensions[str(scope.kind)] = scope.value
    for index, each in enumerate(series.intervals):
        outcomes = _outcomes(each)
        for place, outcome in enumerate(outcomes):
            ended = start + interval * (index + (place + 0.5) / len(outcomes))
            missed = outcome is Outcome.MISSED
            yield (
                ended,
                topics.CALLS.name,
                Call(
                    vendor=scope.vendor,
                    account=scope.account or "main",
                    call_id=f"{number}-{index}-{place}",
                    direction=Direction.INBOUND if missed else Direction.OUTBOUND,
                    outcome=outcome,
                    ended_at=ended,
                    talk_seconds=60 if outcome is Outcome.CONNECTED else None,
                    **dimensions,
                ),
            )


def _outcomes(interval: Interval) -> list[Outcome]:
    """Spread what was answered evenly over the calls, and the abandoned over the answered."""
    answered = interval.connected + interval.abandoned
    outcomes: list[Outcome] = []
    seen = 0
    for place in range(interval.attempts):
        if not _falls(place, answered, interval.attempts):
            outcomes.append(Outcome.UNANSWERED)
            continue
        lost = _falls(seen, interval.abandoned, answered)
        outcomes.append(Outcome.ABANDONED if lost else Outcome.CONNECTED)
        seen += 1
    return outcomes + [Outcome.MISSED] * interval.missed


def _falls(place: int, share: int, whole: int) -> bool:
    """Tell whether one of `share` places, spread evenly over `whole`, is this one."""
    return (place + 1) * share // whole > place * share // whole


def _readings(
    series: Series, number: int, start: datetime, interval: timedelta
) -> Iterator[tuple[datetime, str, Tally]]:
    scope = series.scope
    name = scope.value if scope.kind is Kind.DISPLAY_NUMBER else None
    campaign = scope.value if scope.kind is Kind.CAMPAIGN else None
    attempts = answered = 0
    # The first reading is the baseline.
    for index, each in enumerate((Interval(), *series.intervals)):
        attempts += each.attempts
        answered += each.connected + each.abandoned
        read = start + interval * index
        yield (
            read,
            topics.TALLIES.name,
            Tally(
                vendor=scope.vendor,
                account=scope.account or "main",
                series=f"{scope}#{number}",
                read_at=read,
                display_number=name,
                campaign=campaign,
                attempts=attempts,
                answered=answered,
            ),
        )
