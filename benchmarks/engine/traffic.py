"""Seeded icsoc calls as they stand on topic `calls`, with copies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.base import Vendor
from schemas.call import Call, Direction, HungUpBy, Outcome


@dataclass(frozen=True)
class Traffic:
    """What calls look like.

    Attributes:
        calls: records, copies among them.
        rate: calls a second in event time.
        numbers: display numbers; each call has one at random, all alike.
        newest: the end of the last call.
        copies: the share of records that repeat an earlier one, up to a thousand records before.
        stamped: whether records carry their call's end as their time; else the time of writing.
    """

    calls: int
    rate: float
    numbers: int
    newest: datetime
    seed: int = 1
    vendor: Vendor = Vendor.ICSOC
    account: str = "main"
    campaigns: int = 20
    copies: float = 0.02
    stamped: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """One record: the key, the value, the call's end (Unix ms), and whether it is a copy."""

    key: bytes
    value: bytes
    ended_ms: int
    copy: bool
    number: str


def make(traffic: Traffic) -> Iterator[Written]:
    """Make the records in the order of arrival; the same seed gives the same calls."""
    rng = random.Random(traffic.seed)  # noqa: S311 - figures, not secrets
    recent: list[Written] = []
    for index in range(traffic.calls):
        if recent and rng.random() < traffic.copies:
            again = rng.choice(recent)
            yield Written(again.key, again.value, again.ended_ms, True, again.number)
            continue
        before = (traffic.calls - index) / traffic.rate + rng.uniform(0, 2)
        call = _call(rng, traffic, index, traffic.newest - timedelta(seconds=before))
        made = Written(
            call.key,
            call.to_json(),
            int((call.ended_at or traffic.newest).timestamp() * 1000),
            False,
            call.display_number or "",
        )
        if len(recent) < 1000:
            recent.append(made)
        else:
            recent[rng.randrange(1000)] = made
        yield made


def now() -> datetime:
    """Give the present as whole seconds: calls must not be too old to count."""
    return datetime.now(UTC).replace(microsecond=0)


def _call(rng: random.Random, traffic: Traffic, index: int, ended: datetime) -> Call:
    ended = ended.replace(microsecond=0)
    outcome = rng.choices((Outcome.UNANSWERED, Outcome.ABANDONED, Outcome.CONNECTED), (60, 5, 35))[
        0
    ]
    talk = rng.randint(5, 300) if outcome is Outcome.CONNECTED else None
    connected = None if talk is None else ended - timedelta(seconds=talk)
    answered = None if outcome is Outcome.UNANSWERED else (connected or ended)
    ringing = (answered or ended) - timedelta(seconds=15)
    return Call(
        vendor=traffic.vendor,
        account=traffic.account,
        call_id=f"{traffic.seed:04d}-{index:012d}-10.0.{index % 250}.7",
        direction=Direction.OUTBOUND,
        outcome=outcome,
        caller=f"185{rng.randrange(10**8):08d}",
        callee=f"139{rng.randrange(10**8):08d}",
        display_number=f"0755{rng.randrange(traffic.numbers):08d}",
        campaign=f"{10_000 + rng.randrange(traffic.campaigns)}",
        rep=None if talk is None else f"rep-{rng.randrange(400):04d}",
        started_at=ringing - timedelta(seconds=2),
        ringing_at=ringing,
        answered_at=answered,
        connected_at=connected,
        ended_at=ended,
        ring_seconds=15,
        wait_seconds=rng.randint(0, 9),
        talk_seconds=talk,
        hung_up_by=rng.choice(tuple(HungUpBy)),
    )
