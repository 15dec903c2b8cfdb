"""Measure how long an alert takes from its record on `alerts` to the webhook, grouping at zero.

Beside `callstreams hooks` (durable notices, one signed request per transition) stands the least
that one could do: a consumer that posts each record as it comes and commits nothing.

    .venv/bin/python -m benchmarks.hooks [--json] [--alerts 1000] [--rate 50]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import yaml
from rich.console import Console
from rich.table import Column, Table

from connectors.broker import Broker
from connectors.kafka import KafkaSettings, create_topics, new_consumer, new_producer
from connectors.web import serve, web
from schemas.alert import Alert, AlertState, Evidence, Severity
from schemas.topics import ALERTS, ALL

_SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="  # noqa: S105 - of no use elsewhere
_WARM_UP = 50


@dataclass(frozen=True)
class Result:
    """What was measured, in milliseconds.

    Attributes:
        flood: alerts a second, when all are written at once.
    """

    name: str
    p50: float
    p99: float
    longest: float
    flood: float


class Inbox:
    """A web server that notes when each alert arrived."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._run = ""
        self._changed = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        """Note one alert."""
        told = await request.json()
        which = told.get("data", told)["fingerprint"]
        if which.startswith(self._run):
            self.at.setdefault(which, time.perf_counter())
            self._changed.set()
        return web.Response()

    def expect(self, run: str) -> None:
        """Begin anew, and note the alerts of this run alone."""
        self.at, self._run = {}, f"{run}-"

    async def until(self, count: int) -> None:
        """Wait for so many alerts."""
        while len(self.at) < count:
            self._changed.clear()
            await self._changed.wait()


def alert(number: int, run: str) -> Alert:
    """Make an alert of its own."""
    now = datetime.now(UTC)
    return Alert(
        fingerprint=f"{run}-{number}",
        rule="display-number-answer-rate",
        state=AlertState.FIRING,
        severity=Severity.CRITICAL,
        starts_at=now,
        at=now,
        labels={"alertname": "display-number-answer-rate", "value": str(number), "run": run},
        annotations={"summary": "The answer rate is low", "summary_zh": "接通率低"},
        metric="answer_rate",
        scope=f"calls:icsoc/main/display_number/{number}",
        evidence=Evidence(
            window="15m", window_start=now - timedelta(minutes=15), window_end=now,
            attempts=80, successes=8, value=0.1, low=0.05, high=0.18, threshold=0.2,
        ),
    )  # fmt: skip


async def measure(
    name: str, kafka: KafkaSettings, command: list[str], inbox: Inbox, alerts: int, rate: float
) -> Result:
    """Run one deliverer, and measure it."""
    child = await asyncio.create_subprocess_exec(*command)
    producer = new_producer(kafka, linger_ms=0)
    await producer.start()
    try:
        inbox.expect(f"{name}-warm")
        await _write(producer, f"{name}-warm", _WARM_UP)
        await inbox.until(_WARM_UP)

        inbox.expect(f"{name}-paced")
        sent: dict[str, float] = {}
        begin = time.perf_counter()
        for number in range(alerts):
            await asyncio.sleep(max(0.0, begin + number / rate - time.perf_counter()))
            each = alert(number, f"{name}-paced")
            sent[each.fingerprint] = time.perf_counter()
            await producer.send_and_wait(ALERTS.name, each.to_json(), key=each.key)
        await inbox.until(alerts)
        took = sorted((inbox.at[which] - at) * 1000 for which, at in sent.items())

        inbox.expect(f"{name}-flood")
        begin = time.perf_counter()
        await _write(producer, f"{name}-flood", alerts)
        await inbox.until(alerts)
        flood = alerts / (time.perf_counter() - begin)
    finally:
        await producer.stop()
        child.terminate()
        await child.wait()
    return Result(name, took[alerts // 2], took[alerts * 99 // 100], took[-1], flood)


async def _write(producer, run: str, count: int) -> None:  # noqa: ANN001 - aiokafka is untyped
    waiting = [
        await producer.send(ALERTS.name, each.to_json(), key=each.key)
        for each in (alert(number, run) for number in range(count))
    ]
    await asyncio.gather(*waiting)


async def bare(servers: str, url: str) -> None:
    """Post each record as it comes: the least that one could do."""
    kafka = KafkaSettings(bootstrap_servers=servers)
    consumer = new_consumer(kafka, ALERTS.name, group="bare")
    await consumer.start()
    async with httpx.AsyncClient() as client:
        async for record in consumer:
            await client.post(url, content=record.value)


@asynccontextmanager
async def _inbox() -> AsyncIterator[tuple[str, Inbox]]:
    inbox, app = Inbox(), web.Application()
    app.router.add_post("/", inbox.take)
    async with serve(app, drain_seconds=0) as address:
        yield address + "/", inbox


async def run(name: str, kafka: KafkaSettings, alerts: int, rate: float) -> Result:
    """Measure one of the two on a Kafka that has nothing else to do."""
    await create_topics(kafka, ALL)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "callstreams.yaml"
        async with _inbox() as (url, inbox):
            receiver = {"name": "bench", "url": url, "secret": _SECRET}
            content = {"kafka": kafka.model_dump(), "hooks": {"receivers": [receiver]}}
            config.write_text(yaml.safe_dump(content))
            arguments = {
                "hooks": ["streams.cli", "hooks", "--config", str(config)],
                "bare": ["benchmarks.hooks", "--bare", kafka.bootstrap_servers, url],
            }
            command = [sys.executable, "-m", *arguments[name]]
            return await measure(name, kafka, command, inbox, alerts, rate)


def show(results: list[Result]) -> None:
    """Print the table."""
    least = results[0]
    table = Table(
        Column("from record to webhook"),
        *(
            Column(name, justify="right")
            for name in ("p50", "p99", "longest", "flood", "p99 / bare")
        ),
    )
    for each in results:
        table.add_row(
            each.name,
            f"{each.p50:.1f} ms",
            f"{each.p99:.1f} ms",
            f"{each.longest:.1f} ms",
            f"{each.flood:.0f} / s",
            f"{each.p99 / least.p99:.1f}",
        )
    Console().print(table)


def main() -> None:
    """Run the benchmark."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--alerts", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50, help="alerts a second")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--bare", nargs=2, metavar=("SERVERS", "URL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare:
        asyncio.run(bare(*given.bare))
        return
    results = []
    for name in ("bare", "hooks"):
        with Broker() as broker:
            results.append(asyncio.run(run(name, broker.settings, given.alerts, given.rate)))
    if given.json:
        print(json.dumps([asdict(each) for each in results]))  # noqa: T201
    else:
        show(results)


if __name__ == "__main__":
    main()
