"""Measure how many pushes a second the ingress takes, each acknowledged once Kafka has it.

Beside it, in the same run and on the same broker, stands the least that one could do: an aiohttp
handler that reads the body and produces it with acks=all. The three take turns, round by round,
so that what else the computer does falls on all of them. Servers and load run in processes of
their own.

    .venv/bin/python -m benchmarks.ingress [--json] [--seconds 5] [--rounds 3] [--connections 250]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import cast
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Column, Table

from benchmarks.page import KEPT, TRIED, keep
from connectors.broker import Broker
from connectors.ingress.service import run_ingress
from connectors.ingress.settings import IngressSettings
from connectors.kafka import KafkaSettings, create_topics, new_producer
from connectors.simulators.calls import Call, Outcome
from connectors.simulators.pusher import push_body
from connectors.vendors.icsoc.source import IcsocAccount
from connectors.web import serve, web
from schemas.topics import ALL, RAW_ICSOC_CDR

_SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105 - of no use elsewhere
_BODIES = 2000
_LEAST_SECONDS = 12
"""A shorter run is for trying."""
_NAMES = ("bare", "signed", "encrypted")


@dataclass(frozen=True)
class Result:
    """What was measured.

    Attributes:
        pushes: a second, the median of the rounds.
        p50_ms, p99_ms: from request to answer, over all rounds.
        of_bare: pushes beside the bare handler's, the median of the rounds' own ratios.
    """

    name: str
    pushes: float
    p50_ms: float
    p99_ms: float
    of_bare: float


def _body(number: int, *, encrypted: bool) -> bytes:
    start = 1_700_000_000 + number
    call = Call(
        call_id=str((start * 1000) << 22 | number),
        number="02160661801",
        customer="13800138000",
        campaign="10008/13",
        batch="",
        rep="8001",
        areacode="0755",
        region="广东 深圳",
        carrier="MOBILE",
        started=start,
        ringing=start + 2,
        answered=start + 9,
        rep_called=start + 10,
        rep_ringing=start + 11,
        connected=start + 14,
        ended=start + 61,
        outcome=Outcome.CONNECTED,
        hung_up_by_customer=True,
    )
    return push_body(call, _SECRET, datetime.fromtimestamp(start, UTC), encrypted=encrypted)


async def _serve_bare(kafka: KafkaSettings, ready: Callable[[str], None]) -> None:
    producer = new_producer(kafka)
    await producer.start()

    async def take(request: web.Request) -> web.Response:
        await producer.send_and_wait(RAW_ICSOC_CDR.name, await request.read())
        return web.json_response({"code": 0})

    app = web.Application()
    app.router.add_post("/push/icsoc/bench", take)
    async with serve(app) as address:
        ready(address)
        await asyncio.Event().wait()


async def _serve_ours(kafka: KafkaSettings, ready: Callable[[str], None]) -> None:
    account = IcsocAccount.model_validate({"name": "bench", "push": {"secrets": [_SECRET]}})
    await run_ingress(IngressSettings(port=0), [account], kafka, ready=ready)


def _server(bare: bool, kafka: KafkaSettings, pipe: Connection) -> None:
    serving = _serve_bare if bare else _serve_ours
    asyncio.run(serving(kafka, pipe.send))


class _Pusher(asyncio.Protocol):
    """One connection that sends ready-made requests, one after the other.

    It does next to nothing, so that the server is what is measured and not the load.
    """

    def __init__(self, requests: list[bytes], first: int, step: int, end: float) -> None:
        self.took: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._place = first
        self._step = step
        self._end = end
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._push()

    def data_received(self, data: bytes) -> None:
        # The answers are short: each comes in one piece.
        now = time.perf_counter()
        if not data.startswith(b"HTTP/1.1 200") or b'"code": 0' not in data:
            self._transport.abort()
            self.done.set_exception(RuntimeError(f"a push was answered {data[:300]!r}"))
            return
        self.took.append(now - self._began)
        if now >= self._end:
            self._transport.close()
            self.done.set_result(None)
        else:
            self._push()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or RuntimeError("the server closed the connection"))

    def _push(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._requests[self._place % len(self._requests)])
        self._place += self._step


async def _load(
    url: str, bodies: list[bytes], seconds: float, connections: int
) -> tuple[int, list[float]]:
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: "
    requests = [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]
    loop = asyncio.get_running_loop()
    end = time.perf_counter() + seconds
    pushers = [_Pusher(requests, number, connections, end) for number in range(connections)]
    for pusher in pushers:
        await loop.create_connection(lambda one=pusher: one, parts.hostname, parts.port)
    await asyncio.gather(*(pusher.done for pusher in pushers))
    took = [each for pusher in pushers for each in pusher.took]
    return len(took), took


@contextmanager
def _servers(kafka: KafkaSettings) -> Iterator[dict[str, str]]:
    """Start both servers; gives the address to push to by name."""
    spawn = multiprocessing.get_context("spawn")
    started = []
    urls = {}
    try:
        for name, bare in (("bare", True), ("ours", False)):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=_server, args=(bare, kafka, theirs), daemon=True)
            process.start()
            started.append(process)
            if not ours.poll(30):
                raise RuntimeError(f"the {name} server did not start")
            urls[name] = f"{ours.recv()}/push/icsoc/bench"
        yield {"bare": urls["bare"], "signed": urls["ours"], "encrypted": urls["ours"]}
    finally:
        for process in started:
            process.terminate()
            process.join()


async def _measure(
    urls: dict[str, str], seconds: float, rounds: int, connections: int
) -> list[Result]:
    bodies = {
        name: [_body(number, encrypted=name == "encrypted") for number in range(_BODIES)]
        for name in _NAMES
    }
    rates: dict[str, list[float]] = {name: [] for name in _NAMES}
    took: dict[str, list[float]] = {name: [] for name in _NAMES}
    for number in range(rounds + 1):  # the first warms up
        for name in _NAMES:
            long = seconds if number else min(seconds, 2)
            count, each = await _load(urls[name], bodies[name], long, connections)
            if number:
                rates[name].append(count / seconds)
                took[name] += each
    results = []
    for name in _NAMES:
        quantiles = statistics.quantiles(took[name], n=100)
        ratios = [one / bare for one, bare in zip(rates[name], rates["bare"], strict=True)]
        results.append(
            Result(
                name,
                pushes=round(statistics.median(rates[name]), 1),
                p50_ms=round(quantiles[49] * 1000, 2),
                p99_ms=round(quantiles[98] * 1000, 2),
                of_bare=round(statistics.median(ratios), 3),
            )
        )
    return results


def run(*, seconds: float = 5, rounds: int = 3, connections: int = 250) -> list[Result]:
    """Start Kafka and both servers, and measure."""
    with Broker() as broker:
        asyncio.run(create_topics(broker.settings, ALL))
        with _servers(broker.settings) as urls:
            return asyncio.run(_measure(urls, seconds, rounds, connections))


def render(results: list[Result]) -> str:
    """Write the figures in Markdown."""
    rows = "\n".join(
        f"| {one.name} | {one.pushes:,.0f} | {one.p50_ms:.1f} | {one.p99_ms:.1f} "
        f"| {one.of_bare:.0%} |"
        for one in results
    )
    return (
        "### Pushes\n\nAcknowledged with acks=all, beside a handler that only produces to Kafka; "
        "the load, Kafka and the server share the cores.\n\n"
        f"| | pushes/s | p50 ms | p99 ms | of bare |\n| --- |{' --: |' * 4}\n{rows}"
    )


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seconds", type=float, default=5, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=250)
    asked = parser.parse_args()
    results = run(seconds=asked.seconds, rounds=asked.rounds, connections=asked.connections)
    if asked.json:
        json.dump({"ingress": [asdict(one) for one in results]}, sys.stdout)
        sys.stdout.write("\n")
        return
    text = render(results)
    keep(
        KEPT if asked.seconds * asked.rounds >= _LEAST_SECONDS else TRIED,
        "ingress",
        {each.name: asdict(each) for each in results},
        text,
    )
    columns = [
        Column(name, justify="right") for name in ("pushes/s", "p50 ms", "p99 ms", "of bare")
    ]
    table = Table("", *columns, title="Pushes acknowledged with acks=all")
    for one in results:
        table.add_row(
            one.name, f"{one.pushes:.0f}", f"{one.p50_ms}", f"{one.p99_ms}", f"{one.of_bare:.0%}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
