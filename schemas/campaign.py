"""What a campaign is called and how large it is: the reference data beside the counts."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Message, Moment, Vendor


class Campaign(Message):
    """One dial-out task or campaign. Topic `campaigns`, keyed `vendor/account/campaign`, compacted.

    7moor's dial-out tasks carry no call counters, so they become this and not a Tally.

    Attributes:
        numbers_total: how many numbers the task holds.
        reps_total: how many reps work on it.
    """

    vendor: Vendor
    account: str
    campaign: str = Field(min_length=1)
    name: str
    description: str | None = None
    numbers_total: int | None = Field(default=None, ge=0)
    reps_total: int | None = Field(default=None, ge=0)
    created_at: Moment | None = None
    read_at: Moment

    @property
    def key(self) -> bytes:
        """Give the Kafka key."""
        return f"{self.vendor}/{self.account}/{self.campaign}".encode()
