"""Huawei AICC's server: campaign statistics (CC-iSales) and missed calls (CC-CMS).

huawei-campaign-statistics.txt, huawei-missed-calls.txt, and PROTOCOLS.md for the C2 header.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus

from pydantic import JsonValue

from connectors.simulators.calls import Call, Outcome
from connectors.simulators.faults import ChangingPage, VendorError
from connectors.simulators.generator import World
from connectors.simulators.huawei_statistics import Row, count_rows
from connectors.simulators.server import (
    Answer,
    Clock,
    Exchange,
    Handler,
    VendorServer,
    json_answer,
    text_answer,
)
from connectors.simulators.signatures import c2_signature, read_c2
from connectors.simulators.truth import Growth

STATISTICS_PATH = "/rest/isales/v2/openapi/campaigns/{vdn}/statistics"
MISSED_CALLS_PATH = "/rest/cmsapp/v1/callin/queryMissedCalls"
TOO_OFTEN = "请勿频繁操作,请稍后再试。"
_LARGEST_PAGE = 5000
_LARGEST_ISALES_VDN = 9999
_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class HuaweiSettings:
    """What differs between scenarios.

    Attributes:
        interval: one run of the statistics in each.
        tell_retry_after: send Retry-After with a 429; the document does not say so.
        bad_logins: after so many in a row the address is locked, and gets 403.
        blank_query_line: sign with a blank query line, as third-party ports do.
        keeps: how long a missed call can be queried.
    """

    interval: timedelta = timedelta(seconds=300)
    tell_retry_after: bool = False
    bad_logins: int = 5
    blank_query_line: bool = False
    keeps: timedelta = timedelta(days=1)


class _BadParameterError(Exception):
    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


class HuaweiServer(VendorServer):
    """Huawei's server for one vdn.

    Attributes:
        access_key, secret_key, vdn: its credentials; assign to `secret_key` to rotate it.
        locked: whether our address is locked; assign to lock or unlock it.
    """

    def __init__(self, world: World, clock: Clock, settings: HuaweiSettings | None = None) -> None:
        super().__init__(world, clock)
        self.settings = settings or HuaweiSettings()
        self.access_key = "callstreams-ak"
        self.secret_key = hashlib.sha256(f"huawei/{world.scenario.seed}".encode()).hexdigest()[:32]
        self.vdn = 159
        self.locked = False
        self._bad_logins = 0
        self._ran_at: datetime | None = None
        self._first: dict[tuple[str, str], Row] = {}
        self._latest: dict[tuple[str, str], Row] = {}

    def routes(self) -> Mapping[tuple[str, str], Handler]:
        """Give the handlers by method and path."""
        return {
            ("GET", STATISTICS_PATH): self._statistics,
            ("POST", MISSED_CALLS_PATH): self._missed_calls,
        }

    def missed(self, now: datetime) -> list[Call]:
        """Give the missed calls that have ended, in the order of their start."""
        at = now.timestamp()
        return [
            call
            for call in self.world.inbound
            if call.outcome is Outcome.UNANSWERED and call.has_ended(at)
        ]

    def growth(
        self, now: datetime
    ) -> tuple[dict[tuple[str, str], Growth], dict[tuple[str, str], Growth]]:
        """Give the total* and the daily* counters that were served, as first served and now."""
        rows = {row.key: row for row in self._rows(now)}
        total, daily = {}, {}
        for key, first in self._first.items():
            latest, row = self._latest[key], rows[key]
            total[key] = Growth(first.total, latest.total, row.total)
            daily[key] = Growth(first.daily, latest.daily, row.daily)
        return total, daily

    def _rows(self, now: datetime) -> list[Row]:
        scenario = self.world.scenario
        return [
            row
            for campaign in scenario.campaigns
            for row in count_rows(
                campaign, self.world.dialled[campaign.campaign_id], now, scenario.zone
            )
        ]

    def _deny(self, exchange: Exchange) -> Answer | None:
        """Check the C2 header; the answer that refuses, or None."""
        if self.locked:
            return text_answer("the address is locked", HTTPStatus.FORBIDDEN)
        request = exchange.request
        header = read_c2(request.headers.get("Authorization", ""))
        if header is not None and header.access_key == self.access_key and "host" in header.names:
            expected = c2_signature(
                header,
                self.secret_key,
                method=request.method,
                target=request.raw_path,
                headers={name.lower(): value for name, value in request.headers.items()},
                body=exchange.body,
                blank_query_line=self.settings.blank_query_line,
            )
            if hmac.compare_digest(expected.encode(), header.signature.encode()):
                self._bad_logins = 0
                return None
        self._bad_logins += 1
        self.locked = self._bad_logins >= self.settings.bad_logins
        return text_answer("unauthorized", HTTPStatus.UNAUTHORIZED)

    def _statistics(self, exchange: Exchange) -> Answer:
        denied = self._deny(exchange) or self._too_often(exchange.now)
        if denied is not None:
            return denied
        try:
            if isinstance(exchange.fault, VendorError):
                raise _BadParameterError(exchange.fault.code, exchange.fault.message)
            campaign, batch = self._filters(exchange)
        except _BadParameterError as error:
            return json_answer({"resultCode": error.code, "resultDesc": str(error)})
        self._ran_at = exchange.now
        rows = self._rows(exchange.now)
        own = [row for row in rows if not row.batch and campaign in ("", row.campaign)]
        details: list[JsonValue] = []
        for row in own:
            batches = [
                one
                for one in rows
                if one.campaign == row.campaign and one.batch and batch in ("", one.batch)
            ]
            parts: list[JsonValue] = [one.to_json() for one in batches]
            details.append({**row.to_json(), "batchDetail": parts})
            exchange.when_served.append(partial(self._note, (row, *batches)))
        return json_answer({"countDetail": details})

    def _note(self, rows: tuple[Row, ...]) -> None:
        for row in rows:
            if not row.bare:
                self._first.setdefault(row.key, row)
                self._latest[row.key] = row

    def _too_often(self, now: datetime) -> Answer | None:
        if self._ran_at is None or now - self._ran_at >= self.settings.interval:
            return None
        left = self.settings.interval - (now - self._ran_at)
        headers = (
            {"Retry-After": str(int(left.total_seconds()) + 1)}
            if self.settings.tell_retry_after
            else {}
        )
        return text_answer(TOO_OFTEN, HTTPStatus.TOO_MANY_REQUESTS, headers)

    def _filters(self, exchange: Exchange) -> tuple[str, str]:
        vdn, query = exchange.request.match_info["vdn"], exchange.request.query
        if not vdn.isdigit():
            raise _BadParameterError("02000006", "vdnId: 参数值类型不正确")
        if not 1 <= int(vdn) <= _LARGEST_ISALES_VDN:
            raise _BadParameterError("02000007", "vdnId: 参数值大小不正确")
        if int(vdn) != self.vdn:
            raise _BadParameterError("0200001", "参数异常: vdnId")
        campaign, batch = query.get("campaignId", ""), query.get("batchId", "")
        if batch and not campaign:
            raise _BadParameterError("02000009", "参数组合不正确,请检查请求参数")
        if campaign and not re.fullmatch(r"\w+", campaign):
            raise _BadParameterError("02000002", "campaignId: 参数包含非法字符")
        return campaign, batch

    def _missed_calls(self, exchange: Exchange) -> Answer:
        denied = self._deny(exchange)
        if denied is not None:
            return denied
        try:
            if isinstance(exchange.fault, VendorError):
                raise _BadParameterError(exchange.fault.code, exchange.fault.message)
            body = exchange.json_object()
            offset, limit = self._page(body)
            begin, end = _moment(body, "beginTime"), _moment(body, "endTime")
        except _BadParameterError as error:
            return json_answer({"returnCode": error.code, "returnDesc": str(error)})
        except ValueError:
            return json_answer({"returnCode": "1", "returnDesc": "the body is not JSON"})
        oldest = exchange.now - self.settings.keeps
        since = oldest if begin is None else max(begin, oldest)
        until = exchange.now if end is None else end
        calls = [
            call
            for call in self.missed(exchange.now)
            if int(since.timestamp()) <= int(call.started) <= int(until.timestamp())
        ]
        calls.reverse()  # the newest first, as in the sample: pages shift while they are read
        if isinstance(exchange.fault, ChangingPage):
            calls = calls[exchange.fault.rows :]
        rows: list[JsonValue] = [self._missed_row(call) for call in calls[offset : offset + limit]]
        return json_answer(
            {
                "returnCode": "0",
                "total": len(calls),
                "missedCalls": rows,
                "returnDesc": "query success",
            }
        )

    def _page(self, body: Mapping[str, JsonValue]) -> tuple[int, int]:
        if body.get("vdn") != self.vdn:
            raise _BadParameterError("1", "vdn is unknown")
        offset, limit = body.get("offset"), body.get("limit")
        if not isinstance(limit, int) or not 1 <= limit <= _LARGEST_PAGE:
            raise _BadParameterError("1", f"limit must be 1 to {_LARGEST_PAGE}")
        if not isinstance(offset, int) or offset < 0 or offset % limit:
            raise _BadParameterError("1", "offset must be limit*(page-1)")
        return offset, limit

    def _missed_row(self, call: Call) -> JsonValue:
        queue = next(q for q in self.world.scenario.queues if q.number == call.number)
        row: dict[str, JsonValue] = {
            "callId": call.call_id,
            "callerNo": call.customer,
            "calleeNo": call.number,
            "waitBegin": _utc(int(call.started)),
            "callEnd": _utc(call.ended),
            "mediaType": queue.media_type,
        }
        if queue.sub_media_type is not None:
            row["subMediaType"] = queue.sub_media_type
        return row


def _utc(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime(_TIME_FORMAT)


def _moment(body: Mapping[str, JsonValue], name: str) -> datetime | None:
    text = body.get(name)
    if text is None:
        return None
    try:
        return datetime.strptime(str(text), _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise _BadParameterError("1", f"{name} is not yyyy-MM-dd HH:mm:ss") from None
