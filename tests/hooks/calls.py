"""Calls that make alerts: on the raw topic, with what the workers make of them on `alerts`."""

import asyncio
import itertools
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

from connectors.kafka import new_consumer, new_producer
from schemas import topics
from schemas.base import Vendor
from schemas.envelope import RawRecord

RULES = """
rules:
  - {name: low, metric: answer_rate, select: {kind: display_number}, window: {last: 8},
     below: 50%, test: point, min_attempts: 5}
"""
_CALLS = 8
_PANE = 10
_ids = itertools.count()
_began = datetime.now(UTC) - timedelta(hours=2)


def afternoon(numbers, *, answered, dice):
    """Give eight calls of each number, mixed; they end in one pane, answered later than not."""
    ended = _began + timedelta(minutes=30 if answered else 0)
    made = [_call(number, ended, answered=answered) for number in numbers for _ in range(_CALLS)]
    dice.shuffle(made)
    return made


def _call(number, ended, *, answered):
    end = int(ended.timestamp()) // _PANE * _PANE
    call = {
        "vccId": "782",
        "callId": f"{next(_ids):09}",
        "caller": number,
        "called": "185xxxx2456",
        "startTime": end - 30,
        "ringTime": end - 28,
        "ansTime": end - 9 if answered else 0,
        "answerTimeEe": end - 9 if answered else 0,
        "endTime": end,
        "linkSecs": 9 if answered else 0,
        "callresult": "2" if answered else "0",
        "endresult": "11",
    }
    return RawRecord(
        Vendor.ICSOC, "main", "cdr", call["callId"], json.dumps(call).encode(), datetime.now(UTC),
        {"form": "search", "timezone": "Asia/Shanghai"},
    )  # fmt: skip


class Ledger:
    """Puts calls in, and keeps every transition that comes out on `alerts`.

    Attributes:
        ids: how often each transition stands there that somebody is to be told of.
    """

    def __init__(self, kafka) -> None:
        self._kafka = kafka
        self._states = {}
        self.ids = Counter()

    async def __aenter__(self):
        self._consumer = new_consumer(self._kafka, topics.ALERTS.name)
        self._producer = new_producer(self._kafka)
        await self._consumer.start()
        await self._producer.start()
        return self

    async def __aexit__(self, *_):
        await self._consumer.stop()
        await self._producer.stop()

    async def publish(self, records):
        sent = [
            await self._producer.send(
                topics.raw_topic(each.vendor, each.feed).name,
                each.data,
                key=each.key,
                headers=each.headers(),
            )
            for each in records
        ]
        await asyncio.gather(*sent)

    async def until(self, happened, workers):
        while not happened():
            await self._read()
            workers.check()

    async def read_to_the_end(self):
        places = self._consumer.assignment()
        ends = await self._consumer.end_offsets(places)
        while any([await self._consumer.position(each) < ends[each] for each in places]):
            await self._read()

    def all_are(self, state, numbers):
        return all(self._states.get(number) == state for number in numbers)

    async def _read(self):
        for records in (await self._consumer.getmany(timeout_ms=300)).values():
            for record in records:
                alert = topics.ALERTS.model.model_validate_json(record.value)
                if alert.state in ("firing", "resolved"):
                    self.ids[alert.id] += 1
                    self._states[alert.labels["value"]] = alert.state
