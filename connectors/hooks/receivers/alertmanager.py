"""Prometheus Alertmanager itself: it is sent what fires, again and again, and what has ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from connectors.budget import Unlimited
from connectors.hooks.durations import Duration
from connectors.hooks.notification import Notification
from connectors.hooks.receivers import payloads
from connectors.hooks.receivers.base import ReceiverBase, checked_url, split_url
from connectors.http import ONCE, Http, Request
from connectors.secrets import Secret

_TARGET = "/api/v2/alerts"
_MISSED = 4
"""As Prometheus: an alert that was not sent again for so many rounds has ended."""


class AlertmanagerSettings(ReceiverBase):
    """A Prometheus Alertmanager, which does its own grouping, silencing and telling.

    Attributes:
        url: its address, with the route prefix where it has one.
        headers: sent along, such as `Authorization`.
        resend_every: how often what fires is sent again. What was not sent again for four such
            times, Alertmanager takes for resolved, as with Prometheus.
    """

    batches: ClassVar[bool] = True

    type: Literal["alertmanager"]
    url: Secret
    headers: dict[str, Secret] = Field(default_factory=dict)
    resend_every: Duration = Field(default=timedelta(minutes=1), gt=timedelta(0))

    @property
    def repeats(self) -> timedelta | None:
        """Tell how often it must be sent what fires."""
        return self.resend_every

    _is_http = field_validator("url")(checked_url)

    def open(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> AlertmanagerReceiver:
        """Make the receiver."""
        return AlertmanagerReceiver(self, now)


class AlertmanagerReceiver:
    """Posts alerts to one Alertmanager.

    Args:
        settings: where.
        now: from when on Alertmanager counts.
    """

    def __init__(self, settings: AlertmanagerSettings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        base, path = split_url(settings.url)
        self._target = path.rstrip("/").removesuffix(_TARGET) + _TARGET
        self._http = Http(base, budget=Unlimited(), timeout=settings.timeout, retry=ONCE)

    async def deliver(self, notification: Notification) -> None:
        """Post the alerts as they stand; any 2xx is a yes."""
        await self._http.call(lambda: self.build(notification))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def build(self, notification: Notification) -> Request:
        """Make the request."""
        headers = {name: value.get_secret_value() for name, value in self._settings.headers.items()}
        headers["content-type"] = "application/json"
        until = self._now() + _MISSED * self._settings.resend_every
        return Request("POST", self._target, headers, payloads.postable(notification, until))
