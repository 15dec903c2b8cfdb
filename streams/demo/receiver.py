"""A webhook receiver of our own to try it with: it checks every signature, as yours should."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from http import HTTPStatus

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from connectors.web import web


class WebhookReceiver:
    """Takes alerts by the Standard Webhooks rules.

    Args:
        key: what the sender signs with, 32 bytes; random by default.
        on_delivered: called with each body, the first time that it comes.

    Attributes:
        secret: what the sender signs with.
        delivered: the ids that came, each once.
        refused: how many came with a wrong signature.
    """

    def __init__(
        self, key: bytes | None = None, on_delivered: Callable[[str], None] | None = None
    ) -> None:
        self.secret = "whsec_" + base64.b64encode(key or secrets.token_bytes(32)).decode()
        self._on_delivered = on_delivered
        self.delivered: set[str] = set()
        self.refused = 0

    def app(self) -> web.Application:
        """Make the application."""
        app = web.Application()
        app.router.add_post("/alerts", self._take)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.text()
        try:
            Webhook(self.secret).verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.refused += 1
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        identity = request.headers["webhook-id"]
        if self._on_delivered is not None and identity not in self.delivered:
            self._on_delivered(body)
        self.delivered.add(identity)
        return web.Response(status=HTTPStatus.NO_CONTENT)
