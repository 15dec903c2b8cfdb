"""The HTTP side of the ingress: limits, answers and back-pressure."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import cache

from connectors import telemetry, tracing
from connectors.ingress.access import client_address, may_push
from connectors.ingress.contract import PushRefused, Receiver
from connectors.ingress.openapi import describe
from connectors.ingress.patience import Patience
from connectors.ingress.settings import IngressSettings
from connectors.ingress.telling import Line, PushBook
from connectors.tracing import Kind
from connectors.web import web
from schemas.dead_letter import DeadLetter
from schemas.envelope import RawRecord
from schemas.errors import CallstreamsError

_log = logging.getLogger(__name__)

Publish = Callable[[RawRecord], Awaitable[None]]
"""Returns when Kafka has the record with acks=all; raises a CallstreamsError where it has not."""

Bury = Callable[[DeadLetter], Awaitable[None]]
"""Returns when Kafka has the dead letter; raises a CallstreamsError where it has not."""

Ready = Callable[[], Awaitable[bool]]

Handler = Callable[[web.Request], Awaitable[web.Response]]

_TAKEN = b'{"code": 0, "message": "ok"}'
_FORBIDDEN = 403
_NOT_FOUND = 404
_TIMEOUT = 408
_TOO_LARGE = 413
_UNSUPPORTED = 415
_UNAVAILABLE = 503


class _NotTaken(Exception):  # noqa: N818 - an answer, not a fault of ours
    """The push is answered with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def _always() -> bool:
    return True


def make_app(
    receivers: Iterable[Receiver],
    publish: Publish,
    dead_letter: Bury,
    settings: IngressSettings | None = None,
    *,
    ready: Ready = _always,
    book: PushBook | None = None,
    clock: Callable[[], datetime] = _utc_now,
) -> web.Application:
    """Make the application.

    Every answer is JSON with `code` and `message`. Code 0 means that `publish` has returned;
    any other code is the HTTP status too.

    Args:
        receivers: one for each account that takes pushes.
        publish: takes the record over for good.
        dead_letter: takes a signed push over that carries no record.
        settings: limits and who may push.
        ready: tells `/readyz` whether pushes can be taken.
        book: is told what becomes of each push.
        clock: tells the time.
    """
    known = list(receivers)
    ingress = _Ingress(
        known, publish, dead_letter, settings or IngressSettings(), book or PushBook(known), clock
    )

    async def healthz(_: web.Request) -> web.Response:
        return _answer(200, "ok")

    async def readyz(_: web.Request) -> web.Response:
        return _answer(200, "ok") if await ready() else _answer(_UNAVAILABLE, "not ready")

    async def openapi(_: web.Request) -> web.Response:
        return web.json_response(describe())

    app = web.Application(middlewares=[_json_errors])
    push = _timed(ingress.handle)
    for path in ingress.paths:  # an address without a pattern is found quicker
        app.router.add_post(path, push)
    app.router.add_post("/push/{vendor}/{account}", push)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/openapi.json", openapi)
    return app


