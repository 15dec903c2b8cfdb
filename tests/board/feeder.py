"""A seeded call centre that writes believable messages straight into a board, without Kafka.

For tests, and for working on the page: `python -m tests.board.feeder --port 8090 --scopes 10000`.
"""

import argparse
import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connectors.web import serve
from schemas.alert import Alert, AlertState, Evidence, Severity
from schemas.base import Vendor
from schemas.call import Call, Direction, HungUpBy, Outcome
from schemas.campaign import Campaign
from schemas.metric import AnswerRate, MissedCalls, Rate, Window
from schemas.scope import Basis, Scope
from schemas.silence import Matcher, Silence
from schemas.source_status import SourceState, SourceStatus
from schemas.topics import (
    ALERTS,
    ANSWER_RATE,
    CALLS,
    CAMPAIGNS,
    MISSED_CALL_COUNTS,
    SILENCES,
    SOURCES,
)
from streams.board.app import make_app
from streams.board.settings import BoardSettings
from streams.board.state import Board
from streams.core.wilson import wilson

WINDOWS = {"5m": 300, "15m": 900, "1h": 3600}
REGIONS = ("广东", "北京", "上海", "浙江", "四川", "湖北", "福建", "山东")
CARRIERS = ("中国移动", "中国联通", "中国电信")
TASKS = ("春季回访", "续费提醒", "满意度调查", "新品推广", "Renewal follow-up", "信用卡分期")


def rate_of(part, whole):
    if not whole or part is None:
        return None
    low, high = wilson(part, whole)
    return Rate(value=part / whole, low=low, high=high)


def answer_rate(scope, window, end, attempts, answered, **more):
    """One message of metrics.answer-rate, with the rates that follow from the counts."""
    parsed = Scope.parse(scope)
    connected, abandoned = more.pop("connected", None), more.pop("abandoned", None)
    size = WINDOWS.get(window)
    start = end - timedelta(seconds=size) if size else end - timedelta(days=1)
    more = {"revision": 1, "final": False, "last_event_at": end, "watermark": end} | more
    return AnswerRate(
        scope=scope, basis=parsed.basis, vendor=parsed.vendor, account=parsed.account,
        kind=parsed.kind, value=parsed.value, window=Window(name=window, start=start, end=end),
        attempts=attempts, answered=answered, connected=connected, abandoned=abandoned,
        answer_rate=rate_of(answered, attempts), connect_rate=rate_of(connected, attempts),
        abandon_rate=rate_of(abandoned, answered), **more,
    )  # fmt: skip


def missed_calls(scope, window, end, missed, **more):
    """One message of metrics.missed-calls."""
    parsed = Scope.parse(scope)
    start = end - timedelta(seconds=WINDOWS.get(window, 86_400))
    more = {"revision": 1, "final": False, "last_event_at": end, "watermark": end} | more
    return MissedCalls(
        scope=scope, basis=parsed.basis, vendor=parsed.vendor, account=parsed.account,
        kind=parsed.kind, value=parsed.value, window=Window(name=window, start=start, end=end),
        missed=missed, wait_seconds=missed * 21, average_wait_seconds=21.0 if missed else None,
        **more,
    )  # fmt: skip


def answer_alert(scope, state, starts_at, at, *, successes, attempts, ends_at=None):
    """An alert of the built-in rule display-number-answer-rate."""
    parsed = Scope.parse(scope)
    low, high = wilson(successes, attempts)
    rate = successes / attempts
    return Alert(
        fingerprint=f"dn-{parsed.vendor}-{parsed.value}",
        rule="display-number-answer-rate",
        state=state,
        severity=Severity.CRITICAL,
        starts_at=starts_at,
        ends_at=ends_at,
        at=at,
        labels={"vendor": parsed.vendor, "account": parsed.account, "display_number": parsed.value},
        annotations={
            "summary": f"{parsed.value} is answered {rate:.1%} of the time ({successes} of "
            f"{attempts} in 15m), below 20%",
            "summary_zh": f"外显号码 {parsed.value} 接通率 {rate:.1%}（15 分钟内 {attempts} 次接通 "
            f"{successes} 次），低于 20%",
            "description": f"95 % interval {low:.1%} to {high:.1%}. Carriers may have flagged the "
            "number: rest it, or dial from another.",
            "description_zh": f"95% 区间 {low:.1%} 至 {high:.1%}。号码可能已被运营商标记："
            "请停用，或改用其他号码。",
            "resolves_when_zh": "接通率回到 25% 及以上",
        },
        metric="answer_rate",
        scope=scope,
        evidence=Evidence(
            window="15m", window_start=at - timedelta(minutes=15), window_end=at,
            attempts=attempts, successes=successes, value=rate, low=low, high=high, threshold=0.2,
            last_event_at=at,
        ),
        resolves_when="resolves when the answer rate is at or above 25%",
    )  # fmt: skip


