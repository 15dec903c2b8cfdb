"""The wallboard over HTTP: the JSON API, the events, the page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from connectors.web import web
from streams.board import answers, queries, questions
from streams.board.access import Reader, reader_of
from streams.board.hub import Client, Hub
from streams.board.openapi import Operation, describe
from streams.board.settings import BoardSettings
from streams.board.state import Board

STATIC = Path(__file__).parent / "static"
PREFIX = "/api/v1"

_ENCODE = msgspec.json.Encoder().encode
_READER = web.RequestKey("reader", Reader)
_UNKNOWN = (404, "there is no such thing")
_WRITE_SECONDS = 30
_PRESS_ABOVE = 2_048

_OPERATIONS = {
    "metrics": Operation(
        f"{PREFIX}/metrics",
        "Current counts by scope, one page",
        questions.MetricsQuery,
        answers.Metrics,
    ),
    "scope": Operation(
        f"{PREFIX}/scope",
        "One scope: all its windows, alerts, course and newest calls",
        questions.ScopeQuery,
        answers.ScopeAnswer,
        (_UNKNOWN,),
    ),
    "history": Operation(
        f"{PREFIX}/history",
        "The course of some scopes",
        questions.HistoryQuery,
        answers.Histories,
    ),
    "alerts": Operation(f"{PREFIX}/alerts", "Alerts", questions.AlertsQuery, answers.Alerts),
    "story": Operation(
        f"{PREFIX}/alerts/{{fingerprint}}",
        "One alert's story",
        questions.NoQuery,
        answers.AlertStory,
        (_UNKNOWN,),
    ),
    "campaigns": Operation(
        f"{PREFIX}/campaigns", "Campaigns and tasks", questions.NoQuery, answers.Campaigns
    ),
    "sources": Operation(
        f"{PREFIX}/sources", "The sources' health", questions.NoQuery, answers.Sources
    ),
    "events": Operation(
        f"{PREFIX}/events",
        "Changes as server-sent events, as the page reads them: snapshot, change, beat",
        questions.EventsQuery,
        None,
    ),
    "healthz": Operation(
        "/healthz", "Whether it runs", questions.NoQuery, answers.Health, open=True
    ),
    "readyz": Operation(
        "/readyz",
        "Whether it has read its topics",
        questions.NoQuery,
        answers.Health,
        ((503, "it is still reading"),),
        open=True,
    ),
}

_HEADERS = {
    "Server": "callstreams",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_Query = TypeVar("_Query", bound=msgspec.Struct)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(
    board: Board, settings: BoardSettings, *, clock: Callable[[], datetime]
) -> web.Application:
    """Make the application.

    Args:
        board: what is known; somebody else feeds it.
        settings: tokens and limits.
        clock: tells the time, for ages.
    """
    return _App(board, settings, clock).make()


class _App:
    def __init__(
        self, board: Board, settings: BoardSettings, clock: Callable[[], datetime]
    ) -> None:
        self._board = board
        self._settings = settings
        self._clock = clock
        self._hub = Hub(board, settings.stale_after.total_seconds(), clock)
        self._streams: set[asyncio.Task[object]] = set()

    def make(self) -> web.Application:
        app = web.Application(middlewares=[_plain_errors, self._guard])
        handlers: dict[str, _Handler] = {
            "metrics": self._metrics,
            "scope": self._scope,
            "history": self._history,
            "alerts": self._alerts,
            "story": self._story,
            "campaigns": self._campaigns,
            "sources": self._sources,
            "events": self._events,
            "healthz": self._healthz,
            "readyz": self._readyz,
        }
        for name, operation in _OPERATIONS.items():
            app.router.add_get(operation.path, handlers[name], name=name)
        app.router.add_get(f"{PREFIX}/openapi.json", self._openapi)
        app.router.add_get("/", _page)
        app.router.add_static("/static", STATIC)
        app.on_response_prepare.append(_add_headers)
        app.cleanup_ctx.append(self._ticking)
        app.on_shutdown.append(self._end_streams)
        return app

    async def _ticking(self, _app: web.Application) -> AsyncIterator[None]:
        ticking = asyncio.create_task(self._hub.run(self._settings.tick.total_seconds()))
        yield
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking

    async def _end_streams(self, _app: web.Application) -> None:
        # a browser's stream never ends by itself, and would hold the server up
        for stream in self._streams:
            stream.cancel()

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Let the API be read by those who may; the page itself holds nothing."""
        name = request.match_info.route.name
        if name in _OPERATIONS and not _OPERATIONS[name].open:
            reader = reader_of(self._settings, request.headers.get("Authorization"))
            if reader is None:
                refusal = _problem(401, "a token is needed: Authorization: Bearer <token>")
                refusal.headers["WWW-Authenticate"] = "Bearer"
                return refusal
            request[_READER] = reader
        return await handler(request)

    async def _metrics(self, request: web.Request) -> web.Response:
        query = _read(request, questions.MetricsQuery)
        return _answer(
            queries.metrics(self._board, query, self._clock(), self._settings.stale_after)
        )

    async def _scope(self, request: web.Request) -> web.Response:
        query = _read(request, questions.ScopeQuery)
        entry = self._board.entry(query.scope)
        if entry is None:
            return _problem(404, f"there is no scope {query.scope!r}: see {PREFIX}/metrics")
        return _answer(
            queries.scope_answer(
                self._board,
                entry,
                self._clock(),
                self._settings.stale_after,
                unmask=request[_READER].unmask,
            )
        )

    async def _history(self, request: web.Request) -> web.Response:
        query = _read(request, questions.HistoryQuery)
        return _answer(queries.histories(self._board, query.scope, query.window))

    async def _alerts(self, request: web.Request) -> web.Response:
        query = _read(request, questions.AlertsQuery)
        return _answer(queries.alerts(self._board, query.state, query.vendor, query.q))

    async def _story(self, request: web.Request) -> web.Response:
        _read(request, questions.NoQuery)
        story = queries.alert_story(self._board, request.match_info["fingerprint"])
        if story is None:
            return _problem(404, f"there is no such alert: see {PREFIX}/alerts?state=all")
        return _answer(story)

    async def _campaigns(self, request: web.Request) -> web.Response:
        _read(request, questions.NoQuery)
        return _answer(queries.campaigns(self._board))

    async def _sources(self, request: web.Request) -> web.Response:
        _read(request, questions.NoQuery)
        return _answer(answers.Sources([], 0))

    async def _openapi(self, _request: web.Request) -> web.Response:
        secured = self._settings.token is not None
        return _json(200, _ENCODE(describe(list(_OPERATIONS.values()), secured=secured)))

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _answer(answers.Health("ok", self._board.ready, self._board.unread))

    async def _readyz(self, _request: web.Request) -> web.Response:
        if not self._board.ready:
            return _problem(503, "the topics are still being read; ask again")
        return _answer(answers.Health("ready", ready=True, unread=self._board.unread))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        query = _read(request, questions.EventsQuery)
        windows = self._board.windows()
        window = query.window if query.window in windows else next(iter(windows), "")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        client = self._hub.join(window, request.headers.get("Last-Event-ID"))
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - aiohttp runs handlers in tasks
        self._streams.add(task)
        try:
            await self._tell(response, client)
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            # the browser has gone, or does not read, or we stop: it will come again
            if request.transport is not None:
                request.transport.close()
        finally:
            self._streams.discard(task)
            self._hub.leave(client)
        return response

    async def _tell(self, response: web.StreamResponse, client: Client) -> None:
        while True:
            event = await client.queue.get()
            if event is None:
                event = self._hub.snapshot(client.window)
            async with asyncio.timeout(_WRITE_SECONDS):
                await response.write(event)


