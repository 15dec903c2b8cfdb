import json

import pytest
from pydantic import ValidationError

from connectors.vendors.huawei.payloads import (
    BatchCounts,
    CampaignCounts,
    MissedCallQuery,
    MissedCallRow,
    QueryRefusedError,
    ResultCode,
    cut_missed,
    cut_statistics,
    media_label,
)
from connectors.vendors.reading import read
from schemas.errors import InvalidRecord, RetryableError
from tests.vendors.huawei.samples import sample

COUNTED = {
    "total_count": 3,
    "total_call_succ": 2,
    "total_called_count": 3,
    "total_finish_count": 3,
    "daily_finish_count": 3,
    "daily_called_count": 3,
    "daily_call_succ": 2,
    "daily_count": 3,
}


def test_the_statistics_sample_is_two_campaigns_and_what_is_missing_is_unknown():
    rows = cut_statistics(sample("statistics-answer"))

    assert [read(CampaignCounts, row) for row in rows] == [
        CampaignCounts(campaign_id="1798316116", un_call_count=0, batch_detail=[], **COUNTED),
        CampaignCounts(
            campaign_id="1549589640",
            un_call_count=3,
            batch_detail=[
                BatchCounts(batch_id="123456", un_call_count=1, **COUNTED),
                BatchCounts(batch_id="66666", un_call_count=1, **COUNTED),
            ],
        ),
    ]
    assert all(row in sample("statistics-answer") for row in rows)


def test_the_missed_request_is_written_as_the_document_shows_it():
    query = MissedCallQuery(
        vdn=159,
        offset=0,
        limit=3,
        begin_time="2022-11-17 00:13:43",
        end_time="2022-11-17 23:44:13",
    )

    assert json.loads(query.to_body()) == json.loads(sample("missed-request"))


@pytest.mark.parametrize("wrong", [{"limit": 5001}, {"limit": 0}, {"offset": -1}])
def test_a_page_out_of_bounds_is_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        MissedCallQuery(
            **{"vdn": 1, "offset": 0, "limit": 5000, "begin_time": "", "end_time": "", **wrong}
        )


def test_the_missed_sample_is_two_calls():
    page = cut_missed(sample("missed-answer"))

    assert page.total == 2
    assert [read(MissedCallRow, call) for call in page.calls] == [
        MissedCallRow(
            call_id="1668048253-16797218",
            caller_no="1659960139858526939",
            callee_no="6300111010",
            wait_begin="2022-11-17 23:44:13",
            call_end="2022-11-17 23:44:25",
            media_type=53,
            sub_media_type=1,
        ),
        MissedCallRow(
            call_id="1668050023-1859",
            caller_no="88880990",
            callee_no="31045665",
            wait_begin="2022-11-17 00:13:43",
            call_end="2022-11-17 00:13:47",
            media_type=53,
            sub_media_type=1,
        ),
    ]


@pytest.mark.parametrize("name", ["resultCode", "returnCode"])
def test_the_success_code_is_as_good_as_none(name):
    assert cut_statistics(json.dumps({name: "0200000", "countDetail": []}).encode()) == []


def test_the_documented_codes_are_these_twelve():
    assert {code.value for code in ResultCode} == {
        "0200001",
        *(f"020000{number:02d}" for number in range(1, 12)),
    }


@pytest.mark.parametrize("name", ["resultCode", "returnCode"])
@pytest.mark.parametrize("code", ResultCode)
def test_each_documented_code_says_what_to_do(name, code):
    body = json.dumps({name: code, "resultDesc": "caller 17319132391"}).encode()

    with pytest.raises(QueryRefusedError, match=rf"with {code}: .+173\*\*\*\*91") as caught:
        cut_statistics(body)

    assert caught.value.code is code


def test_seven_and_eight_digits_are_told_apart():
    texts = set()
    for code in ("0200001", "02000001"):
        with pytest.raises(QueryRefusedError) as caught:
            cut_statistics(json.dumps({"resultCode": code}).encode())
        assert caught.value.code == code
        texts.add(str(caught.value).replace(code, ""))

    assert len(texts) == 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"resultCode":"0200099","resultDesc":"?"}',
        b'{"resultCode":200001,"countDetail":[]}',
        b'{"resultCode":"0200000"}',
        b"{}",
        b'{"countDetail":{}}',
        b'{"countDetail":[{"campaignId":',
        b"[]",
        b"",
    ],
)
def test_other_answers_without_statistics_may_be_tried_again(body):
    with pytest.raises(RetryableError, match="CC-iSales"):
        cut_statistics(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"returnCode":"1","returnDesc":"no vdn","total":0,"missedCalls":[]}',
        b'{"total":0,"missedCalls":[]}',
        b'{"returnCode":"0","missedCalls":[]}',
        b'{"returnCode":"0","total":-1,"missedCalls":[]}',
        b'{"returnCode":"0","total":"some","missedCalls":[]}',
        b'{"returnCode":"0","total":1,"missedCalls":{"callId":"1"}}',
        b'{"returnCode":"0","total":2,"missedCalls":[{"callId"',
        b"3",
    ],
)
def test_a_page_that_is_no_success_may_be_tried_again(body):
    with pytest.raises(RetryableError, match="CC-CMS"):
        cut_missed(body)


@pytest.mark.parametrize("code", ['"0"', "0"])
@pytest.mark.parametrize("total", ['"1"', "1"])
def test_code_and_total_may_be_strings_or_numbers(code, total):
    page = cut_missed(f'{{"returnCode":{code},"total":{total},"missedCalls":[7]}}'.encode())

    assert (page.calls, page.total) == ([b"7"], 1)


def test_numbers_may_come_as_strings_and_strings_as_numbers():
    row = b'{"campaignId":9007199254740993,"unCallCount":"7","batchDetail":null}'

    assert read(CampaignCounts, row) == CampaignCounts(
        campaign_id="9007199254740993", un_call_count=7
    )


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b'{"campaignId":"1","dailyCalledCount":-3}', "bad-field"),
        (b'{"campaignId":"1","batchDetail":7}', "bad-field"),
        (b'{"campaignId":"1","batchDetail":[{"unCallCount":1}]}', "bad-field"),
        (b'{"unCallCount":1}', "bad-field"),
        (b"12", "bad-field"),
        (b'{"campaignId":"1"', "bad-json"),
    ],
)
def test_a_bad_campaign_is_refused(row, code):
    with pytest.raises(InvalidRecord) as caught:
        read(CampaignCounts, row)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("media", "sub_media", "label"),
    [
        (5, None, "voice"),
        (5, 1, "voice"),
        (51, 1, "web chat"),
        (53, 1, "social chat: Web"),
        (53, 4, "social chat: WeChat"),
        (53, 7, "social chat"),
        (53, None, "social chat"),
        (54, 1, None),
        (None, 1, None),
    ],
)
def test_a_medium_is_named_where_its_number_is_stable(media, sub_media, label):
    assert media_label(media, sub_media) == label
