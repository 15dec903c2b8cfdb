import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from connectors.vendors.sevenmoor.auth import Credentials
from connectors.vendors.sevenmoor.client import SevenmoorClient
from connectors.vendors.sevenmoor.mapper import map_answer_report, map_dialout_task
from connectors.vendors.sevenmoor.payloads import NewTask
from connectors.vendors.sevenmoor.source import (
    AnswerReportSource,
    DialoutTaskSource,
    SevenmoorAccount,
)
from schemas.errors import FatalError, InvalidRecord, RetryableError
from schemas.topics import raw_topic
from tests.vendors.fakes import FakeHttp
from tests.vendors.sevenmoor.samples import sample

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def client_of(http):
    return SevenmoorClient(http, Credentials("a", "s"), zone=SHANGHAI, numbers_per_query=50)


REPORT = sample("report-answer").replace(b"requestInfo", b"otherInfo")  # for any query


def report_source(http, numbers=("01081401967",)):
    return AnswerReportSource(
        client_of(http),
        account="main",
        zone=SHANGHAI,
        numbers=numbers,
        interval=timedelta(seconds=15),
        settle_after=timedelta(hours=2),
    )


def spans(http):
    return [
        (body["startTime"], body["endTime"])
        for body in (json.loads(request.body) for request in http.requests)
    ]


async def test_a_poll_reads_the_day_up_to_now():
    http = FakeHttp([REPORT])
    now = at("2020-12-25 20:32:03")

    poll = await report_source(http).poll(None, now.astimezone(UTC))

    assert spans(http) == [("2020-12-25 00:00:00", "2020-12-25 20:32:03")]
    (record,) = poll.records
    assert record.subject == "01081401967@2020-12-25"
    assert record.data in REPORT
    assert json.loads(record.data)["answerPercentage"] == "00.00%"
    assert record.extensions == {
        "periodstart": "2020-12-25T00:00:00+08:00",
        "timezone": "Asia/Shanghai",
    }
    assert record.observed_at == now
    assert raw_topic(record.vendor, record.feed).name == "raw.7moor.answer-report"
    (tally,) = map_answer_report(record)
    assert (tally.since, tally.read_at) == (at("2020-12-25 00:00:00"), now)


async def test_an_unchanged_row_is_the_same_record_when_it_is_read_again():
    source = report_source(FakeHttp([REPORT]))

    first = await source.poll(None, at("2020-12-25 20:32:03"))
    again = await source.poll(first.cursor, at("2020-12-25 20:32:18"))

    assert [record.id for record in again.records] == [record.id for record in first.records]


async def test_yesterday_is_read_until_it_has_settled():
    http = FakeHttp([REPORT])
    source = report_source(http)

    before = await source.poll({"unsettled": "2020-12-25"}, at("2020-12-26 01:59:59"))
    assert spans(http) == [
        ("2020-12-25 00:00:00", "2020-12-26 00:00:00"),
        ("2020-12-26 00:00:00", "2020-12-26 01:59:59"),
    ]
    assert [record.subject for record in before.records] == [
        "01081401967@2020-12-25",
        "01081401967@2020-12-26",
    ]

    http.requests.clear()
    once_more = await source.poll(before.cursor, at("2020-12-26 02:00:00"))
    assert [start for start, _ in spans(http)] == ["2020-12-25 00:00:00", "2020-12-26 00:00:00"]

    http.requests.clear()
    await source.poll(once_more.cursor, at("2020-12-26 02:00:15"))
    assert [start for start, _ in spans(http)] == ["2020-12-26 00:00:00"]


async def test_a_day_that_ended_while_the_poller_stood_still_is_read_once_more():
    http = FakeHttp([REPORT])
    source = report_source(http)
    before = await source.poll(None, at("2020-12-25 18:00:00"))
    http.requests.clear()

    await source.poll(before.cursor, at("2020-12-27 09:00:00"))

    assert spans(http) == [
        ("2020-12-25 00:00:00", "2020-12-26 00:00:00"),
        ("2020-12-26 00:00:00", "2020-12-27 00:00:00"),
        ("2020-12-27 00:00:00", "2020-12-27 09:00:00"),
    ]


async def test_a_long_stop_reads_a_week_at_most():
    http = FakeHttp([REPORT])

    await report_source(http).poll({"unsettled": "2020-01-01"}, at("2020-12-27 09:00:00"))

    assert len(spans(http)) == 7
    assert spans(http)[0][0] == "2020-12-21 00:00:00"


