"""Calls for the back-test's tests."""

from datetime import UTC, datetime, timedelta

from schemas import topics
from schemas.base import Vendor
from schemas.call import Call, Direction, Outcome
from streams.backtest.rows import Row
from streams.backtest.run import Run
from streams.core.rules import load_rules
from streams.settings import StreamsSettings

START = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
SETTINGS = StreamsSettings()
NUMBER = "calls:icsoc/main/display_number/0755"
RULE = (
    "rules: [{name: low, metric: answer_rate, select: {kind: display_number}, "
    "window: {last: 50}, below: 20%, resolve: 25%, min_attempts: 30}]"
)


def rules(text=RULE):
    return load_rules(text, "test.yaml")


def call(number, ended, answered, **more):
    return Call(
        vendor=Vendor.ICSOC,
        account="main",
        call_id=str(number),
        direction=Direction.OUTBOUND,
        outcome=Outcome.CONNECTED if answered else Outcome.UNANSWERED,
        ended_at=START + timedelta(seconds=ended),
        **{"display_number": "0755", **more},
    )


def row(offset, a_call, *, arrives=None, partition=0):
    arrived = a_call.ended_at if arrives is None else START + timedelta(seconds=arrives)
    return Row(
        topics.CALLS.name,
        partition,
        offset,
        int(arrived.timestamp() * 1000),
        a_call.key,
        a_call.to_json(),
    )


def every(seconds, answered, *, begin=0, first=0, **more):
    """One call each `seconds`, answered as `answered` says."""
    return [
        row(first + index, call(first + index, begin + seconds * index, yes, **more))
        for index, yes in enumerate(answered)
    ]


COLLAPSE = [index % 3 == 0 for index in range(120)] + [False] * 80
RECOVERY = [index % 2 == 0 for index in range(80)]


def run(rows, rule_sets=None, **options):
    done = Run(SETTINGS, {}, rule_sets or {"new": rules()}, **options)
    for each in rows:
        done.take(each)
    done.finish()
    return done
