"""Alerts and receivers for the tests."""

from __future__ import annotations

import asyncio
import base64
import itertools
from contextlib import asynccontextmanager

from connectors.web import serve, web
from schemas.alert import Alert, AlertState, Evidence, Severity

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
START = "2026-03-02T08:00:00Z"
END = "2026-03-02T08:15:00Z"


def alert(fingerprint="f1", state="firing", **changes) -> Alert:
    values = {
        "fingerprint": fingerprint,
        "rule": "low",
        "state": AlertState(state),
        "severity": Severity.CRITICAL,
        "starts_at": START,
        "ends_at": END if state == "resolved" else None,
        "at": END if state == "resolved" else START,
        "labels": {"alertname": "low", "severity": "critical", "value": "075512345678"},
        "annotations": {"summary": "low", "summary_zh": "接通率低"},
        "metric": "answer_rate",
        "scope": "calls:icsoc/main/display_number/075512345678",
        "evidence": Evidence(window="15m", window_start=START, window_end=END, threshold=0.2),
    }
    return Alert.model_validate({**values, **changes})


class Inbox:
    """A receiving server: keeps what it was sent, and answers the statuses in turn, then 200."""

    def __init__(self, *statuses: int, always: int = 200, headers=None, body=b"") -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.paths: list[str] = []
        self.asked = asyncio.Event()
        self._statuses = itertools.chain(statuses, itertools.repeat(always))
        self._headers = headers or {}
        self.body = body

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.received]

    async def _post(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append((headers, await request.read()))
        self.paths.append(request.path_qs)
        self.asked.set()
        status = next(self._statuses)
        headers = self._headers if status >= 400 else {}
        return web.Response(status=status, headers=headers, body=self.body)

    @asynccontextmanager
    async def open(self, ssl_context=None):
        app = web.Application()
        app.router.add_post("/{tail:.*}", self._post)
        async with serve(app, ssl_context=ssl_context, drain_seconds=0) as address:
            yield address
