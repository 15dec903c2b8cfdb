"""Counters that a vendor has already added up."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Message, Moment, Vendor


class Tally(Message):
    """One reading of a vendor's cumulative counters. Topic `tallies`, keyed by `series`.

    Rolling counts come from the differences between successive readings of one series; a first
    reading is a baseline. A counter that the vendor did not report is None, which is unknown
    and not zero.

    Attributes:
        series: names the counter, such as `7moor/main/display_number/01081401967`.
        since: the start of the period that the counters cover, where the query stated one;
            None where the vendor resets them by its own clock.
        read_at: when the counters were read.
        display_number: what it counts (7moor), or None.
        campaign: what it counts (Huawei), or None.
        batch: a part of `campaign`; its calls are also in the campaign's own tally.
        attempts: calls made so far in the period.
        answered: calls that the customer answered so far in the period.
        remaining: numbers not dialled yet, where reported.
    """

    vendor: Vendor
    account: str
    series: str = Field(min_length=1)
    read_at: Moment
    since: Moment | None = None
    display_number: str | None = None
    campaign: str | None = None
    batch: str | None = None
    attempts: int | None = Field(default=None, ge=0)
    answered: int | None = Field(default=None, ge=0)
    remaining: int | None = Field(default=None, ge=0)

    @property
    def key(self) -> bytes:
        """Give the Kafka key: readings of one series stand on one partition, in order."""
        return self.series.encode()
