"""One simulated call, with all that any vendor tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Outcome(IntEnum):
    """What became of a call, numbered as icsoc's `callresult`."""

    UNANSWERED = 0
    ABANDONED = 1
    CONNECTED = 2


@dataclass(frozen=True, slots=True)
class Call:
    """One call attempt.

    Moments are whole Unix seconds, and 0 where the thing never happened; `started` keeps its
    fraction.

    Attributes:
        number: the display number of an outbound call, the called number of an inbound one.
        customer: the customer's number.
        campaign: `project/task` at icsoc, the campaign's id at Huawei, else empty.
        batch: a part of a Huawei campaign, else empty.
        rep: the extension that was called, empty where none was.
    """

    call_id: str
    number: str
    customer: str
    campaign: str
    batch: str
    rep: str
    areacode: str
    region: str
    carrier: str
    started: float
    ringing: int
    answered: int
    rep_called: int
    rep_ringing: int
    connected: int
    ended: int
    outcome: Outcome
    hung_up_by_customer: bool

    def has_ended(self, now: float) -> bool:
        """Say whether the vendor would call it ended at `now` (Unix seconds)."""
        return self.ended <= now

    @property
    def talk_seconds(self) -> int:
        """Give how long customer and rep spoke."""
        return self.ended - self.connected if self.connected else 0
