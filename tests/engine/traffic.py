"""Seeded raw records as the vendors would give them: copies, late, out of order, and the poison.

Nothing of the streams is used here: what is right is counted from these bytes by an oracle.
"""

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.base import Vendor
from schemas.envelope import RawRecord

NUMBERS = [f"0755{n:04d}" for n in range(6)]
TASKS = ["10008/13", "10008/14", "10195/7"]
AREAS = ["广东 深圳", "上海 上海", ""]
CARRIERS = ["MOBILE", "UNICOM", "TELECOM"]
LATEST = 3 * 3600 + 1800
"""The latest arrival after a call's end, in seconds."""


@dataclass(frozen=True)
class Traffic:
    """All raw records of a run, in the order in which they arrive."""

    records: list[RawRecord]
    poison: int


def make(seed: int, calls: int, now: datetime) -> Traffic:
    """Make a run's records: icsoc calls with copies, 7moor readings, Huawei missed calls."""
    rng = random.Random(seed)
    records: list[tuple[float, RawRecord]] = []
    for number in range(calls):
        at = rng.random()
        for copy in _copies(rng, seed, number, now):
            records.append((at, copy))
            at += rng.choice((0.0, 0.001, 0.1))  # some copies come much later, some shuffled
    records += _missed(rng, seed, calls // 10, now)
    poison = max(1, calls // 500)
    records += [(rng.random(), _raw("cdr", f"bad-{seed}-{n}", b'{"callId":', now, form="search"))
                for n in range(poison)]  # fmt: skip
    shuffled = [record for _, record in sorted(records, key=lambda pair: pair[0])]
    return Traffic([*_with_tallies(rng, shuffled, now)], poison)


def _copies(rng: random.Random, seed: int, number: int, now: datetime) -> list[RawRecord]:
    end = int((now - timedelta(seconds=rng.uniform(1, LATEST))).timestamp())
    result = rng.choices((0, 1, 2), (5, 1, 4))[0]
    talk = rng.randint(1, 200) if result == 2 else 0
    project, task = rng.choice(TASKS).split("/")
    cdr = {
        "vccId": "782",
        "projectId": project,
        "taskId": task,
        "callId": f"{seed}{number:09d}",
        "caller": rng.choice(NUMBERS),
        "called": "185xxxx2456",
        "calledAreaname": rng.choice(AREAS),
        "calledVendor": rng.choice(CARRIERS),
        "startTime": end - talk - 20,
        "ringTime": end - talk - 18,
        "ansTime": end - talk if result else 0,
        "answerTimeEe": end - talk if result == 2 else 0,
        "endTime": end,
        "linkSecs": talk,
        "callresult": str(result),
        "endresult": "11",
    }
    copies = [cdr]
    if rng.random() < 0.2:  # first seen while in progress
        copies.insert(0, cdr | {"endTime": 0, "linkSecs": 0, "callresult": "0", "ansTime": 0})
    if rng.random() < 0.1:  # first told wrongly, then corrected
        copies.insert(0, cdr | {"linkSecs": 0, "callresult": "0", "ansTime": 0, "answerTimeEe": 0})
    if rng.random() < 0.1:
        copies.append(cdr)
    made = [_raw("cdr", cdr["callId"], _bytes(copy), now, form="search") for copy in copies]
    if rng.random() < 0.3:
        made.insert(rng.randint(0, len(made)), _pushed(cdr, now))
    return made


def _pushed(cdr: dict, now: datetime) -> RawRecord:
    names = {
        "callId": "call_id",
        "calledAreaname": "called_areaname",
        "calledVendor": "called_vendor",
        "startTime": "start_time",
        "ringTime": "ring_time",
        "ansTime": "ans_time",
        "answerTimeEe": "answer_time_ee",
        "endTime": "end_time",
        "linkSecs": "link_secs",
    }
    pushed = {
        names.get(name, name): str(value)
        for name, value in cdr.items()
        if name not in ("projectId", "taskId", "vccId")
    }
    pushed["user_data"] = {"proid": cdr["projectId"], "taskid": cdr["taskId"]}
    return _raw("cdr", cdr["callId"], _bytes(pushed), now, form="push")


def _missed(rng, seed, count, now):
    for number in range(count):
        end = now - timedelta(seconds=rng.uniform(1, LATEST))
        begin = end - timedelta(seconds=rng.randint(1, 90))
        call = {
            "callId": f"{seed}-{number}",
            "callerNo": "88880990",
            "calleeNo": rng.choice(("31045665", "6300111010")),
            "waitBegin": f"{begin:%Y-%m-%d %H:%M:%S}",
            "callEnd": f"{end:%Y-%m-%d %H:%M:%S}",
            "mediaType": 5,
        }
        record = RawRecord(
            Vendor.HUAWEI, "main", "missed-call", call["callId"], _bytes(call), now,
            {"vdn": "159", "zone": "UTC"},
        )  # fmt: skip
        for _ in range(rng.choice((1, 1, 2))):
            yield rng.random(), record


def _with_tallies(rng, records, now):
    """Put growing readings of 7moor's report among the records; their order is kept."""
    counters = {number: [rng.randint(0, 50), 0] for number in ("0108140", "0108141")}
    since = now.replace(hour=0, minute=0, second=0, microsecond=0).isoformat()
    for place, record in enumerate(records):
        yield record
        if place % 50:
            continue
        for number, counts in counters.items():
            more = rng.randint(0, 9)
            counts[0] += more
            counts[1] += rng.randint(0, more)
            row = {
                "number": number,
                "sum": counts[0],
                "answerSum": counts[1],
                "answerPercentage": f"{counts[1] / max(1, counts[0]):06.2%}",
            }
            yield RawRecord(
                Vendor.SEVENMOOR, "main", "answer-report", f"{number}@{since[:10]}", _bytes(row),
                now + timedelta(milliseconds=place), {"periodstart": since, "timezone": "UTC"},
            )  # fmt: skip


def _raw(feed, subject, data, now, *, form):
    return RawRecord(
        Vendor.ICSOC, "main", feed, subject, data, now,
        {"form": form, "timezone": "Asia/Shanghai"},
    )  # fmt: skip


def _bytes(value):
    return json.dumps(value, ensure_ascii=False).encode()
