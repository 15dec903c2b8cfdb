"""The rows of Huawei's campaign statistics (huawei-campaign-statistics.txt)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from connectors.simulators.calls import Call, Outcome
from connectors.simulators.scenario import Campaign
from connectors.simulators.truth import Counters


@dataclass(frozen=True, slots=True)
class Row:
    """One campaign, or one batch of it.

    A call counts as called when it starts, and as answered and finished when it ends; the
    daily counters go by the local day of each of the two.

    Attributes:
        batch: empty for the campaign itself.
        bare: the row lacks every total* and daily* field.
    """

    campaign: str
    batch: str
    bare: bool
    total: Counters
    daily: Counters
    total_finished: int
    daily_finished: int
    remaining: int

    @property
    def key(self) -> tuple[str, str]:
        """Name the row."""
        return self.campaign, self.batch

    def to_json(self) -> dict[str, JsonValue]:
        """Write the row; calledCount and finishCount are 0 beside daily* that are not, as there."""
        name = "batchId" if self.batch else "campaignId"
        row: dict[str, JsonValue] = {
            "calledCount": 0,
            name: self.batch or self.campaign,
            "finishCount": 0,
            "unCallCount": self.remaining,
        }
        if self.bare:
            return row
        return row | {
            "totalCount": self.total.attempts + self.remaining,
            "totalCallSucc": self.total.answered,
            "totalCalledCount": self.total.attempts,
            "totalFinishCount": self.total_finished,
            "dailyFinishCount": self.daily_finished,
            "dailyCalledCount": self.daily.attempts,
            "dailyCallSucc": self.daily.answered,
            "dailyCount": self.daily.attempts + self.remaining,
        }


def count_rows(
    campaign: Campaign, calls: Sequence[Call], now: datetime, zone: ZoneInfo
) -> list[Row]:
    """Count the calls of a campaign: its own row, and one for each batch."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    at = now.timestamp()
    batches = [
        _count(campaign, batch, [c for c in calls if c.batch == batch], midnight, at)
        for batch in campaign.batches
    ]
    return [_count(campaign, "", calls, midnight, at), *batches]


def _count(
    campaign: Campaign, batch: str, calls: Sequence[Call], midnight: float, at: float
) -> Row:
    share = len(campaign.batches) if batch else 1
    called_before = campaign.called_before // share
    answered_before = campaign.answered_before // share
    ended = [call for call in calls if call.has_ended(at)]
    answered = [call for call in ended if call.outcome is not Outcome.UNANSWERED]
    return Row(
        campaign=campaign.campaign_id,
        batch=batch,
        bare=campaign.bare and not batch,
        total=Counters(called_before + len(calls), answered_before + len(answered)),
        daily=Counters(
            sum(call.started >= midnight for call in calls),
            sum(call.ended >= midnight for call in answered),
        ),
        total_finished=called_before + len(ended),
        daily_finished=sum(call.ended >= midnight for call in ended),
        remaining=max(0, campaign.size // share - len(calls)),
    )
