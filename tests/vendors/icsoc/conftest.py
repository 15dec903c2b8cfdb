"""An icsoc of our own: a token door and a search that answer what a test tells them."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from connectors.vendors.icsoc.auth import OAuth
from connectors.web import serve, web

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2021, 6, 18, 8, 0, tzinfo=UTC)


@dataclass
class FakeIcsoc:
    """Give `answers` in turn (the last for ever), and remember what was asked."""

    address: str = ""
    answers: list[bytes | int] = field(default_factory=lambda: [page([])])
    token_forms: list[dict[str, str]] = field(default_factory=list)
    token_status: int = 200
    bearers: list[str] = field(default_factory=list)
    searches: list[dict] = field(default_factory=list)
    refused_tokens: set[str] = field(default_factory=set)

    async def give_token(self, request: web.Request) -> web.Response:
        form = parse_qs(await request.text())
        self.token_forms.append({name: values[0] for name, values in form.items()})
        if self.token_status != 200:
            return web.json_response({"error": "no"}, status=self.token_status)
        token = f"token-{len(self.token_forms)}"
        return web.json_response({"access_token": token, "expires_in": 86400})

    async def search(self, request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.bearers.append(token)
        if token in self.refused_tokens:
            return web.Response(status=401)
        self.searches.append(await request.json())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, int):
            return web.Response(status=answer)
        return web.Response(body=answer, content_type="application/json")

    def oauth(self, **changes: object) -> OAuth:
        given = {
            "token_url": f"{self.address}/oauth2/token",
            "company": "acme",
            "agent": "8001",
            "password": "pass word",
            "client_id": "id",
            "client_secret": "se&cret",
        }
        return OAuth.model_validate(given | changes)


def page(results: list[str], after: str | None = None) -> bytes:
    """Write an answer from the results' own texts."""
    return (
        '{"code":0,"message":"ok","data":{"results":['
        + ",".join(results)
        + '],"searchAfter":'
        + json.dumps(after)
        + "}}"
    ).encode()


@pytest.fixture
async def icsoc() -> AsyncIterator[FakeIcsoc]:
    fake = FakeIcsoc()
    app = web.Application()
    app.router.add_post("/oauth2/token", fake.give_token)
    app.router.add_post("/api/v1/cdr/search", fake.search)
    async with serve(app, drain_seconds=1) as address:
        fake.address = address
        yield fake