def queue_alert(scope, state, starts_at, at, missed, ends_at=None):
    """An alert of the built-in rule queue-missed-calls."""
    parsed = Scope.parse(scope)
    return Alert(
        fingerprint=f"queue-{parsed.value}",
        rule="queue-missed-calls",
        state=state,
        severity=Severity.WARNING,
        starts_at=starts_at,
        ends_at=ends_at,
        at=at,
        labels={"vendor": parsed.vendor, "account": parsed.account, "queue": parsed.value},
        annotations={
            "summary": f"Queue {parsed.value}: {missed} missed calls in 5m",
            "summary_zh": f"队列 {parsed.value}：5 分钟内未接来电 {missed} 个",
            "resolves_when_zh": "未接来电降至 2 个及以下",
        },
        metric="missed_calls",
        scope=scope,
        evidence=Evidence(
            window="5m", window_start=at - timedelta(minutes=5), window_end=at,
            value=missed, threshold=5, last_event_at=at,
        ),
        resolves_when="resolves when missed calls are at or below 2",
    )  # fmt: skip


FEEDS = {
    "7moor/main": ("answer-report", "dialout-task"),
    "huawei/aicc": ("campaign-statistics", "missed-call"),
    "icsoc/main": ("cdr",),
}


def source_status(name, at, state="ok", **more):
    """One message of callstreams.sources."""
    vendor, account, *feed = name.split("/", 2)
    return SourceStatus(**{
        "name": name, "vendor": Vendor(vendor), "account": account,
        "feed": feed[0] if feed else None, "state": SourceState(state), "at": at,
        "last_success_at": at - timedelta(seconds=4), "records_published": 1234, "polls": 60,
        "process": "host:1",
    } | more)  # fmt: skip


def silence(identity, now, *matchers, minutes=90, ago=10, **more):
    """One message of callstreams.silences, `ago` minutes old and good for `minutes` more."""
    starts = now - timedelta(minutes=ago)
    return Silence(**{
        "id": identity, "matchers": tuple(Matcher.parse(each) for each in matchers),
        "starts_at": starts, "ends_at": now + timedelta(minutes=minutes), "created_by": "李娜",
        "comment": "号码正在更换 (ticket 4711)", "updated_at": starts,
    } | more)  # fmt: skip


@dataclass
class Traffic:
    scope: str
    per_minute: float
    rate: float
    missed: bool = False
    drift: float = 0.0
    falls: bool = False
    revision: int = 0


