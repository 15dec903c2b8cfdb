"""What the hooks ask of a receiver. Adding one means a module here and a line in the registry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar, Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from connectors.hooks.durations import Duration, parse_duration
from connectors.hooks.notification import Notification
from schemas.errors import FatalError


@dataclass(frozen=True, slots=True)
class RateBudget:
    """How many messages a receiver takes in any such time; written `20/1m`."""

    messages: int
    per: timedelta


def _read_rate(value: object) -> object:
    if not isinstance(value, str):
        return value
    number, _, span = value.partition("/")
    per = parse_duration(span.strip())
    if not number.strip().isdigit() or not int(number) or not isinstance(per, timedelta) or not per:
        raise ValueError("a rate is written as messages/time: 20/1m")
    return RateBudget(int(number), per)


Rate = Annotated[RateBudget | None, BeforeValidator(_read_rate)]
"""A rate budget as text: `20/1m`."""


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
    rate: Rate = None

    @property
    def budget(self) -> RateBudget | None:
        """Give how many messages it takes; None for any number."""
        return self.rate

    @property
    def repeats(self) -> timedelta | None:
        """Tell how often it must be sent what fires; None where routes are to say."""
        return None


class PartlyRefusedError(FatalError):
    """Some that stand behind one receiver have the message; the others never will."""


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
