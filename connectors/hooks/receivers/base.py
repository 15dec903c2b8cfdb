"""What the hooks ask of a receiver. Adding one means a module here and a line in the registry."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connectors.hooks.durations import Duration
from connectors.hooks.notification import Notification


class RateBudget(BaseModel):
    """How many messages a receiver takes: what is more comes together in one digest.

    Attributes:
        messages: this many
        per: in any such time. DingTalk and WeCom robots take 20 a minute, Feishu 100.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: int = Field(ge=1)
    per: Duration = Field(default=timedelta(minutes=1), gt=timedelta(0))


class ReceiverBase(BaseModel):
    """What the settings of all receivers share.

    Attributes:
        name: what routes call it.
        timeout: for one attempt.
        rate: how many messages it takes; without it as many as there are.
        batches: it takes any number of alerts in one request.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    batches: ClassVar[bool] = False

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    timeout: Duration = Field(default=timedelta(seconds=10), gt=timedelta(0))
    rate: RateBudget | None = None

    @property
    def repeats(self) -> timedelta | None:
        """Tell how often it must be sent what fires; None where routes are to say."""
        return None


class Receiver(Protocol):
    """Somebody who is told of alerts."""

    async def deliver(self, notification: Notification) -> None:
        """Tell of firing and resolved alerts, in one attempt.

        Raises:
            RetryableError: the same again, later, may succeed.
            FatalError: it will not; the text names the mend.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


def checked_url(url: SecretStr) -> SecretStr:
    """Refuse what is no http address.

    Raises:
        ValueError: it is none; the text does not hold it.
    """
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the url must begin with https:// or http:// and name a host")
    if not url.get_secret_value().isascii():
        raise ValueError("the url must be ASCII: percent-encode the rest")
    return url


def split_url(url: SecretStr) -> tuple[str, str]:
    """Give the base address, and the path with the query as they are."""
    parts = urlsplit(url.get_secret_value())
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"{parts.scheme}://{parts.netloc}", target
