"""How the board answers over HTTP: JSON, its refusals too, locked down by headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from connectors.web import web
from streams.board import answers, questions
from streams.board.operations import PREFIX

_ENCODE = msgspec.json.Encoder().encode
_PRESS_ABOVE = 2_048
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


def read(request: web.Request, query: type[_Query]) -> _Query:
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


def answer(said: msgspec.Struct) -> web.Response:
    """Answer what was asked for."""
    return as_json(200, said)


def problem(status: int, text: str) -> web.Response:
    """Refuse, and name the mend."""
    return as_json(status, answers.Problem(text))


def as_json(status: int, said: object) -> web.Response:
    """Write an answer; a long one is compressed."""
    body = _ENCODE(said)
    response = web.Response(status=status, body=body, content_type="application/json")
    if len(body) > _PRESS_ABOVE:
        response.enable_compression()
    return response


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Lock an answer down, and say how long it may be kept."""
    response.headers.update(_HEADERS)
    if "/vendor/" in request.path:  # its folder has the version in its name
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    elif request.path.startswith(PREFIX):
        response.headers["Cache-Control"] = "no-store"
    else:
        response.headers["Cache-Control"] = "no-cache"


@web.middleware
async def plain_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Answer what aiohttp refuses as everything else is answered."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        refusal = problem(error.status, error.text or error.reason)
        if "Allow" in error.headers:
            refusal.headers["Allow"] = error.headers["Allow"]
        return refusal
