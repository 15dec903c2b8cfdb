"""What the vendors' servers share: the clock, the log of requests, and the faults on the wire."""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus

from pydantic import JsonValue

from connectors.simulators.faults import CutBody, DuplicatePage, Fault, Faults, SlowBody, Status
from connectors.simulators.generator import World
from connectors.web import web

Clock = Callable[[], datetime]
Json = Mapping[str, JsonValue]
_LARGEST_BODY = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer before it is written."""

    body: bytes
    status: int = HTTPStatus.OK
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(content: Json, status: int = HTTPStatus.OK) -> Answer:
    """Write an answer as JSON."""
    return Answer(json.dumps(content, ensure_ascii=False).encode(), status)


def text_answer(text: str, status: int, headers: Mapping[str, str] | None = None) -> Answer:
    """Write an answer as plain text."""
    return Answer(text.encode(), status, "text/plain", headers or {})


@dataclass(slots=True)
class Exchange:
    """One request as a handler sees it.

    Attributes:
        request: for method, path and headers; its body has been read.
        body: the bytes as received.
        now: the moment it came, by the server's true clock.
        fault: what is to go wrong with the answer's content.
        when_served: called once the answer is on its way whole.
    """

    request: web.Request
    body: bytes
    now: datetime
    fault: Fault | None
    when_served: list[Callable[[], None]] = field(default_factory=list)

    def json_object(self) -> dict[str, JsonValue]:
        """Read the body as a JSON object.

        Raises:
            ValueError: it is none.
        """
        content = json.loads(self.body)
        if not isinstance(content, dict):
            raise ValueError("the body is not a JSON object")  # noqa: TRY004 - as for bad JSON
        return content


Handler = Callable[[Exchange], Answer]


@dataclass(frozen=True, slots=True)
class Served:
    """One request that was answered, well or badly."""

    path: str
    at: datetime
    status: int


class RequestLog:
    """Every request that a server saw, so that a test can say that no rate was passed."""

    def __init__(self) -> None:
        self.served: list[Served] = []

    def add(self, path: str, at: datetime, status: int) -> None:
        """Note one request."""
        self.served.append(Served(path, at, status))

    def count(self, path: str = "", *, status: int | None = None) -> int:
        """Count requests whose path ends in `path`, of one status or of any."""
        return sum(
            entry.path.endswith(path) and status in (None, entry.status) for entry in self.served
        )

    def busiest(self, window: timedelta, path: str = "") -> int:
        """Give the most requests that any half-open `window` of time held."""
        moments = sorted(entry.at for entry in self.served if entry.path.endswith(path))
        return max(
            (
                place + 1 - bisect_right(moments, moment - window)
                for place, moment in enumerate(moments)
            ),
            default=0,
        )


class VendorServer:
    """One vendor's server.

    Attributes:
        url: its base address, once it listens.
        faults: what will go wrong.
        log: what was asked.
        skew: how far its clock runs ahead of the true one.
    """

    def __init__(self, world: World, clock: Clock) -> None:
        self.world = world
        self.clock = clock
        self.faults = Faults()
        self.log = RequestLog()
        self.skew = timedelta(0)
        self.url = ""
        self._last: dict[str, Answer] = {}

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Give the handlers by method and path."""
        raise NotImplementedError

    def app(self) -> web.Application:
        """Make the application."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        for (method, path), handler in self.routes().items():
            app.router.add_route(method, path, self._served_by(handler))
        return app

    def now(self) -> datetime:
        """Give the true moment, with every call up to it made."""
        now = self.clock()
        self.world.advance(now)
        return now

    def _served_by(
        self, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            fault = self.faults.take(request.path)
            exchange = Exchange(request, body, self.now(), fault)
            answer = self._answer(exchange, handler)
            date = format_datetime((exchange.now + self.skew).astimezone(UTC), usegmt=True)
            answer = replace(answer, headers={**answer.headers, "Date": date})
            self.log.add(request.path, exchange.now, answer.status)
            if isinstance(fault, SlowBody | CutBody):
                return await _write_in_halves(request, answer, fault)
            for call in exchange.when_served:
                call()
            return web.Response(
                body=answer.body,
                status=answer.status,
                content_type=answer.content_type,
                charset="utf-8",
                headers=answer.headers,
            )

        return serve

    def _answer(self, exchange: Exchange, handler: Handler) -> Answer:
        fault, path = exchange.fault, exchange.request.path
        if isinstance(fault, Status):
            return text_answer(fault.body, fault.status, fault.headers)
        if isinstance(fault, DuplicatePage) and path in self._last:
            return self._last[path]
        answer = handler(exchange)
        if answer.status == HTTPStatus.OK:
            self._last[path] = answer
        return answer


async def _write_in_halves(
    request: web.Request, answer: Answer, fault: SlowBody | CutBody
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    half = len(answer.body) // 2
    await response.prepare(request)
    await response.write(answer.body[:half])
    if isinstance(fault, CutBody):
        if request.transport is not None:
            request.transport.close()
        return response
    await asyncio.sleep(fault.seconds)
    await response.write(answer.body[half:])
    return response
