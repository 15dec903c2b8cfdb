"""One call attempt, in the same words for every vendor."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from schemas.base import Message, Moment, Vendor


class Direction(StrEnum):
    """Who called whom, seen from the call centre."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"


class Outcome(StrEnum):
    """What became of a call.

    `UNANSWERED` the customer did not answer. `ABANDONED` the customer was there and no rep was.
    `CONNECTED` customer and rep spoke. `MISSED` an inbound call that nobody answered (未接来电).
    """

    UNANSWERED = "unanswered"
    ABANDONED = "abandoned"
    CONNECTED = "connected"
    MISSED = "missed"


class HungUpBy(StrEnum):
    """Which side ended the call."""

    CUSTOMER = "customer"
    REP = "rep"


class Call(Message):
    """One call attempt. Topic `calls`, keyed `vendor/account/call_id`.

    Moments are UTC; durations are whole seconds. A field that the vendor does not report is
    None, never 0 or the empty string. `campaign` may be a path, coarse to fine
    (`project/task`). A call without `ended_at` is still in progress and is not counted yet.
    """

    vendor: Vendor
    account: str
    call_id: str = Field(min_length=1)
    direction: Direction
    outcome: Outcome
    caller: str | None = None
    callee: str | None = None
    display_number: str | None = None
    campaign: str | None = None
    queue: str | None = None
    rep: str | None = None
    region: str | None = None
    carrier: str | None = None
    started_at: Moment | None = None
    ringing_at: Moment | None = None
    answered_at: Moment | None = None
    connected_at: Moment | None = None
    ended_at: Moment | None = None
    ring_seconds: int | None = Field(default=None, ge=0)
    wait_seconds: int | None = Field(default=None, ge=0)
    talk_seconds: int | None = Field(default=None, ge=0)
    hung_up_by: HungUpBy | None = None

    @property
    def key(self) -> bytes:
        """Give the Kafka key: copies of one call stand on one partition."""
        return f"{self.vendor}/{self.account}/{self.call_id}".encode()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ended_at is not None:
            for name in ("started_at", "ringing_at", "answered_at", "connected_at"):
                moment = getattr(self, name)
                if moment is not None and moment > self.ended_at:
                    raise ValueError(
                        f"the call ends ({self.ended_at.isoformat()}) before its {name} "
                        f"({moment.isoformat()})"
                    )
        return self
