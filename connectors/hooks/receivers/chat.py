"""Slack, Teams, Telegram, mail, SMS gateways and a hundred others, through Apprise."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from connectors.hooks.durations import Duration
from connectors.hooks.notification import Notification
from connectors.hooks.receivers.base import PartlyRefusedError, ReceiverBase
from connectors.hooks.receivers.text import Language, write
from connectors.hooks.seen import Seen
from connectors.notify import Level, Service
from connectors.secrets import Secret
from schemas.errors import FatalError, RetryableError

_OURS = {
    "dingtalk": "dingtalk",
    "feishu": "feishu",
    "lark": "feishu",
    "wecombot": "wecom",
}


class AppriseSettings(ReceiverBase):
    """Services that Apprise knows (https://appriseit.com/services/).

    Attributes:
        urls: their addresses; secrets, since they hold tokens and passwords.
        language: of the texts.
    """

    type: Literal["apprise"]
    urls: Annotated[tuple[Secret, ...], Field(min_length=1)]
    language: Language = "en"
    timeout: Duration = Field(default=timedelta(seconds=30), gt=timedelta(0))

    @field_validator("urls")
    @classmethod
    def _are_understood(cls, urls: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for url in urls:
            scheme = url.get_secret_value().partition("://")[0].lower()
            if scheme in _OURS:
                raise ValueError(
                    f"{scheme}:// takes every HTTP 200 for a yes, where the robot says no in the "
                    f"body: use a receiver of type: {_OURS[scheme]} and the robot's own url"
                )
            Service(url.get_secret_value()).close()
        return urls

    def open(self) -> AppriseReceiver:
        """Make the receiver."""
        return AppriseReceiver(self)


class AppriseReceiver:
    """Sends a message to each of its services."""

    def __init__(self, settings: AppriseSettings) -> None:
        self._settings = settings
        # when one service fails and the message is tried again, the others have it already
        self._services = [(Service(url.get_secret_value()), Seen(1000)) for url in settings.urls]

    async def deliver(self, notification: Notification) -> None:
        """Send to every service that does not have it yet."""
        title, body = write(notification, self._settings.language)
        level: Level = "failure" if notification.is_firing else "success"
        may_pass: list[str] = []
        refused: list[str] = []
        for service, seen in self._services:
            if notification.id in seen:
                continue
            try:
                await service.send(title, body, level=level, timeout=self._settings.timeout)
            except RetryableError as error:
                may_pass.append(str(error))
            except FatalError as error:
                refused.append(str(error))
            else:
                seen.add(notification.id)
        if may_pass:
            raise RetryableError("; ".join(may_pass + refused))
        if refused:
            some_have_it = len(refused) < len(self._services)
            raise (PartlyRefusedError if some_have_it else FatalError)("; ".join(refused))

    async def close(self) -> None:
        """Let the threads end."""
        for service, _ in self._services:
            service.close()
