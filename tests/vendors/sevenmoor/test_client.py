import json
from datetime import UTC, datetime
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from connectors.http import ONCE, DeniedError
from connectors.vendors.sevenmoor.auth import Credentials, sign
from connectors.vendors.sevenmoor.client import SevenmoorClient
from connectors.vendors.sevenmoor.payloads import (
    AnswerRow,
    DuplicateRule,
    NewTask,
    NumberDeletion,
    NumberRow,
    TaskChange,
    TaskStatus,
)
from schemas.errors import InvalidRecord, RetryableError
from tests.vendors.fakes import FakeHttp, vendor_server
from tests.vendors.sevenmoor.samples import sample

SHANGHAI = ZoneInfo("Asia/Shanghai")
ACCOUNT = Credentials("2000113", "test-secret")
NOW = datetime.fromtimestamp(1610347398, UTC)
DONE = b'{"success":true,"code":"200"}'


def client_of(http, **options):
    return SevenmoorClient(http, ACCOUNT, zone=SHANGHAI, clock=lambda: NOW, **options)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def bodies(http):
    return [json.loads(request.body) for request in http.requests]


async def test_the_documents_query_gives_the_documents_row():
    http = FakeHttp([sample("report-answer")])

    rows = await client_of(http).answer_report(
        at("2020-09-25 20:32:03"), at("2020-12-25 20:32:03"), ["01081401967"]
    )

    assert rows == [
        AnswerRow(number="01081401967", attempts=4, answered=0, answer_percentage="00.00%")
    ]
    assert bodies(http) == [json.loads(sample("report-request"))]
    (request,) = http.requests
    assert (request.method, request.target) == (
        "POST",
        "/openapi/v1/call/query/displayNumber/answer/report",
    )


async def test_every_attempt_is_signed_with_a_fresh_nonce():
    nonces = (f"{number:06d}" for number in count(1))
    refused = (200, {}, b'{"success":false,"code":"429","message":"later"}')
    async with vendor_server(refused, (503, {}, b""), (200, {}, DONE)) as (http, seen):
        client = client_of(http, nonce=lambda: next(nonces))
        await client.update_task(TaskChange(task_id="1", task_name="a"))

    assert [request.headers["m7-nonce"] for request in seen] == ["000001", "000002", "000003"]
    for request in seen:
        signed = sign(ACCOUNT, now=NOW, nonce=request.headers["m7-nonce"])
        assert signed.items() <= request.headers.items()
        assert request.headers["content-type"] == "application/json"
        assert request.method == "POST"


async def test_a_refused_account_is_asked_for_once():
    async with vendor_server((401, {}, b"")) as (http, seen):
        with pytest.raises(DeniedError, match="credentials"):
            await client_of(http).tasks()

    assert len(seen) == 1


async def test_no_success_ends_with_the_vendors_message():
    async with vendor_server((200, {}, b'{"success":false,"code":"1","message":"busy"}')) as (
        http,
        seen,
    ):
        with pytest.raises(RetryableError, match="code 1, message 'busy'"):
            await client_of(http).tasks()

    assert len(seen) == 4


async def test_a_task_is_created_once_even_where_the_answer_is_lost():
    async with vendor_server((502, {}, b"")) as (http, seen):
        with pytest.raises(RetryableError):
            await client_of(http).create_task(NewTask(task_name="a", agent_number="1"))

    assert len(seen) == 1


def rows_for():
    def answer(request):
        numbers = json.loads(request.body)["numbers"]
        rows = [
            {"number": number, "sum": 10, "answerSum": 4, "answerPercentage": "40.00%"}
            for number in numbers
        ]
        return json.dumps({"success": True, "code": 200, "data": rows}).encode()

    return answer


async def test_numbers_are_asked_for_in_batches():
    http = FakeHttp([rows_for()])
    numbers = [f"0{number}" for number in range(7)]

    pages = [
        page
        async for page in client_of(http, numbers_per_query=3).report_pages(
            at("2020-12-01 00:00:00"), at("2020-12-02 00:00:00"), [*numbers, "00"]
        )
    ]

    assert [body["numbers"] for body in bodies(http)] == [numbers[:3], numbers[3:6], numbers[6:]]
    assert [len(page) for page in pages] == [3, 3, 1]


async def test_a_span_beyond_three_months_is_split_and_a_numbers_rows_are_summed():
    http = FakeHttp([rows_for()])

    rows = await client_of(http).answer_report(
        at("2020-01-01 00:00:00"), at("2020-08-01 00:00:00"), ["01", "02"]
    )

    assert [(body["startTime"], body["endTime"]) for body in bodies(http)] == [
        ("2020-01-01 00:00:00", "2020-04-01 00:00:00"),
        ("2020-04-01 00:00:00", "2020-07-01 00:00:00"),
        ("2020-07-01 00:00:00", "2020-08-01 00:00:00"),
    ]
    assert rows == [
        AnswerRow(number="01", attempts=30, answered=12),
        AnswerRow(number="02", attempts=30, answered=12),
    ]


