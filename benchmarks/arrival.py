"""From a call's arrival on its raw topic to the webhook of the alert that it tips.

All processes are those that are shipped: one `callstreams worker` with the built-in rules and its
defaults, one `callstreams hooks` that groups with waits of zero, a broker, a receiver. Among calls
of healthy numbers, one number after another collapses: its thirtieth call, unanswered like those
before it, is evidence enough, and the clock runs from the moment before it is handed to Kafka.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from connectors.broker import Broker
from connectors.broker.process import Child, tail
from connectors.kafka import AIOKafkaProducer, create_topics, new_consumer, new_producer
from connectors.web import serve, web
from schemas.base import Vendor
from schemas.envelope import RawRecord
from schemas.topics import ALERTS, ALL, raw_topic

_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="  # noqa: S105 - of no use elsewhere
_RULE = "display-number-answer-rate"
_EVIDENCE = 30
"""So many attempts the rule asks for; without an answer among them it fires."""
_PROCESSES = ("worker", "hooks")
_TICK = 0.01
_HEALTHY = 100
_WARM = "0755999"
_PATIENCE = 120


@dataclass(frozen=True)
class Plan:
    """How much: calls a second, and numbers that collapse one after another at so many a second."""

    rate: int = 1000
    collapses: int = 300
    collapses_per_second: int = 10


@dataclass
class Seen:
    """When (s, one clock) each number's tipping call was sent, its alert was, and it arrived.

    Attributes:
        rate: of the calls, as it came to be.
    """

    sent: dict[str, float] = field(default_factory=dict)
    alerted: dict[str, float] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)
    rate: float = 0.0

    async def take(self, request: web.Request) -> web.Response:
        """Note the alerts of one message."""
        at, data = time.monotonic(), (await request.json())["data"]
        for alert in data.get("news", [data]):
            self.note(self.told, alert["labels"], at)
        return web.Response()

    @staticmethod
    def note(where: dict[str, float], labels: Mapping[str, str], at: float) -> None:
        """Note an alert of the rule that is measured."""
        if labels["alertname"] == _RULE:
            where.setdefault(labels["value"], at)


async def run(plan: Plan) -> dict[str, Any]:
    """Let calls come, and watch the alerts and the receiver."""
    seen, app = Seen(), web.Application()
    app.router.add_post("/", seen.take)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="callstreams-bench-")))
        kafka = (await stack.enter_async_context(Broker())).settings
        await create_topics(kafka, ALL)
        url = await stack.enter_async_context(serve(app, drain_seconds=0))
        config = folder / "callstreams.yaml"
        config.write_text(yaml.safe_dump(_configured(kafka.bootstrap_servers, f"{url}/")))
        children = [_start(stack, folder, name, config) for name in _PROCESSES]
        producer, consumer = new_producer(kafka, linger_ms=1), new_consumer(kafka, ALERTS.name)
        for client in (producer, consumer):
            await client.start()
            stack.push_async_callback(client.stop)
        watching = asyncio.create_task(_watch(consumer, seen))
        stack.callback(watching.cancel)
        await _warm_up(producer, seen, children, folder)
        await _send(producer, plan, seen)
        await _until(lambda: seen.told.keys() >= seen.sent.keys(), children, folder)
    return summarise(seen)


def _configured(servers: str, url: str) -> dict[str, Any]:
    route = {
        "receivers": ["bench"], "group_by": ["alertname", "value"],
        "group_wait": "0s", "group_interval": "0s",
    }  # fmt: skip
    receiver = {"name": "bench", "url": url, "secret": _SECRET}
    return {
        "kafka": {"bootstrap_servers": servers},
        "hooks": {"receivers": [receiver], "routes": [route]},
    }


def _start(stack: AsyncExitStack, folder: Path, name: str, config: Path) -> Child:
    command = [sys.executable, "-m", "streams.cli", name, "--config", str(config)]
    child = Child(command, folder / f"{name}.log")
    stack.callback(child.kill)
    return child


async def _watch(consumer, seen: Seen) -> None:  # noqa: ANN001 - aiokafka is untyped
    async for record in consumer:
        at, alert = time.monotonic(), json.loads(record.value)
        if alert["state"] == "firing":
            seen.note(seen.alerted, alert["labels"], at)


async def _until(happened, children: Sequence[Child], folder: Path) -> None:  # noqa: ANN001
    deadline = time.monotonic() + _PATIENCE
    while not happened():
        ended = not all(child.running for child in children)
        if ended or time.monotonic() > deadline:
            logs = "\n".join(tail(folder / f"{name}.log") for name in _PROCESSES)
            raise TimeoutError(f"not all alerts were told\n{logs}")
        await asyncio.sleep(_TICK)


async def _warm_up(
    producer: AIOKafkaProducer, seen: Seen, children: Sequence[Child], folder: Path
) -> None:
    """Collapse some numbers, so that every process has done all that it will do."""
    numbers = [f"{_WARM}{number:04}" for number in range(20)]
    for number in numbers * _EVIDENCE:
        await _put(producer, number, answered=False)
    await _until(lambda: seen.told.keys() >= set(numbers), children, folder)


async def _send(producer: AIOKafkaProducer, plan: Plan, seen: Seen) -> None:
    began, step, sent = time.monotonic(), int(plan.rate * _TICK), 0
    calls = enumerate(traffic(plan))
    while batch := list(itertools.islice(calls, step)):
        await asyncio.sleep(began + batch[0][0] / plan.rate - time.monotonic())
        for _, (number, answered, tips) in batch:
            if tips:
                seen.sent[number] = time.monotonic()
            await _put(producer, number, answered=answered)
        sent = batch[-1][0] + 1
    seen.rate = sent / (time.monotonic() - began)


def traffic(plan: Plan) -> Iterator[tuple[str, bool, bool]]:
    """Give calls in their order: the number, whether it is answered, whether it tips the number.

    The calls of a number that collapses come within the three seconds before its last one.
    """
    dice = random.Random(1)  # noqa: S311 - figures, not secrets
    apart = plan.rate // plan.collapses_per_second
    lead = 3 * plan.rate
    length = lead + plan.collapses * apart
    places: dict[int, tuple[str, bool]] = {}
    for index in range(plan.collapses):
        number, last = f"0755{index:08}", lead + index * apart
        while last in places:
            last += 1
        places[last] = (number, True)
        for free in _free(places, last - lead, last, dice):
            places[free] = (number, False)
    for place in range(length):
        if place in places:
            number, tips = places[place]
            yield number, False, tips
        else:
            yield f"0108{dice.randrange(_HEALTHY):08}", dice.random() < 0.4, False


def _free(places: Mapping[int, object], start: int, end: int, dice: random.Random) -> Iterator[int]:
    found: set[int] = set()
    while len(found) < _EVIDENCE - 1:
        place = dice.randrange(start, end)
        if place not in places and place not in found:
            found.add(place)
            yield place


_ids = itertools.count()


async def _put(producer: AIOKafkaProducer, number: str, *, answered: bool) -> None:
    now = datetime.now(UTC)
    end = int(now.timestamp())
    talk = 20 if answered else 0
    call = {
        "vccId": "782",
        "callId": f"bench-{next(_ids):09}",
        "caller": number,
        "called": "185xxxx2456",
        "calledAreaname": "广东 深圳",
        "calledVendor": "MOBILE",
        "startTime": end - talk - 10,
        "ringTime": end - talk - 8,
        "ansTime": end - talk if answered else 0,
        "answerTimeEe": end - talk if answered else 0,
        "endTime": end,
        "linkSecs": talk,
        "callresult": "2" if answered else "0",
        "endresult": "11",
    }
    record = RawRecord(
        Vendor.ICSOC, "main", "cdr", call["callId"], json.dumps(call).encode(), now,
        {"form": "search", "timezone": "Asia/Shanghai"},
    )  # fmt: skip
    topic = raw_topic(record.vendor, record.feed).name
    await producer.send(topic, record.data, key=record.key, headers=record.headers())


def summarise(seen: Seen) -> dict[str, Any]:
    """Give percentiles in milliseconds: the whole way, and its two parts."""
    parts = {
        "": [seen.told[each] - at for each, at in seen.sent.items() if each in seen.told],
        "to_alert_": [seen.alerted[each] - at for each, at in seen.sent.items()],
        "to_webhook_": [at - seen.alerted[each] for each, at in seen.told.items()],
    }
    figures: dict[str, Any] = {
        "calls_per_second": seen.rate,
        "alerts": len(parts[""]),
        "not_told": len(seen.sent) - len(parts[""]),
    }
    for name, took in parts.items():
        took.sort()
        for share in (50, 99):
            figures[f"{name}p{share}_ms"] = 1000 * took[len(took) * share // 100]
        figures[f"{name}max_ms"] = 1000 * took[-1]
    return figures
