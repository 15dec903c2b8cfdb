"""icsoc's server: the token endpoint and the CDR search (icsoc-cdr.txt, chapter 1)."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import parse_qsl

from pydantic import JsonValue

from connectors.simulators.calls import Call
from connectors.simulators.faults import ChangingPage, StuckCursor, VendorError
from connectors.simulators.generator import World
from connectors.simulators.icsoc_records import mask, search_record
from connectors.simulators.icsoc_tokens import Tokens
from connectors.simulators.server import Answer, Clock, Exchange, Handler, VendorServer, json_answer

SEARCH_PATH = "/api/v1/cdr/search"
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
_BAD_REQUEST = 422
_FILTERS = ("projectId", "taskId", "callId", "caller", "called", "callresult", "endresult")


@dataclass(frozen=True, slots=True)
class IcsocSettings:
    """What differs between scenarios.

    Attributes:
        masked: customers' numbers are shown as `185xxxx2456`.
        default_page, largest_page: rows on a page; a larger `perPage` is cut to the largest.
        null_cursor_at_end: the last page that has rows has a null cursor already. The sample
            has a cursor there, so by default only an empty page has none.
        token_lifetime, tokens_a_day: of the token endpoint.
    """

    masked: bool = False
    default_page: int = 20
    largest_page: int = 100
    null_cursor_at_end: bool = False
    token_lifetime: timedelta = timedelta(days=1)
    tokens_a_day: int = 128


class _BadParameterError(Exception):
    """A parameter cannot be read; the text is the answer's `message`."""


@dataclass(frozen=True, slots=True)
class _Query:
    after: int
    page: int
    since: int | None
    until: int | None
    exact: Mapping[str, str]


