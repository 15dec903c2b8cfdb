import json

import msgspec
import pytest
from pydantic import ValidationError

from connectors.vendors.reading import read
from connectors.vendors.sevenmoor.payloads import (
    AnswerRow,
    CallResult,
    DuplicateRule,
    NewTask,
    NumberDeletion,
    NumberImport,
    NumberRow,
    ReportQuery,
    Task,
    TaskChange,
    cut_report,
    cut_tasks,
    open_answer,
)
from schemas.errors import InvalidRecord, RetryableError
from tests.vendors.sevenmoor.samples import sample


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        (
            "report-request",
            ReportQuery(
                start_time="2020-09-25 20:32:03",
                end_time="2020-12-25 20:32:03",
                numbers=["01081401967"],
            ),
        ),
        (
            "task-create-request",
            NewTask(
                task_name="222122",
                description="remark",
                agent_number_list=["2000"],
                agent_number="2001",
            ),
        ),
        (
            "task-update-request",
            TaskChange(
                task_id="97a2f369-6543-44ed-900a-bb6c1469da1e",
                task_name="222122",
                description="222",
            ),
        ),
        (
            "task-import-request",
            NumberImport(
                agent_number="9097",
                task_id="73f4f068-d6b0-4aa9-bda5-220eea03b4e3",
                import_data=[
                    NumberRow(name="张三", number="17319132391", remark="备注", agent_number="2001")
                ],
                rule=DuplicateRule.ALL_TASKS,
            ),
        ),
        (
            "task-delete-request",
            NumberDeletion(
                task_id="6ab971b0-6005-452e-9328-0883299619eb",
                customer_name="张三",
                agent_number="2000",
                customer_number="17319132394",
                remark="90",
                call_result=CallResult.UNDEAL,
            ),
        ),
    ],
)
def test_requests_are_written_as_the_documents_show_them(name, payload):
    assert json.loads(payload.to_body()) == json.loads(sample(name))


def test_the_report_sample_is_one_row_and_its_echo_is_stripped():
    (row,) = cut_report(open_answer(sample("report-answer")))

    assert read(AnswerRow, row) == AnswerRow(
        number="01081401967", attempts=4, answered=0, answer_percentage="00.00%"
    )
    assert b"m7-sign" not in row
    assert row in sample("report-answer")


def test_the_task_sample_is_one_task():
    page = cut_tasks(open_answer(sample("task-get-answer")))

    assert [read(Task, task) for task in page.tasks] == [
        Task(
            task_id="6ab971b0-6005-452e-9328-0883299619eb",
            task_name="测试222232",
            description="remark",
            number_total=0,
            agent_total=1,
            create_time="2021-11-20 18:07:22",
        )
    ]
    assert page.stated == 1


@pytest.mark.parametrize("name", ["create", "update", "import", "delete"])
def test_the_other_samples_are_successes_without_data(name):
    assert bytes(open_answer(sample(f"task-{name}-answer"))) == b"null"


@pytest.mark.parametrize("code", ["200", 200])
def test_the_code_may_be_a_string_or_a_number(code):
    body = json.dumps({"success": True, "code": code, "data": [1]}).encode()

    assert json.loads(bytes(open_answer(body))) == [1]


@pytest.mark.parametrize(
    "body",
    [
        b'{"success":false,"code":"200","message":"no"}',
        b'{"success":true,"code":"500","message":"no"}',
        b'{"success":true,"message":"no"}',
        b'{"code":"200"}',
        b'{"success":"true","code":"200"}',
        b"{}",
        b"[]",
        b"",
        b"<html>",
        b'{"success":true,"code":"200","data":[{"number":',
        b"[" * 100_000,
    ],
)
def test_what_is_not_both_success_and_200_may_be_tried_again(body):
    with pytest.raises(RetryableError, match="7moor"):
        open_answer(body)


def test_the_vendors_sentence_is_told_without_the_phone_number():
    body = '{"success":false,"code":"9","message":"号码 17319132391 不存在"}'.encode()

    with pytest.raises(RetryableError, match=r"号码 173\*\*\*\*91 不存在"):
        open_answer(body)


@pytest.mark.parametrize("data", [b'{"number":"1"}', b'"x"', b"3"])
def test_a_report_that_is_no_list_may_be_tried_again(data):
    with pytest.raises(RetryableError, match="7moor"):
        cut_report(msgspec.Raw(data))


def test_a_report_without_data_is_empty():
    assert cut_report(open_answer(b'{"success":true,"code":"200","data":null}')) == []


def test_numbers_may_come_as_strings_and_strings_as_numbers():
    row = b'{"number":1081401967,"sum":"4","answerSum":"1","answerPercentage":null,"new":{}}'

    assert read(AnswerRow, row) == AnswerRow(number="1081401967", attempts=4, answered=1)


@pytest.mark.parametrize(
    ("row", "code", "told"),
    [
        (b'{"number":"17319132391","sum":4', "bad-json", "EOF"),
        (b"17", "bad-field", "the record"),
        (b'{"number":"17319132391","sum":-1,"answerSum":0}', "bad-field", "sum"),
        (b'{"number":"17319132391","sum":4}', "bad-field", "answerSum"),
        (b'{"number":{},"sum":4,"answerSum":0}', "bad-field", "number"),
        (b'{"number":"","sum":4,"answerSum":0}', "bad-field", "number"),
        (b'{"number":"17319132391","sum":"many","answerSum":0}', "bad-field", "sum"),
    ],
)
def test_a_bad_row_is_refused_by_its_fields_without_its_content(row, code, told):
    with pytest.raises(InvalidRecord, match=told) as caught:
        read(AnswerRow, row)

    assert caught.value.code == code
    assert "17319132391" not in caught.value.reason
    assert "many" not in caught.value.reason


def test_a_deletion_must_say_more_than_the_task():
    with pytest.raises(ValidationError, match="which numbers to delete"):
        NumberDeletion(task_id="6ab971b0")
