"""The generic webhook, signed by the Standard Webhooks rules (standardwebhooks.com, v1)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from standardwebhooks import Webhook

from connectors import tracing
from connectors.budget import Unlimited
from connectors.hooks.notification import Notification
from connectors.hooks.receivers import payloads
from connectors.hooks.receivers.base import ReceiverBase, checked_url, split_url
from connectors.http import ONCE, Http, Request
from connectors.secrets import Secret

_SECRET_BYTES = range(24, 65)


class WebhookSettings(ReceiverBase):
    """A URL that alerts are posted to.

    Attributes:
        url: where to post; a secret, since chat services put their token in it.
        secret: signs every message: `whsec_` and 24 to 64 bytes in base64. The `alertmanager`
            format may go unsigned, as Alertmanager does.
        format: the body: a Standard Webhooks event, or Alertmanager's version 4.
        headers: sent along, such as `Authorization`.
    """

    type: Literal["webhook"] = "webhook"
    url: Secret
    secret: Secret | None = None
    format: Literal["standard", "alertmanager"] = "standard"
    headers: dict[str, Secret] = Field(default_factory=dict)

    _is_http = field_validator("url")(checked_url)

    @field_validator("secret")
    @classmethod
    def _is_a_key(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is None:
            return None
        try:
            key = base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
        except binascii.Error as error:
            raise ValueError("the secret must be whsec_ and base64") from error
        if len(key) not in _SECRET_BYTES:
            raise ValueError("the secret must hold 24 to 64 bytes: openssl rand -base64 32")
        return secret

    @model_validator(mode="after")
    def _is_signed(self) -> Self:
        if self.format == "standard" and self.secret is None:
            raise ValueError(
                "a standard webhook is signed: set secret, such as env:WEBHOOK_SECRET, "
                "or format: alertmanager"
            )
        return self

    def open(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> WebhookReceiver:
        """Make the receiver."""
        return WebhookReceiver(self, now)


class WebhookReceiver:
    """Posts alerts to one URL.

    Args:
        settings: where and how.
        now: stamps the signature, anew for every attempt.
    """

    def __init__(self, settings: WebhookSettings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        base, self._target = split_url(settings.url)
        self._http = Http(
            base,
            budget=Unlimited(),
            timeout=settings.timeout,
            retry=ONCE,  # the hooks try again, with the patience of their own settings
        )

    async def deliver(self, notification: Notification) -> None:
        """Post one message; any 2xx is a yes."""
        await self._http.call(lambda: self.build(notification))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def build(self, notification: Notification) -> Request:
        """Make the signed request."""
        if self._settings.format == "standard":
            body = payloads.standard(notification)
        else:
            body = payloads.alertmanager(notification)
        headers = {name: value.get_secret_value() for name, value in self._settings.headers.items()}
        headers["content-type"] = "application/json"
        headers |= self._signature(notification.id, body)
        trace = tracing.current()
        if trace is not None:
            headers[tracing.HEADER] = trace
        return Request("POST", self._target, headers, body)

    def _signature(self, message_id: str, body: bytes) -> dict[str, str]:
        at = self._now()
        headers = {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp()))}
        if self._settings.secret is not None:
            signer = Webhook(self._settings.secret.get_secret_value())
            headers["webhook-signature"] = signer.sign(message_id, at, body.decode())
        return headers
