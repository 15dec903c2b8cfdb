"""What all models share: frozen values, UTC moments, and JSON that reads the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


def _to_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A moment with its offset known, kept in UTC."""


class Vendor(StrEnum):
    """The vendors by the names that topics, scopes and configuration use."""

    SEVENMOOR = "7moor"
    HUAWEI = "huawei"
    ICSOC = "icsoc"


class Message(BaseModel):
    """A frozen value that stands on a topic.

    Unknown fields are ignored on reading, so that a newer writer does not break an older reader.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", use_enum_values=False)

    def to_json(self) -> bytes:
        """Encode as UTF-8 JSON; a field that is None is left out."""
        return self.model_dump_json(exclude_none=True).encode()
