"""What the poller asks of a source, and what a source gives back.

A source knows its vendor's paging and time windows; it knows nothing of Kafka, of schedules or
of other sources. Adding a vendor means writing sources and one line in `vendors.registry`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

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


def source_name(source: Source) -> str:
    """Name a source: its cursor's key and its transactional id."""
    return f"{source.vendor}/{source.account}/{source.feed}"
