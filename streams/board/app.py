"""The wallboard over HTTP: the JSON API, the events, the page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path

import msgspec

from connectors.hooks.silences import expired
from connectors.web import web
from schemas import topics
from schemas.errors import ConfigError, RetryableError
from schemas.silence import Silence
from streams.board import answers, queries, questions, standing
from streams.board.access import Reader, reader_of
from streams.board.frames import Manners
from streams.board.hub import Client, Hub
from streams.board.openapi import describe
from streams.board.operations import OPERATIONS, PREFIX
from streams.board.replies import add_headers, answer, as_json, plain_errors, problem, read
from streams.board.settings import BoardSettings
from streams.board.silences import Silencer, SilenceRequest, silence_asked
from streams.board.state import Board

STATIC = Path(__file__).parent / "static"

_READER = web.RequestKey("reader", Reader)
_WRITE_SECONDS = 30
_LARGEST_BODY = 65_536

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(
    board: Board,
    settings: BoardSettings,
    *,
    clock: Callable[[], datetime],
    silencer: Silencer | None = None,
) -> web.Application:
    """Make the application.

    Args:
        board: what is known; somebody else feeds it.
        settings: tokens and limits.
        clock: tells the time, for ages.
        silencer: writes silences; without it, or without a `write_token`, nobody can.
    """
    return _App(board, settings, clock, silencer).make()


class _App:
    def __init__(
        self,
        board: Board,
        settings: BoardSettings,
        clock: Callable[[], datetime],
        silencer: Silencer | None,
    ) -> None:
        self._board = board
        self._settings = settings
        self._clock = clock
        self._silencer = None if settings.write_token is None else silencer
        manners = Manners(
            settings.stale_after.total_seconds(),
            settings.silent_after.total_seconds(),
            writable=self._silencer is not None,
        )
        self._hub = Hub(board, manners, clock)
        self._streams: set[asyncio.Task[object]] = set()

    def make(self) -> web.Application:
        app = web.Application(
            middlewares=[plain_errors, self._guard], client_max_size=_LARGEST_BODY
        )
        handlers: dict[str, _Handler] = {
            "metrics": self._metrics,
            "scope": self._scope,
            "history": self._history,
            "alerts": self._alerts,
            "story": self._story,
            "campaigns": self._campaigns,
            "sources": self._sources,
            "silences": self._silences,
            "silence": self._silence,
            "expire": self._expire,
            "events": self._events,
            "healthz": self._healthz,
            "readyz": self._readyz,
        }
        for name, operation in OPERATIONS.items():
            app.router.add_route(operation.method, operation.path, handlers[name], name=name)
        app.router.add_get(f"{PREFIX}/openapi.json", self._openapi)
        app.router.add_get("/", _page)
        app.router.add_static("/static", STATIC)
        app.on_response_prepare.append(add_headers)
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
        if name in OPERATIONS and not OPERATIONS[name].open:
            reader = reader_of(self._settings, request.headers.get("Authorization"))
            if reader is None:
                refusal = problem(401, "a token is needed: Authorization: Bearer <token>")
                refusal.headers["WWW-Authenticate"] = "Bearer"
                return refusal
            if OPERATIONS[name].method != "GET" and (why := self._why_no_writing(reader)):
                return problem(403, why)
            request[_READER] = reader
        return await handler(request)

    def _why_no_writing(self, reader: Reader) -> str | None:
        if self._silencer is None:
            return "nothing can be written here: set board.write_token"
        if not reader.write:
            return "this token may read alone: show the one of board.write_token"
        return None

    async def _metrics(self, request: web.Request) -> web.Response:
        query = read(request, questions.MetricsQuery)
        return answer(
            queries.metrics(self._board, query, self._clock(), self._settings.stale_after)
        )

    async def _scope(self, request: web.Request) -> web.Response:
        query = read(request, questions.ScopeQuery)
        entry = self._board.entry(query.scope)
        if entry is None:
            return problem(404, f"there is no scope {query.scope!r}: see {PREFIX}/metrics")
        return answer(
            queries.scope_answer(
                self._board,
                entry,
                self._clock(),
                self._settings.stale_after,
                unmask=request[_READER].unmask,
            )
        )

    async def _history(self, request: web.Request) -> web.Response:
        query = read(request, questions.HistoryQuery)
        return answer(queries.histories(self._board, query.scope, query.window))

    async def _alerts(self, request: web.Request) -> web.Response:
        query = read(request, questions.AlertsQuery)
        return answer(
            queries.alerts(
                self._board, query.state, self._clock(), vendor=query.vendor, search=query.q
            )
        )

    async def _story(self, request: web.Request) -> web.Response:
        read(request, questions.NoQuery)
        story = queries.alert_story(self._board, request.match_info["fingerprint"], self._clock())
        if story is None:
            return problem(404, f"there is no such alert: see {PREFIX}/alerts?state=all")
        return answer(story)

    async def _campaigns(self, request: web.Request) -> web.Response:
        read(request, questions.NoQuery)
        return answer(queries.campaigns(self._board))

    async def _sources(self, request: web.Request) -> web.Response:
        read(request, questions.NoQuery)
        return answer(standing.sources(self._board, self._clock(), self._settings.silent_after))

    async def _silences(self, request: web.Request) -> web.Response:
        query = read(request, questions.SilencesQuery)
        return answer(standing.silences(self._board, self._clock(), ended=query.state == "all"))

    async def _silence(self, request: web.Request) -> web.Response:
        read(request, questions.NoQuery)
        try:
            asked = msgspec.json.decode(await request.read(), type=SilenceRequest)
            silence = silence_asked(asked, self._clock())
        except (msgspec.MsgspecError, ConfigError) as error:
            return problem(400, f"{error}: see {PREFIX}/openapi.json")
        return await self._write(silence, status=201)

    async def _expire(self, request: web.Request) -> web.Response:
        read(request, questions.NoQuery)
        known = self._board.silences.get(request.match_info["id"])
        if known is None:
            return problem(404, f"there is no such silence: see {PREFIX}/silences?state=all")
        return await self._write(expired(known, self._clock()), status=200)

    async def _write(self, silence: Silence, status: int) -> web.Response:
        assert self._silencer is not None  # noqa: S101 - the guard lets nobody through
        try:
            await self._silencer(silence)
        except RetryableError as error:
            return problem(503, str(error))
        # who wrote it reads it at once; that it comes back from Kafka changes nothing
        self._board.take(topics.SILENCES.name, silence.key, silence.to_json())
        return as_json(status, standing.silence_of(silence, self._clock()))

    async def _openapi(self, _request: web.Request) -> web.Response:
        secured = self._settings.token is not None
        return as_json(200, describe(list(OPERATIONS.values()), secured=secured))

    async def _healthz(self, _request: web.Request) -> web.Response:
        return answer(answers.Health("ok", self._board.ready, self._board.unread))

    async def _readyz(self, _request: web.Request) -> web.Response:
        if not self._board.ready:
            return problem(503, "the topics are still being read; ask again")
        return answer(answers.Health("ready", ready=True, unread=self._board.unread))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        query = read(request, questions.EventsQuery)
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


async def _page(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / "index.html")
