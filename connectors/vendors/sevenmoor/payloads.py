"""What is sent to 7moor and what comes back, as its documents have it.

Pages: 外呼号码接通率报表 (answer report) and 预览外呼任务 (preview dial-out tasks).
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from connectors.vendors.reading import cut, masked
from schemas.errors import RetryableError

MOST_IMPORTED = 2000
"""The most rows of one import (最多一次导入2000条)."""

_SUCCESS = "200"
_WHO = "7moor"
_NULL = b"null"


class Payload(BaseModel):
    """What all of them share: camelCase JSON, and identifiers that may come as numbers."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        coerce_numbers_to_str=True,
    )

    def to_body(self) -> bytes:
        """Encode as the JSON that is sent; a field that is None is left out."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


# ---- requests


class ReportQuery(Payload):
    """Ask for the answer report; times are `yyyy-MM-dd HH:mm:ss`, at most three months apart."""

    start_time: str
    end_time: str
    numbers: list[str]


class NewTask(Payload):
    """A dial-out task to create (创建预览外呼任务).

    Attributes:
        agent_number_list, queue_number_list: which reps and skill groups work on it.
        agent_number: the rep in whose name it is created.
    """

    task_name: str
    description: str = ""
    agent_number_list: list[str] = Field(default_factory=list)
    queue_number_list: list[str] = Field(default_factory=list)
    agent_number: str


class TaskChange(Payload):
    """A new name and description for a task (更新预览外呼任务)."""

    task_id: str
    task_name: str
    description: str = ""


class TaskStatus(StrEnum):
    """Where a task stands."""

    READY = "READY"
    DEALING = "DEALING"
    PAUSED = "PAUSED"
    ARCHIVED = "ARCHIVED"


class TaskQuery(Payload):
    """Ask for tasks (查询预览外呼任务); empty strings ask for all.

    The filter is `name` in the document's table and `taskName` in its example: both are sent.
    """

    name: str = ""
    task_name: str = ""
    status: str = ""


class DuplicateRule(IntEnum):
    """Which numbers are refused as known already on import."""

    ALL_TASKS = 0
    THIS_TASK = 1
    NONE = 2


class NumberRow(Payload):
    """One number to dial; without a valid `agent_number` it falls to any rep of the task."""

    name: str = ""
    number: str
    remark: str = ""
    agent_number: str = ""


class NumberImport(Payload):
    """Numbers for a task (预览外呼号码导入).

    `importData` is an array, as the example sends it, although the table calls it a string.
    """

    agent_number: str
    task_id: str
    import_data: list[NumberRow] = Field(min_length=1, max_length=MOST_IMPORTED)
    rule: DuplicateRule = DuplicateRule.ALL_TASKS


class CallResult(StrEnum):
    """What became of a number in a task."""

    NOT_DEAL = "NOT_DEAL"
    DEALING = "DEALING"
    UNDEAL = "UNDEAL"


class NumberDeletion(Payload):
    """Which numbers to take out of a task (删除任务内号码)."""

    task_id: str = Field(min_length=1)
    customer_name: str | None = None
    agent_number: str | None = None
    customer_number: str | None = None
    remark: str | None = None
    call_result: CallResult | None = None

    @model_validator(mode="after")
    def _narrow(self) -> Self:
        # What 7moor does with a task id alone is not documented, and may be to delete everything.
        if not any(getattr(self, name) for name in type(self).model_fields if name != "task_id"):
            raise ValueError("say which numbers to delete: a number, name, rep, remark or result")
        return self


# ---- answers


class _Envelope(msgspec.Struct):
    # `requestInfo` echoes our signature. It has no field here, so it goes no further.
    success: bool | None = None
    code: str | int | None = None
    message: str | None = None
    data: msgspec.Raw = msgspec.Raw(_NULL)


class _EchoedQuery(msgspec.Struct, rename="camel"):
    start_time: str | None = None
    end_time: str | None = None
    numbers: list[str] | None = None


class _EchoedRequest(msgspec.Struct):
    body: _EchoedQuery = msgspec.field(default_factory=_EchoedQuery)


class _Echo(msgspec.Struct):
    request: _EchoedRequest = msgspec.field(name="requestInfo", default_factory=_EchoedRequest)


class _TaskList(msgspec.Struct):
    tasks: list[msgspec.Raw] = msgspec.field(name="list")
    count: int | str | None = None


class TaskPage(NamedTuple):
    """The tasks that 7moor sent, and how many it says there are."""

    tasks: list[bytes]
    stated: int


def open_answer(body: bytes) -> msgspec.Raw:
    """Give the answer's `data`, or `null` where it has none.

    Raises:
        RetryableError: it does not say both `success: true` and code 200. 7moor documents no
            error codes, so all of them are taken to pass by.
    """
    envelope = cut(body, _Envelope, who=_WHO)
    if envelope.success is True and str(envelope.code) == _SUCCESS:
        return envelope.data
    raise RetryableError(
        f"7moor did not succeed: code {masked(str(envelope.code))}, "
        f"message {masked(str(envelope.message))!r}"
    )


def check_echo(body: bytes, query: ReportQuery) -> None:
    """See that a report answers this query: a row does not say which period it counts.

    Raises:
        RetryableError: it echoes another query, as an answer does that came twice.
    """
    try:
        echo = msgspec.json.decode(body, type=_Echo).request.body
    except msgspec.DecodeError:
        return  # the echo is 7moor's courtesy, and its form no promise
    asked = (query.start_time, query.end_time, query.numbers)
    told = (echo.start_time, echo.end_time, echo.numbers)
    if any(one is not None and one != other for one, other in zip(told, asked, strict=True)):
        raise RetryableError("7moor answered another query than the one that was asked")


def cut_report(data: msgspec.Raw) -> list[bytes]:
    """Cut the report into its rows, each as it came; `null` has none.

    Raises:
        RetryableError: it is not a list.
    """
    if bytes(data) == _NULL:
        return []
    return [bytes(row) for row in cut(data, list[msgspec.Raw], who=_WHO)]


def cut_tasks(data: msgspec.Raw) -> TaskPage:
    """Cut the list of tasks into its tasks, each as it came.

    Raises:
        RetryableError: it holds no list.
    """
    answer = cut(data, _TaskList, who=_WHO)
    tasks = [bytes(task) for task in answer.tasks]
    stated = str(answer.count)
    return TaskPage(tasks, int(stated) if stated.isdecimal() else len(tasks))


class AnswerRow(Payload):
    """One number's row of the answer report.

    Attributes:
        attempts: calls that started in the period (`sum`).
        answered: those that the customer answered (`answerSum`).
        answer_percentage: `"00.00%"`; to check with, never to compute from.
    """

    number: str = Field(min_length=1)
    attempts: int = Field(alias="sum", ge=0)
    answered: int = Field(alias="answerSum", ge=0)
    answer_percentage: str | None = None

    def plus(self, other: AnswerRow) -> AnswerRow:
        """Add the counts of another period; the percentage is then unknown."""
        return AnswerRow(
            number=self.number,
            attempts=self.attempts + other.attempts,
            answered=self.answered + other.answered,
        )


class Task(Payload):
    """One dial-out task; counts are documented as strings and sent as numbers."""

    task_id: str = Field(min_length=1)
    task_name: str
    description: str | None = None
    number_total: int | None = Field(default=None, ge=0)
    agent_total: int | None = Field(default=None, ge=0)
    create_time: str | None = None
