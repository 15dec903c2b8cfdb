"""What 7moor's interfaces are, and whether an account may use them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from connectors.http import ONCE, Http
from connectors.trial import Finding, Interface, attempt, clock_finding
from connectors.vendors.sevenmoor.source import SevenmoorAccount

_LIMIT = "20 requests a minute for the account, over all interfaces"

INTERFACES = (
    Interface(
        "answer report",
        "attempts and answers by display number",
        f"{_LIMIT}; 3 months a query",
        "feed answer-report",
    ),
    Interface("task get", "the dial-out tasks", _LIMIT, "feed dialout-task, tasks list"),
    Interface("task create", "a new dial-out task", _LIMIT, "tasks create"),
    Interface("task update", "another name or description", _LIMIT, "tasks update"),
    Interface(
        "task import", "numbers into a task", f"{_LIMIT}; 2,000 rows a request", "tasks import"
    ),
    Interface("task delete", "numbers out of a task", _LIMIT, "tasks delete"),
)


async def probe(account: SevenmoorAccount) -> AsyncIterator[Finding]:
    """Ask for the report of one number over one minute, and for a task that nobody has."""
    async with Http(
        account.base_url, budget=account.spare_budget, timeout=account.request_timeout, retry=ONCE
    ) as http:
        client = account.client_of(http)
        busy = "the account's 20 requests a minute are used up; the pollers go on by themselves"

        async def report() -> str:
            now = datetime.now(UTC)
            rows = await client.answer_report(
                now - timedelta(minutes=1), now, account.numbers[:1] or ["0"]
            )
            return f"answered with {len(rows)} rows"

        async def tasks() -> str:
            await client.task_rows(name="callstreams-probe")
            return "answered"

        yield await attempt("answer report", report, throttled=busy)
        yield await attempt("task get", tasks, throttled=busy)
        yield clock_finding(http)
    gap = account.request_gap.total_seconds()
    allowed = 60 / gap
    good = gap > 3
    yield Finding(
        "quota",
        good=good,
        words=f"at most {allowed:.1f} requests a minute are sent, of the 20 allowed",
        mend=None if good else "set request_gap to 3.1 s",
    )