@dataclass
class Centre:
    """Three vendors with their numbers, campaigns, queues; `step` lets time pass."""

    seed: int = 7
    scopes: int = 120
    calls: int = 0
    traffic: list[Traffic] = field(default_factory=list)

    def __post_init__(self):
        self.random = random.Random(self.seed)
        add = self._add
        add("calls:icsoc", 140, 0.44)
        add("calls:icsoc/main", 140, 0.44)
        add("tallies:7moor", 88, 0.361)
        add("tallies:7moor/main", 88, 0.361)
        add("tallies:huawei", 61, 0.527)
        add("tallies:huawei/aicc", 61, 0.527)
        add("calls:huawei", 1.6, 0, missed=True)
        add("calls:huawei/aicc", 1.6, 0, missed=True)
        self.flagged = "calls:icsoc/main/display_number/075586110003"
        add(self.flagged, 6, 0.41, falls=True)
        add("tallies:7moor/main/display_number/01081401967", 9, 0.13)
        for number in range(len(TASKS)):
            add(f"calls:icsoc/main/campaign/{1200 + number}", 20, self.random.uniform(0.25, 0.6))
            add(f"tallies:huawei/aicc/campaign/{88100 + number}", 10, self.random.uniform(0.4, 0.6))
        for number in range(5):
            scope = f"calls:huawei/aicc/queue/40088{number:05}"
            add(scope, 1.8 if number == 1 else 0.2, 0, missed=True)
        for region in REGIONS:
            add(f"calls:icsoc/main/region/{region}", 15, self.random.uniform(0.35, 0.55))
        for carrier in CARRIERS:
            add(f"calls:icsoc/main/carrier/{carrier}", 45, self.random.uniform(0.38, 0.5))
        number = 0
        while len(self.traffic) < self.scopes:
            number += 1
            busy = self.random.expovariate(1 / 3)
            rate = min(0.8, max(0.05, self.random.gauss(0.42, 0.09)))
            if number % 3:
                add(f"calls:icsoc/main/display_number/0755{86120000 + number}", busy, rate)
            else:
                add(f"tallies:7moor/main/display_number/010{81402000 + number}", busy, rate)

    def _add(self, scope, per_minute, rate, **more):
        self.traffic.append(Traffic(scope, per_minute, rate, **more))

    def campaigns(self, board, now):
        for vendor, account, first in (("icsoc", "main", 1200), ("huawei", "aicc", 88100)):
            for number, name in enumerate(TASKS):
                told = Campaign(
                    vendor=Vendor(vendor), account=account, campaign=str(first + number), name=name,
                    numbers_total=5000, reps_total=12, read_at=now,
                )  # fmt: skip
                board.take(CAMPAIGNS.name, told.key, told.to_json())

    def step(self, board, now, *, share=1.0, sway=1.0, windows=("5m", "15m", "1h", "day")):
        """Write the metrics of a share of the scopes, as they stand at `now`.

        `sway` is how far rates move: 1 for a minute's distance, less for a second's.
        """
        end = now.replace(microsecond=0)
        for traffic in self.traffic:
            if share < 1 and self.random.random() > share:
                continue
            self._wander(traffic, sway)
            for window in windows:
                self._tell(board, traffic, window, end)

    def _wander(self, traffic, sway):
        traffic.revision += 1
        traffic.drift = (1 - 0.1 * sway) * traffic.drift + self.random.gauss(0, 0.012 * sway)
        if traffic.falls:
            traffic.rate = max(0.07, traffic.rate - 0.005 * sway)

    def _tell(self, board, traffic, window, end):
        minutes = WINDOWS.get(window, 9 * 3600) / 60
        volume = traffic.per_minute * minutes
        count = max(0, round(self.random.gauss(volume, volume**0.5 * 0.15)))
        last = end - timedelta(seconds=self.random.random() * 4)
        until = end.replace(hour=16, minute=0, second=0) if window == "day" else end
        if window == "day" and until <= end:
            until += timedelta(days=1)
        about = {"revision": traffic.revision, "last_event_at": last}
        if traffic.missed:
            told = missed_calls(traffic.scope, window, until, count, **about)
            board.take(MISSED_CALL_COUNTS.name, told.key, told.to_json())
            return
        answered = round(count * min(0.95, max(0.02, traffic.rate + traffic.drift)))
        single = Scope.parse(traffic.scope).basis is Basis.CALLS
        abandoned = round(answered * 0.04) if single else None
        told = answer_rate(
            traffic.scope, window, until, count, answered, abandoned=abandoned,
            connected=answered - abandoned if single else None,
            talk_seconds=(answered - abandoned) * 64 if single else None,
            average_talk_seconds=64.2 if single and answered else None, **about,
        )  # fmt: skip
        board.take(ANSWER_RATE.name, told.key, told.to_json())

    def call(self, board, now, scope=None, *, outcome=None, **more):
        """Write one call of a display number of icsoc."""
        self.calls += 1
        chance = self.random.random()
        drawn = "connected" if chance < 0.4 else "abandoned" if chance < 0.44 else "unanswered"
        outcome = Outcome(outcome or drawn)
        ring = self.random.randint(4, 40)
        spoke = outcome is Outcome.CONNECTED
        number = Scope.parse(scope or self.flagged).value
        told = Call(**{
            "vendor": Vendor.ICSOC, "account": "main", "call_id": f"c{self.calls:08}",
            "direction": Direction.OUTBOUND, "outcome": outcome, "caller": number,
            "callee": f"139{self.random.randint(0, 99999999):08}", "display_number": number,
            "campaign": "1200", "region": self.random.choice(REGIONS),
            "carrier": self.random.choice(CARRIERS), "rep": "8001" if spoke else None,
            "started_at": now - timedelta(seconds=ring + 60), "ended_at": now,
            "ring_seconds": ring, "talk_seconds": self.random.randint(8, 240) if spoke else 0,
            "hung_up_by": self.random.choice(list(HungUpBy)) if spoke else None,
        } | more)  # fmt: skip
        board.take(CALLS.name, told.key, told.to_json())
        return told

    def alert(self, board, alert):
        board.take(ALERTS.name, alert.key, alert.to_json())

    def alerts(self, board, now):
        """A critical one, two warnings, one pending, two that are over."""
        ago = {
            minutes: now - timedelta(minutes=minutes) for minutes in (1, 2, 3, 9, 14, 31, 50, 70)
        }
        low = "tallies:7moor/main/display_number/01081401967"
        over = "calls:icsoc/main/display_number/075586120001"
        queue = "calls:huawei/aicc/queue/400880000"
        firing, pending, resolved = AlertState.FIRING, AlertState.PENDING, AlertState.RESOLVED
        for alert in (
            answer_alert(low, firing, ago[31], ago[31], successes=16, attempts=130),
            answer_alert(self.flagged, pending, ago[14], ago[14], successes=14, attempts=88),
            answer_alert(self.flagged, firing, ago[9], ago[9], successes=12, attempts=91),
            queue_alert(queue + "1", firing, ago[3], ago[3], 8),
            queue_alert(queue + "3", pending, ago[1], ago[1], 6),
            queue_alert(queue + "2", resolved, ago[50], ago[31], 1, ends_at=ago[31]),
            answer_alert(
                over, resolved, ago[70], ago[50], successes=22, attempts=80, ends_at=ago[50]
            ),
        ):
            self.alert(board, alert)

    def sources(self, board, now, **states):
        """Every source's heartbeat; `states` by feed, with `-` as `_`, are said instead of ok."""
        for account, feeds in FEEDS.items():
            for feed in feeds:
                told = source_status(
                    f"{account}/{feed}", now, **states.get(feed.replace("-", "_"), {})
                )
                self.source(board, told)

    def source(self, board, told):
        board.take(SOURCES.name, told.name.encode(), told.to_json())

    def silence(self, board, told):
        board.take(SILENCES.name, told.key, told.to_json())

    def fill(self, board, now, *, minutes=60):
        """Write the last hour, a few calls and alerts, and say that all was read."""
        self.campaigns(board, now)
        quick = self.traffic[:400]
        rest, self.traffic = self.traffic[400:], quick
        for back in range(minutes, 0, -1):
            self.step(board, now - timedelta(minutes=back), windows=("5m", "15m"))
        self.traffic = quick + rest
        for second in range(60):
            self.call(board, now - timedelta(seconds=300 - 5 * second))
            self.call(board, now - timedelta(seconds=300 - 5 * second),
                      "calls:icsoc/main/display_number/075586120001")  # fmt: skip
        self.step(board, now)
        self.alerts(board, now)
        self.sources(board, now)
        board.set_ready()


async def _serve(port, scopes):
    now = datetime.now(UTC)
    board = Board(int(now.timestamp()))
    centre = Centre(scopes=scopes)
    centre.fill(board, now)
    app = make_app(board, BoardSettings(), clock=lambda: datetime.now(UTC))
    async with serve(app, port=port) as address:
        print(address)  # noqa: T201
        while True:
            await asyncio.sleep(1)
            now = datetime.now(UTC)
            centre.step(board, now, share=0.3 if scopes < 1000 else 0.02, sway=0.05)
            centre.call(board, now)
            if now.second % 15 == 0:
                centre.sources(board, now)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--scopes", type=int, default=120)
    given = parser.parse_args()
    asyncio.run(_serve(given.port, given.scopes))