async def test_at_midnight_itself_there_is_nothing_of_today_to_ask_for():
    http = FakeHttp([REPORT])

    await report_source(http).poll(None, at("2020-12-26 00:00:00"))

    assert spans(http) == [("2020-12-25 00:00:00", "2020-12-26 00:00:00")]


async def test_a_row_that_cannot_be_read_goes_on_to_be_refused_by_the_mapper():
    http = FakeHttp([b'{"success":true,"code":"200","data":[17,{"sum":1},{"number":5,"sum":1}]}'])

    poll = await report_source(http).poll(None, at("2020-12-25 20:32:03"))

    subjects = [record.subject for record in poll.records]
    assert len(set(subjects)) == 3
    assert subjects[2] == "5@2020-12-25"
    assert [record.data for record in poll.records[:2]] == [b"17", b'{"sum":1}']
    for record in poll.records:
        with pytest.raises(InvalidRecord):
            map_answer_report(record)


async def test_a_poll_that_fails_half_way_gives_nothing():
    http = FakeHttp([REPORT, RetryableError("7moor is away")])

    with pytest.raises(RetryableError, match="away"):
        await report_source(http).poll({"unsettled": "2020-12-24"}, at("2020-12-25 20:32:03"))


async def test_a_poll_reads_all_tasks():
    http = FakeHttp([sample("task-get-answer")])
    source = DialoutTaskSource(
        client_of(http), account="main", zone=SHANGHAI, interval=timedelta(minutes=5)
    )

    poll = await source.poll(None, at("2021-11-21 00:00:00"))
    again = await source.poll(poll.cursor, at("2021-11-21 00:05:00"))

    assert json.loads(http.requests[0].body) == {"name": "", "taskName": "", "status": ""}
    (record,) = poll.records
    assert record.subject == "6ab971b0-6005-452e-9328-0883299619eb"
    assert record.data in sample("task-get-answer")
    assert [one.id for one in again.records] == [record.id]
    assert raw_topic(record.vendor, record.feed).name == "raw.7moor.dialout-task"
    (campaign,) = map_dialout_task(record)
    assert campaign.created_at == at("2021-11-20 18:07:22")
    assert campaign.read_at == at("2021-11-21 00:00:00")
    await source.close()
    assert http.closed


def account(**changes):
    return SevenmoorAccount(**{"name": "main", "appkey": "2000113", "secret": "hush", **changes})


async def test_all_sources_and_clients_of_an_account_wait_for_one_budget(monkeypatch):
    settings = account(numbers=["01081401967"])
    asked = []

    class Budget:
        def spend(self):
            return

        async def acquire(self):
            asked.append(1)
            raise FatalError("no more today")

    # A cached property lives in the instance's dictionary.
    monkeypatch.setitem(settings.__dict__, "budget", Budget())
    sources, client = settings.sources(), settings.client()

    assert [source.feed for source in sources] == ["answer-report", "dialout-task"]
    assert {(source.vendor, source.account) for source in sources} == {("7moor", "main")}
    for source in sources:
        with pytest.raises(FatalError, match="no more today"):
            await source.poll(None, at("2020-12-25 20:32:03"))
        await source.close()
    with pytest.raises(FatalError, match="no more today"):
        await client.create_task(NewTask(task_name="a", agent_number="1"))
    await client.close()
    assert len(asked) == 3


def test_the_defaults_are_the_documents_and_the_secret_is_not_shown():
    settings = account()

    assert settings.base_url == "http://v7openapi.7moor.com"
    assert settings.request_gap > timedelta(minutes=1) / 20
    assert settings.budget is settings.budget
    assert "hush" not in repr(settings)


async def test_an_account_without_numbers_reads_tasks_alone():
    (source,) = account().sources()

    assert source.feed == "dialout-task"
    await source.close()


def test_two_accounts_that_are_set_alike_are_equal():
    one, other = account(), account()
    assert one.budget is not other.budget
    assert one == other


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "v7openapi.7moor.com"},
        {"numbers_per_query": 0},
        {"report_interval": 0},
        {"settle_after": timedelta(days=1)},
        {"numbers": [""]},
        {"appkey": ""},
        {"zone": "UTC"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes):
    with pytest.raises(ValidationError, match=next(iter(changes))):
        account(**changes)
