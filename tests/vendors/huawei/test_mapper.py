import json
from datetime import UTC, datetime

import pytest

from connectors.vendors.huawei.mapper import map_campaign_statistics, map_missed_call
from connectors.vendors.huawei.payloads import cut_missed, cut_statistics
from schemas.base import Vendor
from schemas.call import Call, Direction, Outcome
from schemas.envelope import RawRecord
from schemas.errors import InvalidRecord
from schemas.missed_call import MissedCall
from schemas.tally import Tally
from tests.vendors.huawei.samples import sample

READ_AT = datetime(2022, 11, 18, tzinfo=UTC)


def raw(data, feed="missed-call", **extensions):
    return RawRecord(
        vendor=Vendor.HUAWEI,
        account="main",
        feed=feed,
        subject="any",
        data=data,
        observed_at=READ_AT,
        extensions=extensions or {"vdn": "159", "zone": "UTC"},
    )


def tally(campaign, batch=None, **counts):
    return Tally(
        vendor=Vendor.HUAWEI,
        account="main",
        series=f"huawei/main/campaign/{campaign}" + (f"/batch/{batch}" if batch else ""),
        read_at=READ_AT,
        campaign=campaign,
        batch=batch,
        **counts,
    )


def test_the_statistics_sample_becomes_a_tally_for_each_campaign_and_batch():
    first, second = cut_statistics(sample("statistics-answer"))

    assert map_campaign_statistics(raw(first)) == [
        tally("1798316116", attempts=3, answered=2, remaining=0)
    ]
    assert map_campaign_statistics(raw(second)) == [
        tally("1549589640", remaining=3),
        tally("1549589640", "123456", attempts=3, answered=2, remaining=1),
        tally("1549589640", "66666", attempts=3, answered=2, remaining=1),
    ]


def test_the_missed_sample_becomes_calls_and_callers():
    calls = [map_missed_call(raw(call)) for call in cut_missed(sample("missed-answer")).calls]
    begin, end = (
        datetime(2022, 11, 17, 23, 44, 13, tzinfo=UTC),
        datetime(2022, 11, 17, 23, 44, 25, tzinfo=UTC),
    )

    assert calls[0] == [
        Call(
            vendor=Vendor.HUAWEI,
            account="main",
            call_id="1668048253-16797218",
            direction=Direction.INBOUND,
            outcome=Outcome.MISSED,
            caller="1659960139858526939",
            callee="6300111010",
            queue="6300111010",
            started_at=begin,
            ended_at=end,
            wait_seconds=12,
        ),
        MissedCall(
            vendor=Vendor.HUAWEI,
            account="main",
            call_id="1668048253-16797218",
            caller="1659960139858526939",
            callee="6300111010",
            queue="6300111010",
            waited_from=begin,
            ended_at=end,
            wait_seconds=12,
            media="social chat: Web",
        ),
    ]
    assert [(message.call_id, message.wait_seconds) for message in calls[1]] == [
        ("1668050023-1859", 4),
        ("1668050023-1859", 4),
    ]


def missed(**changes):
    return json.dumps(
        {
            "callId": "1668050023-1859",
            "callerNo": "17319132391",
            "calleeNo": "31045665",
            "waitBegin": "2022-11-17 00:13:43",
            "callEnd": "2022-11-17 00:13:47",
            **changes,
        }
    ).encode()


def test_the_times_are_read_in_the_zone_of_the_envelope():
    call, message = map_missed_call(raw(missed(), zone="Asia/Shanghai"))

    assert call.started_at == message.waited_from == datetime(2022, 11, 16, 16, 13, 43, tzinfo=UTC)
    assert call.ended_at == message.ended_at == datetime(2022, 11, 16, 16, 13, 47, tzinfo=UTC)


def test_a_call_that_ends_at_once_has_waited_for_nothing():
    call, _ = map_missed_call(raw(missed(callEnd="2022-11-17 00:13:43")))

    assert call.wait_seconds == 0


def test_a_hidden_caller_is_unknown():
    call, message = map_missed_call(raw(missed(callerNo="", calleeNo=None)))

    assert (call.caller, call.callee, call.queue) == (None, None, None)
    assert (message.caller, message.media) == (None, None)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (missed(callEnd="2022-11-17 00:13:42"), "ends-before-start"),
        (missed(callEnd="2022-02-30 00:13:47"), "bad-time"),
        (missed(waitBegin="2022-11-17T00:13:43Z"), "bad-time"),
        (missed(waitBegin=""), "bad-time"),
        (missed(waitBegin={}), "bad-field"),
        (missed(callEnd=None), "bad-field"),
        (missed(callId=""), "bad-field"),
        (missed(mediaType="voice"), "bad-field"),
        (missed()[:-1], "bad-json"),
        (b"7", "bad-field"),
        (b"", "bad-json"),
    ],
)
def test_a_bad_missed_call_is_refused_without_telling_the_number(data, code):
    with pytest.raises(InvalidRecord) as caught:
        map_missed_call(raw(data))

    assert caught.value.code == code
    assert "17319132391" not in caught.value.reason


def test_a_missed_call_without_its_zone_is_refused():
    with pytest.raises(InvalidRecord, match="ce_zone") as caught:
        map_missed_call(raw(missed(), vdn="159"))

    assert caught.value.code == "bad-envelope"


@pytest.mark.parametrize(
    "data",
    [
        b'{"campaignId":"1","dailyCallSucc":-1}',
        b'{"campaignId":"1","batchDetail":[{"batchId":"1","dailyCallSucc":"few"}]}',
        b"[]",
    ],
)
def test_bad_statistics_are_refused(data):
    with pytest.raises(InvalidRecord):
        map_campaign_statistics(raw(data))
