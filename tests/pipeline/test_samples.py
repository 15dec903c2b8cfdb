"""Every sample of the vendors' documents, verbatim, down to a metric."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.simulators import samples
from connectors.vendors.icsoc.push import PushReceiver, PushSettings
from schemas import topics
from schemas.base import Vendor
from schemas.dead_letter import read_dead_letter
from schemas.envelope import RawRecord
from tests.pipeline.through import Through

ICSOC = {"timezone": "Asia/Shanghai"}


def raw(vendor, feed, subject, row, at, extensions):
    data = row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode()
    return RawRecord(vendor, "main", feed, subject, data, at, extensions)


def test_7moor_answer_report():
    (row,) = json.loads(samples.SEVENMOOR_REPORT_ANSWER)["data"]
    at = datetime(2020, 12, 25, 12, tzinfo=UTC)
    period = {"periodstart": "2020-12-25T00:00:00+08:00", "timezone": "Asia/Shanghai"}
    before = row | {"sum": 1}
    through = Through(
        raw(Vendor.SEVENMOOR, "answer-report", "n", before, at - timedelta(minutes=1), period),
        raw(Vendor.SEVENMOOR, "answer-report", "n", row, at, period),
    )
    metric = through.metric("tallies:7moor/main/display_number/01081401967")
    assert (metric.attempts, metric.answered) == (3, 0)
    assert metric.answer_rate.value == 0
    assert 0 < metric.answer_rate.high < 0.6
    assert (metric.connected, metric.abandon_rate) == (None, None)


def test_7moor_dialout_tasks():
    (row,) = json.loads(samples.SEVENMOOR_TASK_GET_ANSWER)["data"]["list"]
    at = datetime(2021, 11, 20, tzinfo=UTC)
    through = Through(
        raw(Vendor.SEVENMOOR, "dialout-task", row["taskId"], row, at,
            {"timezone": "Asia/Shanghai"})
    )  # fmt: skip
    (message,) = through.messages[topics.CAMPAIGNS.name]
    campaign = json.loads(message.value)
    assert campaign["name"] == "测试222232"
    assert (campaign["numbers_total"], campaign["reps_total"]) == (0, 1)
    assert campaign["created_at"] == "2021-11-20T10:07:22Z"


def test_huawei_campaign_statistics():
    rows = json.loads(samples.HUAWEI_STATISTICS_ANSWER)["countDetail"]
    at = datetime(2024, 5, 16, 4, tzinfo=UTC)
    first, second = rows
    zero = {"dailyCalledCount": 0, "dailyCallSucc": 0}
    earlier = [
        first | zero,
        second | {"batchDetail": [batch | zero for batch in second["batchDetail"]]},
    ]
    records = [
        raw(Vendor.HUAWEI, "campaign-statistics", row["campaignId"], row,
            at + timedelta(minutes=5 * reading), {"vdn": "170"})
        for reading, page in enumerate((earlier, rows))
        for row in page
    ]  # fmt: skip
    through = Through(*records)
    metric = through.metric("tallies:huawei/main/campaign/1798316116")
    assert (metric.attempts, metric.answered) == (3, 2)
    for batch in ("123456", "66666"):
        metric = through.metric(f"tallies:huawei/main/campaign/1549589640/{batch}")
        assert (metric.attempts, metric.answered) == (3, 2)
    # The second campaign reports nothing of its own, and its batches are not added to it.
    assert through.totals.scope(0, "tallies:huawei/main/campaign/1549589640") is None
    assert through.metric("tallies:huawei/main").attempts == 3


def test_huawei_missed_calls():
    rows = json.loads(samples.HUAWEI_MISSED_CALLS_ANSWER)["missedCalls"]
    at = datetime(2022, 11, 17, 23, 45, tzinfo=UTC)
    late = datetime(2022, 11, 17, 0, 14, tzinfo=UTC)
    extensions = {"vdn": "159", "zone": "UTC"}
    for row, moment, wait in ((rows[0], at, 12), (rows[1], late, 4)):
        through = Through(raw(Vendor.HUAWEI, "missed-call", row["callId"], row, moment, extensions))
        metric = through.missed(f"calls:huawei/main/queue/{row['calleeNo']}")
        assert (metric.missed, metric.wait_seconds, metric.average_wait_seconds) == (1, wait, wait)
        (message,) = through.messages[topics.MISSED_CALLS.name]
        assert json.loads(message.value)["caller"] == row["callerNo"]


def test_icsoc_search():
    (row,) = json.loads(samples.ICSOC_SEARCH_ANSWER)["data"]["results"]
    at = datetime.fromtimestamp(1616491500, UTC)
    through = Through(raw(Vendor.ICSOC, "cdr", row["callId"], row, at, {"form": "search", **ICSOC}))
    metric = through.metric("calls:icsoc/main/display_number/010xxxx4343")
    assert (metric.attempts, metric.answered, metric.connected) == (1, 0, 0)
    assert metric.last_event_at == datetime.fromtimestamp(1616491488, UTC)
    assert through.scopes() == [
        "calls:icsoc",
        "calls:icsoc/main",
        "calls:icsoc/main/campaign/10008",
        "calls:icsoc/main/campaign/10008/13",
        "calls:icsoc/main/carrier/MOBILE",
        "calls:icsoc/main/display_number/010xxxx4343",
        "calls:icsoc/main/region/广东 深圳",
    ]


def pushed(body, **settings):
    receiver = PushReceiver(
        account="main",
        timezone="Asia/Shanghai",
        settings=PushSettings(signature="off", **settings),
    )
    return receiver.receive(body, datetime.fromtimestamp(1623996730, UTC))


def test_icsoc_push_plain():
    through = Through(pushed(samples.ICSOC_PUSH_PLAIN))
    metric = through.metric("calls:icsoc/main/display_number/01212345674")
    assert (metric.attempts, metric.answered, metric.answer_rate.value) == (1, 0, 0.0)
    assert through.metric("calls:icsoc/main/campaign/10195/7").attempts == 1
    assert through.metric("calls:icsoc/main/queue/660").attempts == 1
    assert through.metric("calls:icsoc/main/region/河南 信阳").attempts == 1


def test_icsoc_push_encrypted_holds_another_products_record_and_is_refused_cleanly():
    record = pushed(
        samples.ICSOC_PUSH_ENCRYPTED, secrets=(samples.ICSOC_PUSH_ENCRYPTED_KEY.decode(),)
    )
    through = Through(record)
    (letter,) = through.messages[topics.DEAD_LETTERS.name]
    told = read_dead_letter(letter.headers, letter.value)
    assert (told.stage, told.code) == ("normalise", "not-a-cdr")
    assert told.value == record.data


@pytest.mark.parametrize(
    ("feed", "data", "code"),
    [
        ("cdr", b'{"callId": "1", "callresult"', "not-a-cdr"),
        ("cdr", b"7", "not-a-cdr"),
        ("cdr", b'{"callId":"1","callresult":"9","startTime":1,"endTime":2}', "unknown-callresult"),
        ("cdr", b'{"callId":"1","callresult":"0","startTime":9,"endTime":2}', "ends-before-start"),
    ],
)
def test_a_bad_record_is_a_dead_letter_with_its_reason_and_the_next_one_counts(feed, data, code):
    at = datetime.fromtimestamp(1616491500, UTC)
    (row,) = json.loads(samples.ICSOC_SEARCH_ANSWER)["data"]["results"]
    extensions = {"form": "search", **ICSOC}
    through = Through(
        raw(Vendor.ICSOC, feed, "1", data, at, extensions),
        raw(Vendor.ICSOC, feed, row["callId"], row, at, extensions),
    )
    (letter,) = through.messages[topics.DEAD_LETTERS.name]
    told = read_dead_letter(letter.headers, letter.value)
    assert (told.code, told.value, told.topic) == (code, data, "raw.icsoc.cdr")
    assert told.reason
    assert dict(told.record_headers)["ce_source"] == b"/icsoc/main/cdr"
    assert through.metric("calls:icsoc").attempts == 1
