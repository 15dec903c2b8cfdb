"""Stand-ins for the door to HTTP: a scripted one, and a real server that remembers."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from connectors.budget import Unlimited
from connectors.http import Answer, Http, Request, RetryPolicy
from connectors.web import serve, web


@dataclass
class FakeHttp:
    """Answers with one script entry after another: a body, or an error to raise.

    A callable entry is given the request. The last entry is used again and again.
    """

    script: list
    host: str = "vendor.test"
    requests: list[Request] = field(default_factory=list)
    policies: list[RetryPolicy | None] = field(default_factory=list)
    closed: bool = False

    async def call(self, build, *, check=None, retry=None):
        request = build()
        self.requests.append(request)
        self.policies.append(retry)
        entry = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if callable(entry):
            entry = entry(request)
        if isinstance(entry, Exception):
            raise entry
        answer = Answer(200, {}, entry)
        if check is not None:
            check(answer)
        return answer

    async def close(self):
        self.closed = True


@dataclass(frozen=True)
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@asynccontextmanager
async def vendor_server(*answers):
    """Serve (status, headers, body) one after the other; give an Http to it and what it saw."""
    left, seen = list(answers), []

    async def handle(request: web.Request) -> web.Response:
        seen.append(
            Seen(
                request.method,
                request.raw_path,
                {name.lower(): value for name, value in request.headers.items()},
                await request.read(),
            )
        )
        status, headers, body = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=status, headers=headers, body=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    quick = RetryPolicy(first_wait=timedelta(0), longest_wait=timedelta(0))
    async with (
        serve(app) as base_url,
        Http(base_url, budget=Unlimited(), retry=quick) as http,
    ):
        yield http, seen
