"""What the poller asks of a source, and what a source gives back.

A source knows its vendor's paging and time windows; it knows nothing of Kafka, of schedules or
of other sources. Adding a vendor means writing sources and one line in `schemas.base.Vendor`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from pydantic import JsonValue

from schemas.base import Vendor
from schemas.envelope import RawRecord

Cursor = Mapping[str, JsonValue]
"""How far a source has been read: small, JSON, and meaningful to that source alone."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll read: all of it or, where it raised, none.

    Attributes:
        records: in the order the vendor gave them; re-reads among them are welcome, the poller
            recognises them by subject and content.
        cursor: from where the next poll goes on; written together with the records.
        more: there is more to read at once, without waiting for the interval.
    """

    records: Sequence[RawRecord]
    cursor: Cursor
    more: bool = False


class Source(Protocol):
    """One feed of one account.

    Attributes:
        interval: the pause between two polls.
        lookback: how far back a poll may re-read; the poller remembers what it published for
            at least as long.
    """

    vendor: Vendor
    account: str
    feed: str
    interval: timedelta
    lookback: timedelta

    async def poll(self, cursor: Cursor | None, now: datetime) -> Poll:
        """Read what is new since `cursor`; from a sensible start where it is None.

        Raises:
            RetryableError: try again later.
            FatalError: a person must mend something first.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


Span = tuple[datetime, datetime]
"""From when, and until when: the end does not belong to it."""


@runtime_checkable
class History(Source, Protocol):
    """A source whose past can be read as well, span by span: what `callstreams backfill` asks."""

    def reach(self, cursor: Cursor | None, now: datetime) -> datetime:
        """Tell from when on `poll` would read: what lies before it is left to a backfill."""
        ...

    def spans(self, since: datetime, until: datetime) -> Sequence[Span]:
        """Cut a time into what `read` takes at once, without gap or overlap."""
        ...

    async def read(self, since: datetime, until: datetime, now: datetime) -> Sequence[RawRecord]:
        """Read one span whole, as `poll` would have.

        Raises:
            RetryableError: try again later.
            FatalError: a person must mend something first.
        """
        ...


@runtime_checkable
class Announced(Protocol):
    """A source whose vendor answers so seldom that whoever takes it over must know of each try.

    Attributes:
        announced: each poll is noted in Kafka before it asks, even where it then fails.
    """

    announced: bool


@runtime_checkable
class Rationed(Protocol):
    """A source whose vendor counts every request, so that two processes must never poll at once.

    Attributes:
        rationed: before each poll Kafka is asked whether the source is ours still. Whoever lost
            it, or cannot reach Kafka, then asks the vendor nothing.
    """

    rationed: bool


@runtime_checkable
class Pushed(Protocol):
    """A source whose records are pushed to us as well, so that the two can be compared.

    Attributes:
        push_grace: how long after a poll has read a record its push may still come; None where
            none is expected.
    """

    push_grace: timedelta | None


def source_name(source: Source) -> str:
    """Name a source: its cursor's key and its transactional id."""
    return f"{source.vendor}/{source.account}/{source.feed}"