def _read(request: web.Request, query: type[_Query]) -> _Query:
    """Read the query.

    Raises:
        HTTPBadRequest: it cannot be used; the text names the mend.
    """
    asked: dict[str, str | list[str]] = {}
    for name in request.query:
        values = request.query.getall(name)
        asked[name] = values if query is questions.HistoryQuery and name == "scope" else values[-1]
    try:
        return msgspec.convert(asked, query, strict=False)
    except msgspec.ValidationError as error:
        raise web.HTTPBadRequest(text=f"{error}: see {PREFIX}/openapi.json") from error


def _answer(said: msgspec.Struct) -> web.Response:
    return _json(200, _ENCODE(said))


def _problem(status: int, text: str) -> web.Response:
    return _json(status, _ENCODE(answers.Problem(text)))


def _json(status: int, body: bytes) -> web.Response:
    response = web.Response(status=status, body=body, content_type="application/json")
    if len(body) > _PRESS_ABOVE:
        response.enable_compression()
    return response


async def _page(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    if "/vendor/" in request.path:  # its folder has the version in its name
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    elif request.path.startswith(PREFIX):
        response.headers["Cache-Control"] = "no-store"
    else:
        response.headers["Cache-Control"] = "no-cache"


@web.middleware
async def _plain_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Answer what aiohttp refuses as everything else is answered."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = _problem(error.status, error.text or error.reason)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
