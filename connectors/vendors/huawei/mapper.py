"""Huawei's records in the common vocabulary."""

from __future__ import annotations

from connectors.vendors.huawei.payloads import (
    BatchCounts,
    CampaignCounts,
    MissedCallRow,
    media_label,
)
from connectors.vendors.reading import read, read_time, read_zone
from schemas.call import Call, Direction, Outcome
from schemas.envelope import RawRecord
from schemas.errors import InvalidRecord
from schemas.missed_call import MissedCall
from schemas.tally import Tally


def map_campaign_statistics(raw: RawRecord) -> list[Tally]:
    """Map one campaign to a reading of it, and one of each of its batches.

    Huawei starts the daily counters anew by its own clock, so they state no beginning.

    Raises:
        InvalidRecord: it cannot be read.
    """
    campaign = read(CampaignCounts, raw.data)
    series = f"{raw.vendor}/{raw.account}/campaign/{campaign.campaign_id}"
    return [
        _tally(raw, series, campaign),
        *(
            _tally(raw, f"{series}/batch/{batch.batch_id}", campaign, batch)
            for batch in campaign.batch_detail or ()
        ),
    ]


def _tally(
    raw: RawRecord, series: str, campaign: CampaignCounts, batch: BatchCounts | None = None
) -> Tally:
    counts = campaign if batch is None else batch
    return Tally(
        vendor=raw.vendor,
        account=raw.account,
        series=series,
        read_at=raw.observed_at,
        campaign=campaign.campaign_id,
        batch=None if batch is None else batch.batch_id,
        attempts=counts.daily_called_count,
        answered=counts.daily_call_succ,
        remaining=counts.un_call_count,
    )


def map_missed_call(raw: RawRecord) -> list[Call | MissedCall]:
    """Map one missed call, with the extension `zone`, to the call that counts and the caller.

    Raises:
        InvalidRecord: it cannot be read, or it ends before it starts.
    """
    row = read(MissedCallRow, raw.data)
    zone = read_zone(raw, "zone")
    started = read_time(row.wait_begin, zone, name="waitBegin")
    ended = read_time(row.call_end, zone, name="callEnd")
    if ended < started:
        raise InvalidRecord(
            f"the call ends ({row.call_end}) before its waiting begins ({row.wait_begin})",
            code="ends-before-start",
        )
    wait_seconds = int((ended - started).total_seconds())
    caller, callee = row.caller_no or None, row.callee_no or None
    call = Call(
        vendor=raw.vendor,
        account=raw.account,
        call_id=row.call_id,
        direction=Direction.INBOUND,
        outcome=Outcome.MISSED,
        caller=caller,
        callee=callee,
        queue=callee,
        started_at=started,
        ended_at=ended,
        wait_seconds=wait_seconds,
    )
    missed = MissedCall(
        vendor=raw.vendor,
        account=raw.account,
        call_id=row.call_id,
        caller=caller,
        callee=callee,
        queue=callee,
        waited_from=started,
        ended_at=ended,
        wait_seconds=wait_seconds,
        media=media_label(row.media_type, row.sub_media_type),
    )
    return [call, missed]
