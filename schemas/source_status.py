"""How one source fares, as its poller tells it on the topic `callstreams.sources`."""

from __future__ import annotations

from enum import StrEnum

from schemas.base import Message, Moment, Vendor

PUSH_FEED = "push"
"""The `feed` of what an ingress tells: how an account's pushes fare."""


class SourceState(StrEnum):
    """Where a source stands.

    `STARTING` reads its cursor and memory. `POLLING` asks the vendor. `OK` waits for its next
    turn. `DEGRADED` failed and tries again soon. `STOPPED` needs a person, or lost its place.
    """

    STARTING = "starting"
    POLLING = "polling"
    OK = "ok"
    DEGRADED = "degraded"
    STOPPED = "stopped"


class SourceStatus(Message):
    """One source. Topic `callstreams.sources`, keyed by `name`, the newest of each key.

    It is told again every few seconds (`poller.tell_every`, 15 s) as long as some process has
    the source: one whose `at` is older than three times that has no poller.

    Attributes:
        name: `vendor/account/feed`; `vendor/account` where its sources could not be made.
        feed: None in that case. `push` is told by the ingress: there the polls are the pushes
            that came, and the records those that were kept.
        reason: why it is degraded or stopped, for the person who reads it.
        last_success_at: when it was last polled and published by this process.
        last_records: how many records that poll published; re-reads are not among them.
        records_published, polls: how many since this process took it over.
        found_by_search: how many records the vendor's pushes should have brought and did not,
            over restarts too.
        at: when this was told.
        process: which process has it: host and process id.
    """

    name: str
    vendor: Vendor
    account: str
    feed: str | None = None
    state: SourceState
    reason: str | None = None
    last_success_at: Moment | None = None
    last_records: int = 0
    records_published: int = 0
    polls: int = 0
    found_by_search: int = 0
    at: Moment
    process: str
