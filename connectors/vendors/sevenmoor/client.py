"""7moor's interfaces: the answer report and the dial-out tasks."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from connectors.http import ONCE, Answer, Http, Request, RetryPolicy
from connectors.vendors.reading import read, write_time
from connectors.vendors.sevenmoor.auth import Credentials, new_nonce, sign
from connectors.vendors.sevenmoor.payloads import (
    MOST_IMPORTED,
    AnswerRow,
    DuplicateRule,
    NewTask,
    NumberDeletion,
    NumberImport,
    NumberRow,
    Payload,
    ReportQuery,
    Task,
    TaskChange,
    TaskQuery,
    TaskStatus,
    check_echo,
    cut_report,
    cut_tasks,
    open_answer,
)
from connectors.vendors.sevenmoor.spans import batches, split_span
from schemas.errors import RetryableError

_REPORT = "/openapi/v1/call/query/displayNumber/answer/report"
_TASK = "/openapi/v1/call/dialout/task/"

_log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


def _require_success(answer: Answer, payload: Payload) -> None:
    open_answer(answer.body)
    if isinstance(payload, ReportQuery):
        check_echo(answer.body, payload)


class SevenmoorClient:
    """Speaks for one account. It keeps to the rate budget of the `http` that it is given.

    All methods raise RetryableError where 7moor does not answer, or not with success, and
    DeniedError where it refuses the account.

    Args:
        http: a client of the base address, with the account's budget.
        credentials: what each attempt is signed with.
        zone: what 7moor's times are in.
        numbers_per_query: how many display numbers one report query may name.
        clock: the time that is signed.
        nonce: draws six fresh digits.
    """

    def __init__(
        self,
        http: Http,
        credentials: Credentials,
        *,
        zone: ZoneInfo,
        numbers_per_query: int = 50,
        clock: Callable[[], datetime] = _now,
        nonce: Callable[[], str] = new_nonce,
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._zone = zone
        self._numbers_per_query = numbers_per_query
        self._clock = clock
        self._nonce = nonce

    async def report_pages(
        self, start: datetime, end: datetime, numbers: Sequence[str]
    ) -> AsyncIterator[list[bytes]]:
        """Read the answer report over calls that started from `start` to `end`.

        Gives one page for each batch of numbers and three months; a page is the rows' JSON.
        The counts of calls that are still going on grow until these have ended.
        """
        distinct = list(dict.fromkeys(numbers))
        for since, until in split_span(start.astimezone(self._zone), end.astimezone(self._zone)):
            for batch in batches(distinct, self._numbers_per_query):
                query = ReportQuery(
                    start_time=write_time(since, self._zone),
                    end_time=write_time(until, self._zone),
                    numbers=list(batch),
                )
                yield cut_report(await self._post(_REPORT, query))

    async def answer_report(
        self, start: datetime, end: datetime, numbers: Sequence[str]
    ) -> list[AnswerRow]:
        """Read the answer report over any span, with one row for each number.

        Raises:
            InvalidRecord: a row cannot be read.
        """
        rows: dict[str, AnswerRow] = {}
        async for page in self.report_pages(start, end, numbers):
            for data in page:
                row = read(AnswerRow, data)
                known = rows.get(row.number)
                rows[row.number] = row if known is None else known.plus(row)
        return list(rows.values())

    async def task_rows(self, *, name: str = "", status: TaskStatus | None = None) -> list[bytes]:
        """Read the dial-out tasks of that name and status, or all; each as its JSON."""
        query = TaskQuery(name=name, task_name=name, status=status or "")
        page = cut_tasks(await self._post(_TASK + "get", query))
        if page.stated != len(page.tasks):
            # The document shows no way to ask for a next page.
            _log.warning(
                "7moor counts %d dial-out tasks and sent %d: archive some, or ask the vendor "
                "how to read the others",
                page.stated,
                len(page.tasks),
            )
        return page.tasks

    async def tasks(self, *, name: str = "", status: TaskStatus | None = None) -> list[Task]:
        """Read the dial-out tasks of that name and status, or all.

        Raises:
            InvalidRecord: a task cannot be read.
        """
        return [read(Task, data) for data in await self.task_rows(name=name, status=status)]

    async def create_task(self, task: NewTask) -> None:
        """Create a dial-out task; 7moor does not tell its id, so find it by its name.

        It is asked for once: a second request might create a second task.
        """
        await self._post(_TASK + "create", task, retry=ONCE)

    async def update_task(self, change: TaskChange) -> None:
        """Rename and describe a dial-out task anew."""
        await self._post(_TASK + "update", change)

    async def import_numbers(
        self,
        task_id: str,
        rows: Sequence[NumberRow],
        *,
        agent_number: str,
        rule: DuplicateRule = DuplicateRule.ALL_TASKS,
    ) -> None:
        """Import numbers into a task, 2,000 at a time.

        Without a duplicate rule each request is sent once, since a second might import twice.

        Args:
            task_id: the task.
            rows: the numbers.
            agent_number: the rep in whose name they are imported.
            rule: which numbers are refused as known.

        Raises:
            RetryableError: a part failed; the text says how many rows are in.
        """
        done = 0
        for batch in batches(rows, MOST_IMPORTED):
            part = NumberImport(
                agent_number=agent_number, task_id=task_id, import_data=list(batch), rule=rule
            )
            try:
                await self._post(
                    _TASK + "import", part, retry=ONCE if rule is DuplicateRule.NONE else None
                )
            except RetryableError as error:
                raise RetryableError(
                    f"{error}; {done} of {len(rows)} rows are imported: go on from there",
                    retry_after=error.retry_after,
                ) from error
            done += len(batch)

    async def delete_numbers(self, deletion: NumberDeletion) -> None:
        """Take numbers out of a task."""
        await self._post(_TASK + "delete", deletion)

    async def close(self) -> None:
        """Give back the connections."""
        await self._http.close()

    async def _post(
        self, path: str, payload: Payload, *, retry: RetryPolicy | None = None
    ) -> msgspec.Raw:
        body = payload.to_body()

        def build() -> Request:
            signature = sign(self._credentials, now=self._clock(), nonce=self._nonce())
            return Request("POST", path, {**signature, "content-type": "application/json"}, body)

        answer = await self._http.call(
            build, check=lambda answer: _require_success(answer, payload), retry=retry
        )
        return open_answer(answer.body)
