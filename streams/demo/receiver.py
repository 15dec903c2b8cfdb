"""The demo's own webhook receiver: it checks every signature, as yours should."""

from __future__ import annotations

import base64
import secrets
from http import HTTPStatus

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from connectors.web import web


class WebhookReceiver:
    """Takes alerts by the Standard Webhooks rules.

    Attributes:
        secret: what the sender signs with.
        delivered: the ids that came, each once.
        refused: how many came with a wrong signature.
    """

    def __init__(self) -> None:
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
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
        self.delivered.add(request.headers["webhook-id"])
        return web.Response(status=HTTPStatus.NO_CONTENT)
