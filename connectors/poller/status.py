"""How a source fares, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schemas.source_status import SourceState as State

__all__ = ["SourceStatus", "State"]


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source of this process.

    Attributes:
        name: `vendor/account/feed`; `vendor/account` where its sources could not be made.
        state: where it stands.
        reason: why it is degraded or stopped, for the person who reads it; else None.
        last_success_at: when it was last polled and published.
        last_records: how many records that poll published; re-reads are not among them.
        records_published: how many since this process took it over.
        polls: how many polls since then, failed ones too.
        found_by_search: how many records the vendor's pushes should have brought and did not,
            over restarts too; 0 where nothing is pushed.
    """

    name: str
    state: State = State.STARTING
    reason: str | None = None
    last_success_at: datetime | None = None
    last_records: int = 0
    records_published: int = 0
    polls: int = 0
    found_by_search: int = 0
