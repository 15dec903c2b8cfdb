"""Huawei AICC's interfaces: campaign statistics (CC-iSales) and missed calls (CC-CMS)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.http import Answer, Http, RefusedError, Request, RetryPolicy, served_at
from connectors.vendors.huawei.auth import HUAWEIS_OWN, Credentials, Scheme, Unsigned, authorize
from connectors.vendors.huawei.payloads import (
    CampaignCounts,
    MissedCallQuery,
    MissedPage,
    QueryRefusedError,
    cut_missed,
    cut_statistics,
)
from connectors.vendors.reading import read, subject_of, write_time
from schemas.errors import ConfigError, RetryableError

STATISTICS_PAUSE = timedelta(minutes=5)
"""CC-iSales answers once in five minutes (五分钟执行一次)."""

STATISTICS_RETRY = RetryPolicy(attempts=1, wait_when_throttled=STATISTICS_PAUSE)
"""A failed query is left to the next turn: the flow control would refuse an earlier one."""

_MISSED = "/rest/cmsapp/v1/callin/queryMissedCalls"
_JSON = "application/json;charset=UTF-8"
_UTC = ZoneInfo("UTC")
_MOST_ROUNDS = 3
_CONFIRMED = 2  # the same answer so often is not one that came twice


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs each attempt anew.

    Attributes:
        clock: the time that is signed.
    """

    credentials: Credentials
    scheme: Scheme = HUAWEIS_OWN
    clock: Callable[[], datetime] = _now

    def request(
        self,
        method: str,
        path: str,
        *,
        host: str,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Request:
        """Make a request as it will be sent, signed at this moment."""
        headers = {"host": host, "content-type": _JSON, "content-length": str(len(body))}
        unsigned = Unsigned(method, path, headers, query or {}, body)
        signature = authorize(self.credentials, unsigned, now=self.clock(), scheme=self.scheme)
        return Request(method, unsigned.target, {**headers, "authorization": signature}, body)


class IsalesClient:
    """Reads the campaign statistics of one VDN.

    Args:
        http: a client of CC-iSales.
        signer: signs the requests.
        vdn: the virtual call centre, 1 to 9999.
        locale: the language of what CC-iSales says.
    """

    def __init__(self, http: Http, signer: Signer, *, vdn: int, locale: str = "zh_CN") -> None:
        self._http = http
        self._signer = signer
        self._path = f"/rest/isales/v2/openapi/campaigns/{vdn}/statistics"
        self._locale = locale

    async def statistics_rows(
        self, *, campaign: str | None = None, batch: str | None = None
    ) -> list[bytes]:
        """Read today's counts of all campaigns, or of one, or of one and a batch of it.

        Gives each campaign's JSON.

        Raises:
            ConfigError: a batch without its campaign.
            QueryRefusedError: a documented result code.
            RetryableError: no answer, or none that can be used; after 429 with how long to wait.
            DeniedError: CC-iSales refuses the account or the address.
        """
        if batch and not campaign:
            raise ConfigError("a batch is asked for without its campaign: give both")
        asked = {"campaignId": campaign, "batchId": batch}
        query = {name: value for name, value in asked.items() if value}

        def build() -> Request:
            signed = self._signer.request("GET", self._path, host=self._http.host, query=query)
            return Request(signed.method, signed.target, {**signed.headers, "locale": self._locale})

        try:
            answer = await self._http.call(build, check=_check_statistics, retry=STATISTICS_RETRY)
        except RefusedError as error:
            _explain(error)
            raise
        return cut_statistics(answer.body)

    async def statistics(
        self, *, campaign: str | None = None, batch: str | None = None
    ) -> list[CampaignCounts]:
        """Read the same as `statistics_rows`, as values.

        Raises:
            InvalidRecord: a campaign cannot be read.
        """
        rows = await self.statistics_rows(campaign=campaign, batch=batch)
        return [read(CampaignCounts, row) for row in rows]

    async def close(self) -> None:
        """Give back the connections."""
        await self._http.close()


@dataclass(frozen=True, slots=True)
class MissedCalls:
    """The missed calls of a span.

    Attributes:
        calls: each call once, as it came.
        steady: False where their number kept changing while the pages were read, so that one
            may have slipped from a page that was still to come to one that had been read.
        served_at: when they were read by Huawei's clock, where it said so.
    """

    calls: Sequence[bytes]
    steady: bool
    served_at: datetime | None = None


class CmsClient:
    """Reads the missed calls of one VDN.

    Args:
        http: a client of CC-CMS.
        signer: signs the requests.
        vdn: the virtual call centre, 1 to 5000.
        page_size: how many calls to ask for at once, up to 5000.
    """

    def __init__(self, http: Http, signer: Signer, *, vdn: int, page_size: int = 1000) -> None:
        self._http = http
        self._signer = signer
        self._vdn = vdn
        self._page_size = page_size

    async def missed_pages(self, begin: datetime, end: datetime) -> AsyncIterator[MissedPage]:
        """Read page after page until their total is reached, or a page is empty.

        Raises:
            RetryableError: no answer, or not with success.
            DeniedError: CC-CMS refuses the account or the address.
        """
        offset = 0
        while True:
            query = MissedCallQuery(
                vdn=self._vdn,
                offset=offset,
                limit=self._page_size,
                begin_time=write_time(begin, _UTC),
                end_time=write_time(end, _UTC),
            )
            page = await self._page(query)
            yield page
            offset += self._page_size
            if not page.calls or offset >= page.total:
                return

    async def missed_calls(self, begin: datetime, end: datetime) -> MissedCalls:
        """Read all missed calls of a span, each once, and again where they changed meanwhile.

        Raises:
            RetryableError: no answer, or not with success.
            DeniedError: CC-CMS refuses the account or the address.
        """
        calls: dict[str, bytes] = {}
        found: list[set[str]] = []
        served: datetime | None = None
        for _ in range(_MOST_ROUNDS):
            totals: set[int] = set()
            subjects: set[str] = set()
            async for page in self.missed_pages(begin, end):
                totals.add(page.total)
                served = served or page.served_at
                named = {subject_of(call, "callId"): call for call in page.calls}
                subjects |= named.keys()
                calls |= named
            found.append(subjects)
            # Fewer calls than their total: a page came twice, and another one not at all. Or it
            # is Huawei's way of counting, where the next round finds the very same.
            whole = len(subjects) >= max(totals) or found.count(subjects) >= _CONFIRMED
            if len(totals) == 1 and whole:
                return MissedCalls(list(calls.values()), steady=True, served_at=served)
        return MissedCalls(list(calls.values()), steady=False, served_at=served)

    async def close(self) -> None:
        """Give back the connections."""
        await self._http.close()

    async def _page(self, query: MissedCallQuery) -> MissedPage:
        body = query.to_body()

        def build() -> Request:
            return self._signer.request("POST", _MISSED, host=self._http.host, body=body)

        answer = await self._http.call(build, check=_check_missed)
        return cut_missed(answer.body)._replace(served_at=served_at(answer.headers))


def _check_statistics(answer: Answer) -> None:
    cut_statistics(answer.body)


def _check_missed(answer: Answer) -> None:
    cut_missed(answer.body)


def _explain(error: RefusedError) -> None:
    """Raise what a 4xx answer's result code says, where it carries one."""
    try:
        cut_statistics(error.body)
    except QueryRefusedError as refused:
        raise refused from error
    except RetryableError:
        return
