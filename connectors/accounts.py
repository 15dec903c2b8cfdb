"""An account of ours at a vendor: what all vendors' account settings share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.budget import Shared, Spaced
from connectors.source import History, Source


class AccountSettings(BaseModel):
    """One account in the configuration.

    Each vendor's settings derive from this and add `vendor: Literal["…"]`, addresses and
    credentials.

    Attributes:
        name: how topics, scopes and commands call the account.
        timezone: the IANA zone of its calendar day, and of vendor times that state no zone.
        request_timeout: for connecting, and for each part of an answer.
        backfill_share: the part of the vendor's rate that live polling leaves to
            `callstreams backfill` and the other commands, which are processes of their own.
        state_dir: what a process leaves to the next: a token, and when a command sent its last
            request. By default the user's state directory.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor: str
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    timezone: str = "Asia/Shanghai"
    request_timeout: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(seconds=10)
    backfill_share: float = Field(default=0.2, gt=0, lt=1)
    state_dir: Path | None = None

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{value!r} is not an IANA zone such as Asia/Shanghai") from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        """Give the zone itself."""
        return ZoneInfo(self.timezone)

    @property
    def quota(self) -> Spaced | None:
        """Give the budget of its requests; None where the vendor states no limit."""
        return None

    @property
    def state_directory(self) -> Path:
        """Tell where state is kept."""
        return self.state_dir or Path(platformdirs.user_state_dir("callstreams"))

    def shared(self, gap: timedelta) -> Shared:
        """Give a budget that all commands of this computer share for the account."""
        return Shared(gap, self.state_directory / f"rate-{self.vendor}-{self.name}")

    @abstractmethod
    def sources(self) -> Sequence[Source]:
        """Make the sources that this account is polled by, sharing one rate budget."""

    def histories(self) -> Sequence[History]:
        """Make the sources whose past can be read again, on the backfill's share of the rate."""
        return ()
