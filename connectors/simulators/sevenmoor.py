"""7moor's server: the answer report and the dial-out tasks, behind signature and rate limit.

7moor-answer-report.txt, 7moor-dialout-tasks.txt, and PROTOCOLS.md for the signature. What a
refusal looks like is unknown; here it has a status of its own or, with `refuse_in_body`, 200.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus

from pydantic import JsonValue

from connectors.simulators.calls import Call, Outcome
from connectors.simulators.faults import VendorError
from connectors.simulators.generator import World
from connectors.simulators.server import Answer, Clock, Exchange, Handler, VendorServer, json_answer
from connectors.simulators.sevenmoor_tasks import RefusedError, Tasks
from connectors.simulators.signatures import m7_sign
from connectors.simulators.truth import Counters, Growth

REPORT_PATH = "/openapi/v1/call/query/displayNumber/answer/report"
TASK_PATH = "/openapi/v1/call/dialout/task"
_MINUTE = timedelta(minutes=1)
_LARGEST_SKEW = timedelta(minutes=5)
_LONGEST_QUERY_MONTHS = 3
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
_OPEN_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SevenMoorSettings:
    """What differs between scenarios.

    Attributes:
        requests_per_minute: of the account, over all endpoints, in any minute.
        refuse_in_body: refuse with status 200 and `success: false`.
    """

    requests_per_minute: int = 20
    refuse_in_body: bool = False


class _DeniedError(RefusedError):
    def __init__(self, message: str, status: HTTPStatus) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class _Window:
    """What was asked and served of one display number from one `startTime` on."""

    first: Counters
    last: Counters
    since: int
    until: int
    asked_at: datetime


class SevenMoorServer(VendorServer):
    """7moor's server for one account.

    Attributes:
        appkey, secret: its credentials; assign to `secret` to rotate it.
        tasks: its dial-out tasks.
    """

    def __init__(
        self, world: World, clock: Clock, settings: SevenMoorSettings | None = None
    ) -> None:
        super().__init__(world, clock)
        self.settings = settings or SevenMoorSettings()
        self.appkey = "2000113"
        self.secret = hashlib.sha256(f"7moor/{world.scenario.seed}".encode()).hexdigest()[:30]
        self._zone = world.scenario.zone
        self.tasks = Tasks(world.scenario.tasks, world.scenario.start.astimezone(self._zone))
        self._accepted: deque[datetime] = deque()
        self._seen: dict[tuple[str, str], datetime] = {}
        self._windows: dict[tuple[str, str], _Window] = {}
        self._requests = 0

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Give the handlers by method and path."""
        return {
            ("POST", REPORT_PATH): self._guarded(self._report),
            ("POST", f"{TASK_PATH}/create"): self._guarded(
                lambda _, body: self.tasks.create(body, self._local_now())
            ),
            ("POST", f"{TASK_PATH}/update"): self._guarded(lambda _, b: self.tasks.update(b)),
            ("POST", f"{TASK_PATH}/get"): self._guarded(self._get_tasks),
            ("POST", f"{TASK_PATH}/import"): self._guarded(
                lambda _, body: self.tasks.import_numbers(body)
            ),
            ("POST", f"{TASK_PATH}/delete"): self._guarded(
                lambda _, body: self.tasks.delete_numbers(body)
            ),
        }

    def growth(self, now: datetime) -> dict[tuple[str, str], Growth]:
        """Give every window that was served, as first and last served and as it stands.

        A window that was asked up to the moment of asking is counted up to `now`; one that
        ended before, up to its own end.
        """
        grown = {}
        for (number, since), window in self._windows.items():
            is_open = window.until >= (window.asked_at - _OPEN_WINDOW).timestamp()
            until = max(window.until, int(now.timestamp())) if is_open else window.until
            counters = self._count(number, window.since, until, now)
            grown[number, since] = Growth(window.first, window.last, counters)
        return grown

    def _guarded(
        self, do: Callable[[Exchange, Mapping[str, JsonValue]], JsonValue | None]
    ) -> Handler:
        def handle(exchange: Exchange) -> Answer:
            body: Mapping[str, JsonValue] = {}
            try:
                self._authenticate(exchange)
                self._limit(exchange.now)
                body = exchange.json_object()
                if isinstance(exchange.fault, VendorError):
                    return self._vendor_error(exchange, body, exchange.fault)
                data = do(exchange, body)
            except RefusedError as error:
                status = error.status if isinstance(error, _DeniedError) else HTTPStatus.BAD_REQUEST
                return self._refusal(exchange, body, str(error), status)
            except ValueError as error:
                return self._refusal(exchange, body, str(error), HTTPStatus.BAD_REQUEST)
            head: dict[str, JsonValue] = {
                "success": True,
                "code": "200",
                "message": "requestSuccess",
            }
            if data is not None:
                head["data"] = data
            return json_answer({**head, "requestInfo": self._request_info(exchange, body)})

        return handle

    def _authenticate(self, exchange: Exchange) -> None:
        headers = exchange.request.headers
        appkey, timestamp, nonce, sign = (
            headers.get(f"m7-{name}", "") for name in ("appkey", "timestamp", "nonce", "sign")
        )
        if not re.fullmatch(r"\d{10}", timestamp) or not re.fullmatch(r"\d{6}", nonce):
            raise _DeniedError("m7-timestamp or m7-nonce is malformed", HTTPStatus.UNAUTHORIZED)
        expected = m7_sign(self.appkey, timestamp, nonce, self.secret)
        if appkey != self.appkey or not hmac.compare_digest(expected.encode(), sign.encode()):
            raise _DeniedError("m7-sign is wrong", HTTPStatus.UNAUTHORIZED)
        now = exchange.now + self.skew
        if abs(now.timestamp() - int(timestamp)) > _LARGEST_SKEW.total_seconds():
            raise _DeniedError("m7-timestamp is out of date", HTTPStatus.UNAUTHORIZED)
        self._seen = {key: at for key, at in self._seen.items() if now - at < _LARGEST_SKEW}
        if (sign, nonce) in self._seen:
            raise _DeniedError("the request was sent before", HTTPStatus.UNAUTHORIZED)
        self._seen[sign, nonce] = now

    def _limit(self, now: datetime) -> None:
        while self._accepted and self._accepted[0] <= now - _MINUTE:
            self._accepted.popleft()
        if len(self._accepted) >= self.settings.requests_per_minute:
            raise _DeniedError("too many requests", HTTPStatus.TOO_MANY_REQUESTS)
        self._accepted.append(now)

    def _report(self, exchange: Exchange, body: Mapping[str, JsonValue]) -> JsonValue:
        since_text, since = self._moment(body, "startTime")
        _, until = self._moment(body, "endTime")
        numbers = body.get("numbers")
        if not isinstance(numbers, list) or not numbers:
            raise RefusedError("numbers is required")
        if until < since:
            raise RefusedError("endTime is before startTime")
        if until > _months_later(since, _LONGEST_QUERY_MONTHS):
            raise RefusedError("at most three months can be queried")
        rows: list[JsonValue] = []
        for number in numbers:
            if not isinstance(number, str):
                raise RefusedError("numbers is not a list of strings")
            start, end = int(since.timestamp()), int(until.timestamp())
            counters = self._count(number, start, end, exchange.now)
            rows.append(_row(number, counters))
            if number in self.world.sevenmoor:
                window = _Window(counters, counters, start, end, exchange.now)
                exchange.when_served.append(partial(self._note, (number, since_text), window))
        return rows

    def _note(self, key: tuple[str, str], window: _Window) -> None:
        if key in self._windows:
            window.first = self._windows[key].first
        self._windows[key] = window

    def _count(self, number: str, since: int, until: int, now: datetime) -> Counters:
        """Count calls by their start, both ends included; answered ones once they have ended."""
        calls = self.world.sevenmoor.get(number, [])
        first = bisect_left(calls, since, key=_start_second)
        last = bisect_right(calls, until, key=_start_second)
        at = now.timestamp()
        answered = sum(
            call.outcome is not Outcome.UNANSWERED and call.has_ended(at)
            for call in calls[first:last]
        )
        return Counters(last - first, answered)

    def _get_tasks(self, _: Exchange, body: Mapping[str, JsonValue]) -> JsonValue:
        rows = self.tasks.get(body)
        return {"list": rows, "count": len(rows)}

    def _moment(self, body: Mapping[str, JsonValue], name: str) -> tuple[str, datetime]:
        text = body.get(name)
        if not isinstance(text, str):
            raise RefusedError(f"{name} is required")
        try:
            return text, datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=self._zone)
        except ValueError:
            raise RefusedError(f"{name} is not yyyy-MM-dd HH:mm:ss") from None

    def _local_now(self) -> datetime:
        return self.clock().astimezone(self._zone)

    def _refusal(
        self, exchange: Exchange, body: Mapping[str, JsonValue], message: str, status: HTTPStatus
    ) -> Answer:
        content: Mapping[str, JsonValue] = {
            "success": False,
            "code": str(status.value),
            "message": message,
            "requestInfo": self._request_info(exchange, body),
        }
        # A bad parameter is the vendor's business and not HTTP's; the rest are the gateway's.
        in_body = self.settings.refuse_in_body or status is HTTPStatus.BAD_REQUEST
        return json_answer(content, HTTPStatus.OK if in_body else status)

    def _vendor_error(
        self, exchange: Exchange, body: Mapping[str, JsonValue], fault: VendorError
    ) -> Answer:
        return json_answer(
            {
                "success": False,
                "code": fault.code,
                "message": fault.message,
                "requestInfo": self._request_info(exchange, body),
            }
        )

    def _request_info(self, exchange: Exchange, body: Mapping[str, JsonValue]) -> JsonValue:
        """Echo the request, its signature among the headers, as the report's sample does."""
        self._requests += 1
        request_id = hashlib.md5(str(self._requests).encode(), usedforsecurity=False).hexdigest()
        headers: dict[str, JsonValue] = {
            name.lower(): value for name, value in exchange.request.headers.items()
        }
        moment = int((exchange.now + self.skew).timestamp() * 1000)
        return {
            "requestId": request_id,
            "url": exchange.request.path,
            "proxyUrl": f"{self.url}{exchange.request.path}",
            "body": dict(body),
            "headers": {**headers, "traceId": request_id, "accountId": self.appkey},
            "span": {
                "requestStartTime": moment,
                "proxyStartTime": moment + 2,
                "proxyEndTime": moment + 41,
                "reqEndTime": moment + 41,
                "bizSpan": "39ms",
                "latency": "2ms",
            },
        }


def _start_second(call: Call) -> int:
    return int(call.started)


def _row(number: str, counters: Counters) -> JsonValue:
    share = 100 * counters.answered / counters.attempts if counters.attempts else 0
    return {
        "number": number,
        "sum": counters.attempts,
        "answerSum": counters.answered,
        "answerPercentage": f"{share:05.2f}%",
    }


def _months_later(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