async def test_an_answer_to_another_query_is_not_taken_for_ours():
    http = FakeHttp([sample("report-answer")])  # echoes 2020-09-25 20:32:03 and so on

    with pytest.raises(RetryableError, match="another query"):
        await client_of(http).answer_report(
            at("2020-09-26 00:00:00"), at("2020-12-25 20:32:03"), ["01081401967"]
        )


async def test_times_are_asked_for_in_the_accounts_zone():
    http = FakeHttp([rows_for()])

    await client_of(http).answer_report(
        datetime(2020, 12, 24, 16, tzinfo=UTC), datetime(2020, 12, 25, 1, tzinfo=UTC), ["01"]
    )

    assert bodies(http)[0]["startTime"] == "2020-12-25 00:00:00"
    assert bodies(http)[0]["endTime"] == "2020-12-25 09:00:00"


async def test_a_row_that_cannot_be_read_is_refused():
    http = FakeHttp([b'{"success":true,"code":"200","data":[17]}'])

    with pytest.raises(InvalidRecord):
        await client_of(http).answer_report(
            at("2020-12-01 00:00:00"), at("2020-12-02 00:00:00"), ["1"]
        )


async def test_tasks_are_filtered_under_both_names():
    http = FakeHttp([sample("task-get-answer")])

    (task,) = await client_of(http).tasks(name="测试222232", status=TaskStatus.PAUSED)

    assert task.task_id == "6ab971b0-6005-452e-9328-0883299619eb"
    assert bodies(http) == [{"name": "测试222232", "taskName": "测试222232", "status": "PAUSED"}]
    assert http.requests[0].target == "/openapi/v1/call/dialout/task/get"


async def test_a_list_shorter_than_its_count_is_told(caplog):
    http = FakeHttp([b'{"success":true,"code":"200","data":{"list":[{}],"count":"3"}}'])

    assert await client_of(http).task_rows() == [b"{}"]
    assert "counts 3 dial-out tasks and sent 1" in caplog.text


async def test_create_update_and_delete_send_what_the_documents_show():
    http = FakeHttp([DONE])
    client = client_of(http)

    await client.create_task(
        NewTask(
            task_name="222122",
            description="remark",
            agent_number_list=["2000"],
            agent_number="2001",
        )
    )
    await client.update_task(
        TaskChange(
            task_id="97a2f369-6543-44ed-900a-bb6c1469da1e",
            task_name="222122",
            description="222",
        )
    )
    await client.delete_numbers(NumberDeletion(task_id="6ab9", customer_number="17319132394"))

    assert [request.target.rpartition("/")[2] for request in http.requests] == [
        "create",
        "update",
        "delete",
    ]
    assert bodies(http) == [
        json.loads(sample("task-create-request")),
        json.loads(sample("task-update-request")),
        {"taskId": "6ab9", "customerNumber": "17319132394"},
    ]


async def test_an_import_is_split_at_two_thousand_rows():
    http = FakeHttp([DONE])
    rows = [NumberRow(number=str(number)) for number in range(4001)]

    await client_of(http).import_numbers("t", rows, agent_number="9097")

    parts = [body["importData"] for body in bodies(http)]
    assert [len(part) for part in parts] == [2000, 2000, 1]
    assert [row["number"] for part in parts for row in part] == [row.number for row in rows]


async def test_an_import_that_breaks_off_says_how_much_is_in():
    http = FakeHttp([DONE, RetryableError("7moor did not answer")])
    rows = [NumberRow(number=str(number)) for number in range(2500)]

    with pytest.raises(RetryableError, match="2000 of 2500 rows are imported"):
        await client_of(http).import_numbers("t", rows, agent_number="9097")


@pytest.mark.parametrize(
    ("rule", "policy"),
    [
        (DuplicateRule.ALL_TASKS, None),
        (DuplicateRule.THIS_TASK, None),
        (DuplicateRule.NONE, ONCE),
    ],
)
async def test_an_import_is_repeated_only_where_a_rule_refuses_duplicates(rule, policy):
    http = FakeHttp([DONE])

    await client_of(http).import_numbers(
        "t", [NumberRow(number="1")], agent_number="9097", rule=rule
    )

    assert http.policies == [policy]
    assert bodies(http)[0]["rule"] == rule.value
