"""Measure how long alerts take to the webhook, grouping at zero.

From the arrival of the call that tips a number, at 1,000 calls a second: see `arrival`. And from
the alert's record on `alerts`: beside `callstreams hooks` (durable notices, one signed request per
transition) stands the least that one could do, a consumer that posts each record as it comes and
commits nothing.

    .venv/bin/python -m benchmarks.hooks [--quick] [--alerts 1000] [--rate 50]

The figures go into docs/performance.json and .md beside those of `benchmarks.engine`; those of a
quick run under .callstreams/bench.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml
from rich.console import Console
from rich.table import Column, Table

from benchmarks import arrival
from benchmarks.page import KEPT, TRIED, keep
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


def show(results: list[Result], way: dict[str, Any], console: Console) -> None:
    """Print the tables."""
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
    console.print(table)
    console.print(arrived(way), soft_wrap=True, highlight=False)


def arrived(way: dict[str, Any]) -> str:
    """Write how long the whole way took."""
    return (
        f"At {way['calls_per_second']:,.0f} calls/s, from the arrival of the call that tips a "
        f"number to the webhook: p50 {way['p50_ms']:,.0f} ms, p99 {way['p99_ms']:,.0f} ms, longest "
        f"{way['max_ms']:,.0f} ms over {way['alerts']} alerts ({way['not_told']} never told). "
        f"To the alert's record, which waits for the next of the worker's rounds (one a second): "
        f"p50 {way['to_alert_p50_ms']:,.0f} ms, p99 {way['to_alert_p99_ms']:,.0f} ms; from there: "
        f"p50 {way['to_webhook_p50_ms']:,.0f} ms, p99 {way['to_webhook_p99_ms']:,.0f} ms."
    )


def render(results: list[Result], way: dict[str, Any]) -> str:
    """Write the figures in Markdown."""
    rows = "\n".join(
        f"| {each.name} | {each.p50:.1f} | {each.p99:.1f} | {each.longest:.1f} "
        f"| {each.flood:,.0f} |"
        for each in results
    )
    head = "| from alert to webhook | p50 ms | p99 ms | longest ms | flood, alerts/s |"
    return f"### From arrival to webhook\n\n{arrived(way)}\n\n{head}\n| --- |{' --: |' * 4}\n{rows}"


def main() -> None:
    """Run the benchmark."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--alerts", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50, help="alerts a second")
    parser.add_argument("--quick", action="store_true", help="little of everything, for trying")
    parser.add_argument("--bare", nargs=2, metavar=("SERVERS", "URL"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare:
        asyncio.run(bare(*given.bare))
        return
    alerts = 100 if given.quick else given.alerts
    way = asyncio.run(arrival.run(arrival.Plan(collapses=100 if given.quick else 300)))
    results = []
    for name in ("bare", "hooks"):
        with Broker() as broker:
            results.append(asyncio.run(run(name, broker.settings, alerts, given.rate)))
    figures = {
        "arrival_to_webhook": way,
        "alert_to_webhook": {each.name: asdict(each) for each in results},
    }
    keep(TRIED if given.quick else KEPT, "hooks", figures, render(results, way))
    show(results, way, Console())


if __name__ == "__main__":
    main()
