"""What the right counts are, by counting the calls themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from connectors.simulators.calls import Call, Outcome


@dataclass(frozen=True, slots=True)
class CallCounts:
    """Ended calls, counted.

    Attributes:
        answered: the customer was there (callresult 1 or 2).
        connected: customer and rep spoke (2).
        abandoned: the customer was there and no rep was (1).
    """

    attempts: int = 0
    answered: int = 0
    connected: int = 0
    abandoned: int = 0
    talk_seconds: int = 0


@dataclass(frozen=True, slots=True)
class IcsocTruth:
    """icsoc's calls by scope; `campaign` by `project/task`, `project` by project alone."""

    account: CallCounts
    display_number: Mapping[str, CallCounts]
    campaign: Mapping[str, CallCounts]
    project: Mapping[str, CallCounts]
    region: Mapping[str, CallCounts]
    carrier: Mapping[str, CallCounts]


@dataclass(frozen=True, slots=True)
class Counters:
    """A vendor's counters at one reading."""

    attempts: int
    answered: int

    def __sub__(self, other: Counters) -> Counters:
        return Counters(self.attempts - other.attempts, self.answered - other.answered)


@dataclass(frozen=True, slots=True)
class Growth:
    """Counters when they were first served, when last, and as they stand now.

    A reader's first reading is a baseline, so what it can have counted is `now - first`.
    """

    first: Counters
    last: Counters
    now: Counters

    @property
    def increase(self) -> Counters:
        """Give what a reader that has read all can have counted."""
        return self.now - self.first


@dataclass(frozen=True, slots=True)
class Truth:
    """The right counts of all three vendors at one moment.

    Attributes:
        icsoc: ended calls.
        missed: Huawei's missed calls by the number that was called.
        sevenmoor: by display number and the `startTime` that was asked with, as it was written.
        huawei_total: by campaign and batch (empty for the campaign itself), total* counters.
        huawei_daily: the same, daily* counters. Rows that report neither are in neither.
        tasks: how many dial-out tasks 7moor has.
    """

    icsoc: IcsocTruth
    missed: Mapping[str, int]
    sevenmoor: Mapping[tuple[str, str], Growth]
    huawei_total: Mapping[tuple[str, str], Growth]
    huawei_daily: Mapping[tuple[str, str], Growth]
    tasks: int


def count_calls(calls: Iterable[Call]) -> CallCounts:
    """Count calls that have ended."""
    attempts = answered = connected = abandoned = talk_seconds = 0
    for call in calls:
        attempts += 1
        answered += call.outcome is not Outcome.UNANSWERED
        connected += call.outcome is Outcome.CONNECTED
        abandoned += call.outcome is Outcome.ABANDONED
        talk_seconds += call.talk_seconds
    return CallCounts(attempts, answered, connected, abandoned, talk_seconds)


def count_icsoc(calls: Iterable[Call]) -> IcsocTruth:
    """Count icsoc's ended calls in every scope."""
    ended = list(calls)

    def by(key: Callable[[Call], str]) -> dict[str, CallCounts]:
        groups: defaultdict[str, list[Call]] = defaultdict(list)
        for call in ended:
            groups[key(call)].append(call)
        return {name: count_calls(group) for name, group in groups.items()}

    return IcsocTruth(
        account=count_calls(ended),
        display_number=by(lambda call: call.number),
        campaign=by(lambda call: call.campaign),
        project=by(lambda call: call.campaign.partition("/")[0]),
        region=by(lambda call: call.region),
        carrier=by(lambda call: call.carrier),
    )
