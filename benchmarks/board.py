"""From a call's arrival to the wall, and what a browser costs: `python -m benchmarks.board`.

A broker, a worker and a wallboard, each a process with its default settings, and 1,000 raw calls a
second from 200 display numbers. Ten look on: nine that read the events as a browser does, and one
Chromium in which the page itself is watched (ten of them would not fit on two cores beside the
rest). Measured is from handing a call to Kafka until an event, or the page, shows as many attempts
of its number, or of its vendor; and the wallboard's CPU time with one reader and with eleven.

The figures go into docs/performance.json and .md beside those of `benchmarks.engine`; those of a
trial (`--seconds` below 20) into .callstreams.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from playwright.async_api import Page, async_playwright
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from benchmarks.engine.parts.latency import waits
from benchmarks.page import KEPT, TRIED, keep
from connectors.broker import Broker
from connectors.broker.ports import free_ports
from connectors.broker.process import Child, tail
from connectors.kafka import AIOKafkaProducer, create_topics, new_producer
from schemas.base import Vendor
from schemas.envelope import RawRecord
from schemas.topics import ALL, raw_topic

ROOT = Path(__file__).resolve().parents[1]
_RATE, _NUMBERS, _TICK = 1000, 200, 0.01
_WARM_SECONDS, _PATIENCE = 10, 60
_READERS, _FEW, _MANY = 9, 1, 11
_TRIAL_SECONDS = 20
_WINDOW = "5m"  # nothing leaves it before the run is over, so it holds all attempts
_VENDOR = "calls:icsoc"
_WATCH = """() => {
  window.seen = [];
  const read = () => {
    const text = document.querySelector('.vendor[data-vendor=icsoc] .figure dd')?.textContent ?? "";
    const attempts = Number(text.replace(/\\D/g, ""));
    if (attempts && attempts !== window.seen.at(-1)?.[1]) window.seen.push([Date.now() / 1000, attempts]);
  };
  new MutationObserver(read).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""  # noqa: E501


@dataclass
class Feed:
    """When each call was handed to Kafka (Unix s), by the scopes that are watched."""

    producer: AIOKafkaProducer
    sent: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    async def run(self) -> None:
        """Let calls come until cancelled."""
        dice = random.Random(1)  # noqa: S311 - figures, not secrets
        began, count, step = time.monotonic(), 0, int(_RATE * _TICK)
        while True:
            await asyncio.sleep(began + count / _RATE - time.monotonic())
            for count in range(count, count + step):  # noqa: B020 - it goes on from where it was
                record = call(count, f"0755{dice.randrange(_NUMBERS):08}", dice.random() < 0.4)
                at = time.time()
                self.sent[_VENDOR].append(at)
                self.sent[record[0]].append(at)
                await self.producer.send(
                    raw_topic(Vendor.ICSOC, "cdr").name,
                    record[1].data,
                    key=record[1].key,
                    headers=record[1].headers(),
                )
            count += 1


def call(index: int, number: str, answered: bool) -> tuple[str, RawRecord]:
    """Make a call that has just ended, and name its display number's scope."""
    now = datetime.now(UTC)
    end, talk = int(now.timestamp()), 20 if answered else 0
    content = {
        "call_id": f"board-{index:09}",
        "caller": number,
        "called": "185xxxx2456",
        "start_time": str(end - talk - 10),
        "ans_time": str(end - talk if answered else 0),
        "con_time": str(end - talk if answered else 0),
        "end_time": str(end),
        "call_time": str(talk),
        "callresult": "2" if answered else "0",
    }
    record = RawRecord(
        Vendor.ICSOC,
        "main",
        "cdr",
        content["call_id"],
        json.dumps(content).encode(),
        now,
        {"form": "push", "timezone": "Asia/Shanghai"},
    )
    return f"calls:icsoc/main/display_number/{number}", record


class Reader:
    """One browser's stream of events, kept with the moments (Unix s) at which they came."""

    def __init__(self) -> None:
        self.events: list[tuple[float, bytes]] = []

    async def run(self, url: str) -> None:
        """Read until cancelled."""
        async with (
            httpx.AsyncClient(timeout=None, trust_env=False) as client,  # noqa: S113 - it lasts
            client.stream("GET", f"{url}/api/v1/events?window={_WINDOW}") as answer,
        ):
            rest = b""
            async for part in answer.aiter_raw():
                *whole, rest = (rest + part).split(b"\n\n")
                at = time.time()
                self.events += [(at, event) for event in whole]

    def told(self) -> dict[str, list[tuple[float, int]]]:
        """Give when how many attempts of each scope were shown."""
        names: dict[int, str] = {}
        place = 0
        found: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
        for at, event in self.events:
            data = json.loads(event.partition(b"data: ")[2] or b"{}")
            if "fields" in data:
                place = data["fields"].index("attempts")
            names |= {number: text for number, text, _ in data.get("scopes", ())}
            for row in data.get("rows", ()):
                if len(row) > 1 and row[place] is not None:
                    found[names[row[0]]].append((at, row[place]))
        return found


@asynccontextmanager
async def _reading(url: str, count: int) -> AsyncIterator[list[Reader]]:
    readers = [Reader() for _ in range(count)]
    tasks = [asyncio.create_task(each.run(url)) for each in readers]
    try:
        yield readers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _chromium(url: str) -> AsyncIterator[Page]:
    program = os.environ.get("CALLSTREAMS_CHROMIUM") or shutil.which("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(viewport={"width": 1920, "height": 1080})
        await page.goto(url)
        await page.wait_for_selector(".vendor[data-vendor=icsoc] .figure dd")
        yield page
        await browser.close()


async def _cpu(telemetry: str) -> float:
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{telemetry}/metrics")).text
    return next(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "process_cpu_seconds_total"
    )


async def _share(telemetry: str, seconds: float) -> float:
    """Give the share of a core that the wallboard takes meanwhile."""
    before, began = await _cpu(telemetry), time.monotonic()
    await asyncio.sleep(seconds)
    return (await _cpu(telemetry) - before) / (time.monotonic() - began)


async def measure(seconds: float, tell_every: float, console: Console) -> dict[str, Any]:
    """Measure all of it."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="callstreams-bench-")))
        kafka = (await stack.enter_async_context(Broker())).settings
        await create_topics(kafka, ALL)
        port, telemetry_port, worker_port = free_ports(3)
        url, telemetry = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{telemetry_port}"
        config = folder / "callstreams.yaml"
        content = {
            "kafka": kafka.model_dump(),
            "board": {"port": port},
            "streams": {"tell_every": tell_every},
        }
        config.write_text(yaml.safe_dump(content))
        for name, own in (("worker", worker_port), ("board", telemetry_port)):
            words = ["streams.cli", name, "--config", str(config), "--telemetry-port", str(own)]
            child = Child([sys.executable, "-m", *words], folder / f"{name}.log")
            stack.callback(child.kill)
        for address in (telemetry, f"http://127.0.0.1:{worker_port}"):
            await _until_ready(address, folder)
        feed = Feed(new_producer(kafka, linger_ms=1))
        await feed.producer.start()
        stack.push_async_callback(feed.producer.stop)
        feeding = asyncio.create_task(feed.run())
        stack.callback(feeding.cancel)
        console.print(f"{_RATE:,} calls a second; warming up", style="dim")
        await asyncio.sleep(_WARM_SECONDS)
        taken: dict[int, list[float]] = {_FEW: [], _MANY: []}
        for count in (_FEW, _MANY) * 2:  # in turn, since the machine may do other things
            async with _reading(url, count):
                taken[count].append(await _share(telemetry, seconds / 4))
        few, many = (sum(each) / len(each) for each in taken.values())
        console.print(f"{_READERS} readers and Chromium look on", style="dim")
        async with _reading(url, _READERS) as readers, _chromium(url) as page:
            await page.evaluate(_WATCH)
            since = time.time()
            await asyncio.sleep(seconds)
            until = time.time()
            await asyncio.sleep(3)  # what was sent at the end is shown by then
            shown = [(at, int(attempts)) for at, attempts in await page.evaluate("window.seen")]
        if feeding.done():
            feeding.result()
        return summarise(feed.sent, readers, shown, since, until) | {
            "tell_every": tell_every,
            "board_cpu_with_1": few,
            "board_cpu_with_11": many,
            "cpu_ms_per_browser_second": (many - few) / (_MANY - _FEW) * 1000,
        }


async def _until_ready(address: str, folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    async with httpx.AsyncClient(trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                if (await client.get(f"{address}/readyz")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    logs = "\n".join(tail(folder / f"{name}.log") for name in ("worker", "board"))
    raise TimeoutError(f"not ready within {_PATIENCE} s\n{logs}")


def summarise(
    sent: dict[str, list[float]],
    readers: Sequence[Reader],
    shown: Sequence[tuple[float, int]],
    since: float,
    until: float,
) -> dict[str, Any]:
    """Give percentiles in milliseconds over the calls that came from `since` until `until`."""
    waited: list[float] = []
    for reader in readers:
        told = reader.told()
        waited += [
            wait
            for scope, times in sent.items()
            if scope != _VENDOR
            for at, wait in zip(times, waits(times, told.get(scope, ())), strict=False)
            if since <= at < until
        ]
    page = [
        wait
        for at, wait in zip(sent[_VENDOR], waits(sent[_VENDOR], shown), strict=False)
        if since <= at < until
    ]
    came = sum(since <= at < until for at in sent[_VENDOR])
    return {
        "calls_per_second": came / (until - since),
        "calls": came,
        "browsers": len(readers) + 1,
        "not_shown": came * len(readers) - len(waited),
        **{f"event_p{share}_ms": _percentile(waited, share) for share in (50, 95, 99)},
        **{f"page_p{share}_ms": _percentile(page, share) for share in (50, 95, 99)},
        "page_changes": len(shown),
    }


def _percentile(values: list[float], share: int) -> float:
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def render(part: dict[str, Any]) -> str:
    """Write the figures in Markdown."""
    return (
        "### From arrival to the wall\n\n"
        f"At {part['calls_per_second']:,.0f} calls/s with {part['browsers']} browsers and "
        f"`streams.tell_every: {part['tell_every']:g}`, until the event that shows "
        f"a call: p50 {part['event_p50_ms']:,.0f} ms, p95 {part['event_p95_ms']:,.0f} ms, "
        f"p99 {part['event_p99_ms']:,.0f} ms "
        f"({part['not_shown']} of {part['calls']:,} calls never shown to one of them); until "
        f"Chromium's page shows it: p50 {part['page_p50_ms']:,.0f} ms, p95 "
        f"{part['page_p95_ms']:,.0f} ms. The wallboard takes {part['board_cpu_with_1']:.1%} of a "
        f"core with one browser and {part['board_cpu_with_11']:.1%} with eleven: "
        f"{part['cpu_ms_per_browser_second']:.1f} ms of CPU a second for each browser more."
    )


def main() -> None:
    """Run the benchmark."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=40, help="how long it is looked at")
    parser.add_argument("--tell-every", type=float, default=0.5, help="streams.tell_every")
    asked = parser.parse_args()
    seconds = asked.seconds
    console = Console()
    part = asyncio.run(measure(seconds, asked.tell_every, console))
    console.print(render(part), highlight=False, soft_wrap=True)
    keep(KEPT if seconds >= _TRIAL_SECONDS else TRIED, "board", part, render(part))


if __name__ == "__main__":
    main()
