"""What all models share: frozen values, UTC moments, and JSON that reads the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


def _to_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A moment with its offset known, kept in UTC."""


class Feed(NamedTuple):
    """One interface of a vendor that records come from.

    Attributes:
        name: as its raw topic, `raw.<vendor>.<feed>`, and its sources call it.
        purpose: what its records are.
        subject: what a record is about, in words: the end of the raw topic's key.
    """

    name: str
    purpose: str
    subject: str


class Vendor(StrEnum):
    """The vendors by the names that topics, scopes and configuration use."""

    # The registry of vendors: name in Python, which is the package's in connectors/vendors, name
    # for everybody else, and feeds. Topics, mappers, settings and commands follow from its lines.
    SEVENMOOR = (
        "7moor",
        Feed("answer-report", "7moor answer report rows, as they came", "display number"),
        Feed("dialout-task", "7moor dial-out tasks, as they came", "task id"),
    )
    HUAWEI = (
        "huawei",
        Feed("campaign-statistics", "Huawei campaign rows, as they came", "campaign id"),
        Feed("missed-call", "Huawei missed calls, as they came", "call id"),
    )
    ICSOC = (
        "icsoc",
        Feed("cdr", "icsoc call detail records, searched and pushed, as they came", "call id"),
    )

    feeds: tuple[Feed, ...]

    def __new__(cls, name: str, *feeds: Feed) -> Self:
        """Make a member that is its name, with its feeds beside."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.feeds = feeds
        return member


class Message(BaseModel):
    """A frozen value that stands on a topic.

    Unknown fields are ignored on reading, so that a newer writer does not break an older reader.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", use_enum_values=False)

    def to_json(self) -> bytes:
        """Encode as UTF-8 JSON; a field that is None is left out."""
        return self.model_dump_json(exclude_none=True).encode()