class _Ingress:
    def __init__(
        self,
        receivers: Iterable[Receiver],
        publish: Publish,
        dead_letter: Bury,
        settings: IngressSettings,
        book: PushBook,
        clock: Callable[[], datetime],
    ) -> None:
        self._routes = {
            f"/push/{one.vendor}/{one.account}": (one, book.line_of(one)) for one in receivers
        }
        self._publish = publish
        self._dead_letter = dead_letter
        self._settings = settings
        self._clock = clock
        self._in_flight = 0
        self._patience = Patience(settings.publish_timeout)

    @property
    def paths(self) -> Iterable[str]:
        return self._routes.keys()

    async def handle(self, request: web.Request) -> web.Response:
        try:
            receiver, line = self._admit(request)
        except _NotTaken as refusal:
            return self._refuse(request, refusal)
        self._in_flight += 1
        try:
            # icsoc sends no traceparent; a proxy before us may
            parent = tracing.read(request.headers.get(tracing.HEADER))
            with tracing.span("push", parent=parent, kind=Kind.SERVER):
                return await self._answer(request, receiver, line)
        finally:
            self._in_flight -= 1

    async def _answer(self, request: web.Request, receiver: Receiver, line: Line) -> web.Response:
        try:
            line.kept_at = await self._take(request, receiver)
        except _NotTaken as refusal:
            return self._refuse(request, refusal)
        line.kept += 1
        return web.Response(body=_TAKEN, content_type="application/json", charset="utf-8")

    def _admit(self, request: web.Request) -> tuple[Receiver, Line]:
        """Decide on what is known before the body is read."""
        settings = self._settings
        if settings.allow and not self._allowed(request):
            raise _NotTaken(_FORBIDDEN, "this address may not push; see ingress.allow")
        route = self._routes.get(request.path)
        if route is None:
            raise _NotTaken(_NOT_FOUND, "no account takes pushes at this address")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise _NotTaken(_UNSUPPORTED, "send the body without Content-Encoding")
        if self._in_flight >= settings.in_flight:
            raise _NotTaken(_UNAVAILABLE, "too many pushes at one time; try again")
        return route

    def _allowed(self, request: web.Request) -> bool:
        settings = self._settings
        forwarded = request.headers.getall("X-Forwarded-For", [])
        address = client_address(request.remote, forwarded, settings.trusted_proxies)
        return may_push(address, settings.allow)

    async def _take(self, request: web.Request, receiver: Receiver) -> datetime:
        """Hand the push over to Kafka, and tell when it came."""
        body = await self._read(request)
        now = self._clock()
        try:
            record = receiver.receive(body, now)
        except PushRefused as refusal:
            if refusal.data is not None:
                letter = _letter(refusal, refusal.data, request.path, now)
                await self._hand_over(self._dead_letter(letter))
                telemetry.DEAD_LETTERS.labels(letter.stage, letter.code).inc()
            raise _NotTaken(refusal.status, refusal.reason) from refusal
        await self._hand_over(self._publish(record))
        return now

    async def _read(self, request: web.Request) -> bytes:
        largest = self._settings.largest_body
        if request.content.is_eof():  # it came with the headers, as small ones do
            whole = request.content.read_nowait(-1)
            if len(whole) > largest:
                raise _too_large(largest)
            return whole
        if (request.content_length or 0) > largest:
            raise _too_large(largest)
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.read_timeout.total_seconds()):
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > largest:
                        raise _too_large(largest)
        except TimeoutError as error:
            raise _NotTaken(_TIMEOUT, "the body did not come in time") from error
        return bytes(body)

    async def _hand_over(self, to_kafka: Awaitable[None]) -> None:
        """Wait until Kafka has it: nothing is acknowledged before."""
        try:
            await self._patience.wait(to_kafka)
        except (CallstreamsError, TimeoutError) as error:
            _log.warning("a push could not be kept: %s", str(error) or "Kafka was too slow")
            raise _NotTaken(_UNAVAILABLE, "the push could not be kept; try again") from error

    def _refuse(self, request: web.Request, refusal: _NotTaken) -> web.Response:
        _log.warning("a push to %r was answered %d: %s", request.path, refusal.status, refusal)
        if request.path in self._routes:
            _, line = self._routes[request.path]
            line.refused += 1
            line.refused_at, line.reason = self._clock(), refusal.message
        answer = _answer(refusal.status, refusal.message)
        if refusal.status == _UNAVAILABLE:
            seconds = math.ceil(self._settings.retry_after.total_seconds())
            answer.headers["Retry-After"] = str(seconds)
        return answer


def _too_large(largest: int) -> _NotTaken:
    return _NotTaken(_TOO_LARGE, f"the body is larger than {largest} bytes")


def _letter(refusal: PushRefused, data: bytes, path: str, now: datetime) -> DeadLetter:
    return DeadLetter(
        stage="ingress",
        code=refusal.code,
        reason=refusal.reason,
        topic=path,
        partition=-1,
        offset=-1,
        failed_at=now,
        value=data,
    )


def _timed(handle: Handler) -> Handler:
    """Time each push by what it was answered."""
    by_status = cache(lambda status: telemetry.INGRESS_SECONDS.labels(str(status)))

    async def timed(request: web.Request) -> web.Response:
        began = time.perf_counter()
        answer = await handle(request)
        by_status(answer.status).observe(time.perf_counter() - began)
        return answer

    return timed


def _answer(status: int, message: str) -> web.Response:
    code = 0 if status == 200 else status
    return web.json_response({"code": code, "message": message}, status=status)


@web.middleware
async def _json_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer 404 and 405 as everything else is answered."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        answer = _answer(error.status, error.reason)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
