"""The search for call detail records, page by page (icsoc-cdr.txt, section 1)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Container
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from connectors.http import Answer, DeniedError, Http, Request
from connectors.vendors.icsoc.auth import Tokens
from connectors.vendors.icsoc.payloads import Page, read_page

_TARGET = "/api/v1/cdr/search"
_UNAUTHORISED = 401
_REPEATS = 3

# The filter's times are Beijing time, whatever zone the account's calendar day is in.
_VENDOR_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Filters:
    """What to search for; None does not filter.

    Attributes:
        since, until: bounds of the call's start, both inclusive, to the second.
        per_page: records a page; the vendor states no limit.
    """

    call_id: str | None = None
    project_id: str | None = None
    task_id: str | None = None
    caller: str | None = None
    called: str | None = None
    callresult: Literal["0", "1", "2"] | None = None
    endresult: Literal["11", "12"] | None = None
    since: datetime | None = None
    until: datetime | None = None
    per_page: int = 100


def search_body(filters: Filters, search_after: str | None = None) -> bytes:
    """Write the search's parameters as JSON."""
    started = {"gte": filters.since, "lte": filters.until}
    span = {
        name: moment.astimezone(_VENDOR_ZONE).strftime("%Y-%m-%d %H:%M:%S")
        for name, moment in started.items()
        if moment is not None
    }
    body = {
        "callId": filters.call_id,
        "projectId": filters.project_id,
        "searchAfter": search_after,
        "taskId": filters.task_id,
        "caller": filters.caller,
        "called": filters.called,
        "callresult": filters.callresult,
        "endresult": filters.endresult,
        "perPage": filters.per_page,
        "startTime": span or None,
    }
    given = {name: value for name, value in body.items() if value is not None}
    return json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode()


class Client:
    """The search of one account.

    Args:
        http: speaks to the account's base address, within its rate budget.
        tokens: gives the bearer token.
    """

    def __init__(self, http: Http, tokens: Tokens) -> None:
        self._http = http
        self._tokens = tokens

    async def pages(
        self, filters: Filters, *, search_after: str | None = None, max_pages: int = 1000
    ) -> AsyncIterator[Page]:
        """Read page after page, until there is no next one or `max_pages` are read.

        The last page has `search_after` None unless the bound ended the reading. A next-page
        mark that was seen before, or none on a full page, may be the end or a fault: the page
        is asked for again, and a vendor that says the same three times means the end.

        Raises:
            RetryableError: the vendor did not answer, or answered a code other than 0.
            FatalError: the credentials or the request were refused.
        """
        seen = {search_after}
        for _ in range(max_pages):
            body = search_body(filters, search_after)
            page = await self._new_page(body, seen, filters.per_page)
            yield page
            if page.search_after is None:
                return
            search_after = page.search_after
            seen.add(search_after)

    async def _new_page(self, body: bytes, seen: Container[str | None], full: int) -> Page:
        for _ in range(_REPEATS):
            page = await self._page(body)
            if page.search_after is None:
                if len(page.results) < full:
                    return page
            elif page.search_after not in seen:
                return page
        return replace(page, search_after=None)

    async def _page(self, body: bytes) -> Page:
        token = await self._tokens.get()
        try:
            return await self._ask(body, token)
        except DeniedError as error:
            if error.status != _UNAUTHORISED:
                raise
        # The vendor may have ended the token early. Once: a second refusal is the account's.
        await self._tokens.drop(token)
        return await self._ask(body, await self._tokens.get())

    async def _ask(self, body: bytes, token: str) -> Page:
        request = Request(
            "POST",
            _TARGET,
            {
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Accept": "application/json",
            },
            body,
        )
        answer = await self._http.call(lambda: request, check=_check)
        return read_page(answer.body)


def _check(answer: Answer) -> None:
    read_page(answer.body)
