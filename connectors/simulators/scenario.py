"""What a made-up call centre looks like: numbers, campaigns, queues, reps, how busy they are."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

FLAT_DAY = (1.0,) * 24
WORKING_DAY = (
    *(0.0,) * 8,
    *(0.4, 0.9, 1.0, 0.8, 0.3, 0.6, 0.9, 1.0, 0.9, 0.7, 0.4, 0.2),
    *(0.0,) * 4,
)


@dataclass(frozen=True, slots=True)
class Spread:
    """A duration in seconds: triangular from `low` to `high`, most often `mode`."""

    low: float
    mode: float
    high: float

    def draw(self, rng: random.Random) -> float:
        """Draw one duration."""
        return rng.triangular(self.low, self.high, self.mode)


@dataclass(frozen=True, slots=True)
class Episode:
    """A time during which a probability is another: a number is flagged, a queue is deserted.

    Attributes:
        every: it comes back in these steps; None for once.
    """

    begins: datetime
    ends: datetime
    probability: float
    every: timedelta | None = None

    def holds(self, at: float) -> bool:
        """Tell whether it is on at a moment (Unix s)."""
        since = at - self.begins.timestamp()
        if self.every is not None and since >= 0:
            since %= self.every.total_seconds()
        return 0 <= since < (self.ends - self.begins).total_seconds()


@dataclass(frozen=True, slots=True)
class DisplayNumber:
    """A display number that calls out through icsoc or 7moor.

    Attributes:
        calls_per_minute: at the day's peak.
        campaigns: `project/task` each; icsoc alone.
    """

    number: str
    calls_per_minute: float
    answer_probability: float = 0.45
    campaigns: tuple[str, ...] = ("",)
    episode: Episode | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """A Huawei campaign.

    Attributes:
        size: how many numbers it holds beside those that were called before the history.
        called_before: calls from before the history, in the total* counters alone.
        bare: its own row lacks every total* and daily* field, as in the document's sample.
    """

    campaign_id: str
    number: str
    calls_per_minute: float
    answer_probability: float = 0.4
    batches: tuple[str, ...] = ()
    size: int = 100_000
    called_before: int = 0
    answered_before: int = 0
    bare: bool = False
    episode: Episode | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """An inbound queue at Huawei, by the number that customers call."""

    number: str
    calls_per_minute: float
    pickup_probability: float = 0.9
    episode: Episode | None = None
    media_type: int = 5
    sub_media_type: int | None = None


@dataclass(frozen=True, slots=True)
class Rep:
    """A rep, and how likely they are to pick up when a call is put through."""

    extension: str
    pickup_probability: float = 0.93


@dataclass(frozen=True, slots=True)
class Region:
    """Where customers live."""

    areacode: str
    name: str
    weight: float = 1


@dataclass(frozen=True, slots=True)
class Carrier:
    """Whose customers they are; `prefixes` begin their numbers."""

    name: str
    prefixes: tuple[str, ...]
    weight: float = 1


@dataclass(frozen=True, slots=True)
class TaskSeed:
    """A 7moor dial-out task that exists from the start."""

    name: str
    description: str = ""
    reps: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    status: str = "DEALING"


REGIONS = (
    Region("0755", "广东 深圳", 3),
    Region("021", "上海 上海", 3),
    Region("0376", "河南 信阳", 1),
    Region("028", "四川 成都", 2),
)
CARRIERS = (
    Carrier("MOBILE", ("138", "150", "187"), 5),
    Carrier("UNICOM", ("130", "156", "186"), 3),
    Carrier("TELECOM", ("133", "180", "189"), 2),
)
REPS = tuple(
    Rep(str(8001 + place), 0.82 + 0.02 * (place % 8))  # from the slow to the quick
    for place in range(16)
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that decides which calls are made: one scenario, one history, always.

    Attributes:
        seed: another seed, another history.
        start: "now" when the servers open; earlier calls are history.
        history: how far back the history goes; None: to the local midnight before `start`.
        shape: for each local hour, the share of the peak rate.
        time_compression: divides every duration: 20 makes a minute's talk three seconds.
        ring, wait, talk: seconds until the customer answers, until a rep answers or the
            customer gives up, and of conversation; before compression.
    """

    start: datetime
    seed: int = 1
    timezone: str = "Asia/Shanghai"
    history: timedelta | None = None
    shape: tuple[float, ...] = FLAT_DAY
    time_compression: float = 1
    ring: Spread = Spread(4, 12, 35)
    wait: Spread = Spread(1, 3, 12)
    talk: Spread = Spread(10, 40, 240)
    icsoc: tuple[DisplayNumber, ...] = ()
    sevenmoor: tuple[DisplayNumber, ...] = ()
    tasks: tuple[TaskSeed, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    queues: tuple[Queue, ...] = ()
    reps: tuple[Rep, ...] = REPS
    regions: tuple[Region, ...] = REGIONS
    carriers: tuple[Carrier, ...] = CARRIERS

    @property
    def zone(self) -> ZoneInfo:
        """Give the vendors' time zone."""
        return ZoneInfo(self.timezone)

    @property
    def begins(self) -> datetime:
        """Give the moment from which calls exist."""
        if self.history is not None:
            return self.start - self.history
        local = self.start.astimezone(self.zone)
        return local.replace(hour=0, minute=0, second=0, microsecond=0)


FLAGGED_NUMBER = "02160661801"
DESERTED_QUEUE = "31045665"


def brisk(
    start: datetime,
    *,
    seed: int = 1,
    flagged_after: timedelta = timedelta(seconds=15),
    recovers_after: timedelta = timedelta(seconds=35),
    every: timedelta | None = None,
    history: timedelta = timedelta(minutes=2),
    pace: float = 1,
) -> Scenario:
    """Make the demo's scenario: a minute in which a number is flagged and recovers.

    Args:
        start: when the servers open.
        seed: another seed, another history.
        flagged_after: from here on `FLAGGED_NUMBER` is answered 5 % instead of 45 %, and at
            `DESERTED_QUEUE` nobody picks up.
        recovers_after: until here.
        every: all of it again in these steps; None for once.
        history: how many calls a first poll finds.
        pace: multiplies the calls a minute.
    """
    flagged = Episode(start + flagged_after, start + recovers_after, 0.05, every)
    deserted = Episode(start + flagged_after, start + recovers_after, 0.0, every)
    return Scenario(
        start=start,
        seed=seed,
        history=history,
        time_compression=20,
        icsoc=(
            DisplayNumber(FLAGGED_NUMBER, 210 * pace, 0.45, ("10008/13",), flagged),
            DisplayNumber("02160661802", 90 * pace, 0.45, ("10008/13", "10008/14")),
            DisplayNumber("075586101234", 60 * pace, 0.4, ("10195/7",)),
        ),
        sevenmoor=(
            DisplayNumber("01081401967", 60 * pace, 0.42),
            DisplayNumber("01081401968", 40 * pace, 0.38),
        ),
        tasks=(
            TaskSeed("回访-到期客户", "remark", ("2000", "2001"), ("17319132391", "17319132392")),
            TaskSeed("回访-未接来电", "", ("2000",), (), "READY"),
        ),
        campaigns=(
            Campaign("1798316116", "95511001", 60 * pace, called_before=300, answered_before=120),
            Campaign("1549589640", "95511002", 60 * pace, batches=("123456", "66666"), bare=True),
            Campaign("1549589641", "95511003", 30 * pace, batches=("777",)),
        ),
        queues=(
            Queue(DESERTED_QUEUE, 40 * pace, 0.9, deserted),
            Queue("6300111010", 20 * pace, 0.95, None, 53, 1),
        ),
    )


def workday(start: datetime, *, seed: int = 1) -> Scenario:
    """Make a day at its real pace, with history since midnight; no number is flagged."""
    return Scenario(
        start=start,
        seed=seed,
        shape=WORKING_DAY,
        icsoc=(
            DisplayNumber("02160661801", 12, 0.45, ("10008/13",)),
            DisplayNumber("02160661802", 8, 0.4, ("10008/14", "10195/7")),
        ),
        sevenmoor=(DisplayNumber("01081401967", 6), DisplayNumber("01081401968", 4)),
        tasks=(TaskSeed("回访", "remark", ("2000",), ("17319132391",)),),
        campaigns=(
            Campaign("1798316116", "95511001", 5),
            Campaign("1549589640", "95511002", 5, batches=("123456", "66666"), bare=True),
        ),
        queues=(Queue("31045665", 4), Queue("6300111010", 2, 0.8, None, 53, 1)),
    )