class IcsocServer(VendorServer):
    """icsoc's server for one agent.

    Attributes:
        tokens: the credentials and the token endpoint.
        push_secret: what pushes are signed and encrypted with; assign to rotate it.
    """

    def __init__(self, world: World, clock: Clock, settings: IcsocSettings | None = None) -> None:
        super().__init__(world, clock)
        self.settings = settings or IcsocSettings()
        seed = world.scenario.seed
        self.tokens = Tokens(
            seed, lifetime=self.settings.token_lifetime, a_day=self.settings.tokens_a_day
        )
        self.push_secret = hashlib.sha256(f"icsoc-push/{seed}".encode()).hexdigest()[:32]
        self._requests = 0

    @property
    def token_url(self) -> str:
        """Give the token endpoint's address; at the vendor it is on another host."""
        return self.url + TOKEN_PATH

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Give the handlers by method and path."""
        return {
            ("POST", TOKEN_PATH): self._token,
            ("GET", SEARCH_PATH): self._search,
            ("POST", SEARCH_PATH): self._search,
        }

    def ended(self, now: datetime) -> Iterator[Call]:
        """Give the calls that have ended."""
        at = now.timestamp()
        return (call for call in self.world.icsoc if call.has_ended(at))

    def _token(self, exchange: Exchange) -> Answer:
        if exchange.request.content_type != "application/x-www-form-urlencoded":
            return json_answer({"error": "invalid_request"}, HTTPStatus.BAD_REQUEST)
        form = dict(parse_qsl(exchange.body.decode(errors="replace")))
        return self.tokens.grant(form, exchange.now)

    def _search(self, exchange: Exchange) -> Answer:
        if not self.tokens.is_good(exchange.request.headers.get("Authorization", ""), exchange.now):
            return self._envelope(401, "Unauthorized", None, HTTPStatus.UNAUTHORIZED)
        fault = exchange.fault
        if isinstance(fault, VendorError):
            code = int(fault.code) if fault.code.isdigit() else 1
            return self._envelope(code, fault.message, None)
        try:
            asked = self._parameters(exchange)
            query = self._query(asked)
        except _BadParameterError as error:
            return self._envelope(_BAD_REQUEST, str(error), None)
        rows = self._find(query, exchange.now.timestamp())
        full = len(rows) > query.page
        rows = rows[: query.page]
        cursor: JsonValue = rows[-1]["callId"] if rows else None
        if self.settings.null_cursor_at_end and not full:
            cursor = None
        if isinstance(fault, StuckCursor):
            cursor = asked.get("searchAfter")
        if isinstance(fault, ChangingPage):
            rows = rows[fault.rows :]
        listed: list[JsonValue] = list(rows)
        return self._envelope(0, "操作成功", {"results": listed, "searchAfter": cursor})

    def _find(self, query: _Query, now: float) -> list[dict[str, JsonValue]]:
        """Find one page and, where there is one, the row after it."""
        calls = self.world.icsoc
        found: list[dict[str, JsonValue]] = []
        place = bisect_right(calls, query.after, key=lambda call: int(call.call_id))
        if query.since is not None:
            earlier = bisect_right(calls, query.since - 1, key=lambda call: int(call.started))
            place = max(place, earlier)
        while place < len(calls) and len(found) <= query.page:
            call = calls[place]
            if query.until is not None and int(call.started) > query.until:
                break
            row = search_record(call, now, masked=self.settings.masked)
            if _fits(row, call, query.exact):
                found.append(row)
            place += 1
        return found

    def _parameters(self, exchange: Exchange) -> dict[str, JsonValue]:
        if exchange.request.method == "POST":
            try:
                return exchange.json_object() if exchange.body else {}
            except ValueError as error:
                raise _BadParameterError("the body is not a JSON object") from error
        asked: dict[str, JsonValue] = dict(exchange.request.query)
        if "startTime" in asked:
            try:
                asked["startTime"] = json.loads(str(asked["startTime"]))
            except ValueError as error:
                raise _BadParameterError("startTime is not JSON") from error
        if str(asked.get("perPage", "")).isdigit():
            asked["perPage"] = int(str(asked["perPage"]))
        return asked

    def _query(self, asked: Mapping[str, JsonValue]) -> _Query:
        page = asked.get("perPage", self.settings.default_page)
        if not isinstance(page, int) or page < 1:
            raise _BadParameterError("perPage is not a positive integer")
        times = asked.get("startTime") or {}
        if not isinstance(times, dict) or not times.keys() <= {"gte", "lte"}:
            raise _BadParameterError("startTime is not an object of gte and lte")
        after = asked.get("searchAfter") or "0"
        if not isinstance(after, str) or not after.isdigit():
            raise _BadParameterError("searchAfter is not a cursor of ours")
        exact = {}
        for name in _FILTERS:
            value = asked.get(name)
            if value is None or value == "":
                continue
            if not isinstance(value, str):
                raise _BadParameterError(f"{name} is not a string")
            exact[name] = value
        return _Query(
            int(after),
            min(page, self.settings.largest_page),
            self._second(times.get("gte")),
            self._second(times.get("lte")),
            exact,
        )

    def _second(self, text: JsonValue) -> int | None:
        """Read a time of the filter, which is Beijing time."""
        if text is None:
            return None
        try:
            local = datetime.strptime(str(text), _TIME_FORMAT).replace(
                tzinfo=self.world.scenario.zone
            )
        except ValueError as error:
            raise _BadParameterError("startTime is not Y-m-d H:i:s") from error
        return int(local.timestamp())

    def _envelope(
        self, code: int, message: str, data: JsonValue, status: int = HTTPStatus.OK
    ) -> Answer:
        self._requests += 1
        request_id = hashlib.md5(str(self._requests).encode(), usedforsecurity=False).hexdigest()
        return json_answer(
            {"code": code, "message": message, "request_id": request_id, "data": data}, status
        )


def _fits(row: Mapping[str, JsonValue], call: Call, exact: Mapping[str, str]) -> bool:
    """Compare; a number is found by its whole form and by its masked one."""
    for name, value in exact.items():
        whole = {"caller": call.number, "called": call.customer}.get(name)
        if whole is not None:
            if value not in (whole, mask(whole)):
                return False
        elif row[name] != value:
            return False
    return True
