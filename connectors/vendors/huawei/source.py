"""A Huawei AICC account: its settings, and the feeds that it is polled by."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from connectors.accounts import AccountSettings
from connectors.budget import Budget, Spaced, Unlimited
from connectors.http import Http, RetryPolicy
from connectors.secrets import Secret
from connectors.source import Cursor, History, Poll, Source, Span
from connectors.vendors.huawei.auth import Credentials, Scheme
from connectors.vendors.huawei.client import (
    STATISTICS_PAUSE,
    CmsClient,
    IsalesClient,
    Signer,
)
from connectors.vendors.huawei.payloads import MOST_MISSED
from connectors.vendors.reading import hours, subject_of
from schemas.base import Vendor
from schemas.envelope import RawRecord
from schemas.errors import ConfigError, RetryableError

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_MOST_CMS_VDN = 5000

_Pause = Annotated[timedelta, Field(gt=timedelta(0))]
_Address = Annotated[str, Field(pattern=r"^https?://[^/]+/?$")]


class HuaweiAccount(AccountSettings):
    """One VDN at Huawei AICC.

    Attributes:
        isales_url: CC-iSales, `https://ip:port`; without it no campaign statistics are read.
        cms_url: CC-CMS, the same; without it no missed calls are read.
        vdn: the virtual call centre: 1 to 9999, and to 5000 where missed calls are read.
        access_key, secret_key: what Huawei gave for C2 authentication.
        signed_headers, timestamp_millis, blank_query_line: where implementations of the C2
            signature differ; the defaults are those of Huawei's demo code.
        ca_file: the certificate authority of a server with a private certificate.
        verify: False trusts any certificate, and so whoever answers: for a laboratory.
        locale: the language of CC-iSales' messages.
        statistics_interval: the pause between two readings. Huawei answers once in 5 minutes;
            a little more, since the network may bring two requests nearer together.
        missed_interval: the pause between two readings of missed calls.
        missed_lookback: how far each reading overlaps the one before, for calls that appear
            late.
        missed_page_size: how many to ask for at once, up to 5000.
        missed_zone: the zone of waitBegin and callEnd, which no document names.
    """

    vendor: Literal["huawei"] = "huawei"
    isales_url: _Address | None = None
    cms_url: _Address | None = None
    vdn: int = Field(ge=1, le=9999)
    access_key: str = Field(min_length=1)
    secret_key: Secret
    signed_headers: Annotated[
        tuple[Literal["host", "content-type", "content-length"], ...], Field(min_length=1)
    ] = ("host",)
    timestamp_millis: bool = False
    blank_query_line: bool = False
    ca_file: str | None = None
    verify: bool = True
    locale: str = "zh_CN"
    statistics_interval: _Pause = STATISTICS_PAUSE + timedelta(seconds=2)
    missed_interval: _Pause = timedelta(seconds=15)
    missed_lookback: timedelta = Field(default=timedelta(minutes=10), ge=timedelta(0))
    missed_page_size: int = Field(default=1000, ge=1, le=MOST_MISSED)
    missed_zone: str = "UTC"

    @field_validator("missed_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return cls._known(value)

    @model_validator(mode="after")
    def _addressed(self) -> Self:
        if self.isales_url is None and self.cms_url is None:
            raise ValueError("there is nothing to read: set isales_url, cms_url or both")
        if self.cms_url is not None and self.vdn > _MOST_CMS_VDN:
            raise ValueError(
                f"CC-CMS knows vdn 1 to {_MOST_CMS_VDN}: leave out cms_url, or correct vdn"
            )
        if self.ca_file is not None and not self.verify:
            raise ValueError("ca_file is of no use with verify: false; leave one of them out")
        return self

    @cached_property
    def statistics_budget(self) -> Spaced:
        """Give the one budget of the campaign statistics."""
        return Spaced(self.statistics_interval)

    @property
    def quota(self) -> Spaced:
        """Give the budget of the campaign statistics: what else it asks has no stated limit."""
        return self.statistics_budget

    def isales(self, base_url: str) -> IsalesClient:
        """Make a client of CC-iSales on the account's budget."""
        return self.isales_of(self.http(base_url, self.statistics_budget))

    def isales_of(self, http: Http) -> IsalesClient:
        """Make a client of CC-iSales of these connections."""
        return IsalesClient(http, self._signer(http), vdn=self.vdn, locale=self.locale)

    def cms(self, base_url: str) -> CmsClient:
        """Make a client of CC-CMS."""
        return self.cms_of(self.http(base_url, Unlimited()))

    def cms_of(self, http: Http) -> CmsClient:
        """Make a client of CC-CMS of these connections."""
        return CmsClient(http, self._signer(http), vdn=self.vdn, page_size=self.missed_page_size)

    def sources(self) -> Sequence[Source]:
        """Make the sources that have an address.

        Raises:
            ConfigError: the certificate file cannot be read.
        """
        sources: list[Source] = []
        if self.isales_url is not None:
            sources.append(
                CampaignStatisticsSource(
                    self.isales(self.isales_url),
                    account=self.name,
                    vdn=self.vdn,
                    interval=self.statistics_interval,
                )
            )
        if self.cms_url is not None:
            sources.append(self._missed(self.cms_url))
        return sources

    def histories(self) -> Sequence[History]:
        """Make the source of earlier missed calls; how long Huawei keeps them is not documented."""
        return [] if self.cms_url is None else [self._missed(self.cms_url)]

    def _missed(self, base_url: str) -> MissedCallSource:
        return MissedCallSource(
            self.cms(base_url),
            account=self.name,
            vdn=self.vdn,
            zone=self.zone,
            missed_zone=self.missed_zone,
            interval=self.missed_interval,
            lookback=self.missed_lookback,
        )

    def http(self, base_url: str, budget: Budget, retry: RetryPolicy | None = None) -> Http:
        """Open connections to one of the two services."""
        return Http(
            base_url,
            budget=budget,
            timeout=self.request_timeout,
            retry=retry,
            verify=self._verification(),
        )

    def _signer(self, http: Http) -> Signer:
        return Signer(
            Credentials(self.access_key, self.secret_key.get_secret_value()),
            Scheme(self.signed_headers, self.timestamp_millis, self.blank_query_line),
            clock=http.now,
        )

    def _verification(self) -> bool | ssl.SSLContext:
        if self.ca_file is None:
            return self.verify
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # an ssl.SSLError is one too
            raise ConfigError(
                f"ca_file {self.ca_file} of account {self.name} holds no certificate that can "
                f"be read ({error.strerror or error}): give the path of a PEM file"
            ) from error


class CampaignStatisticsSource:
    """Reads how many calls each campaign made and had answered today."""

    vendor: Vendor = Vendor.HUAWEI
    feed: str = "campaign-statistics"
    lookback: timedelta = _DAY
    announced: bool = True

    def __init__(
        self, client: IsalesClient, *, account: str, vdn: int, interval: timedelta
    ) -> None:
        self.account = account
        self.interval = interval
        self._client = client
        self._vdn = vdn

    async def poll(self, cursor: Cursor | None, now: datetime) -> Poll:
        """Read all campaigns: the interface knows no changes since."""
        rows = await self._client.statistics_rows()
        return Poll(
            [
                RawRecord(
                    vendor=self.vendor,
                    account=self.account,
                    feed=self.feed,
                    subject=subject_of(row, "campaignId"),
                    data=row,
                    observed_at=now,
                    extensions={"vdn": str(self._vdn)},
                )
                for row in rows
            ],
            cursor or {},
        )

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.close()


class MissedCallSource:
    """Reads the missed calls.

    The cursor is the end of the span that was read last.
    """

    vendor: Vendor = Vendor.HUAWEI
    feed: str = "missed-call"

    def __init__(
        self,
        client: CmsClient,
        *,
        account: str,
        vdn: int,
        zone: ZoneInfo,
        missed_zone: str,
        interval: timedelta,
        lookback: timedelta,
    ) -> None:
        self.account = account
        self.interval = interval
        self.lookback = lookback
        self._client = client
        self._vdn = vdn
        self._zone = zone
        self._missed_zone = missed_zone

    async def poll(self, cursor: Cursor | None, now: datetime) -> Poll:
        """Read from before the cursor, or from the start of the day, up to `now`."""
        begin = self.reach(cursor, now)
        found = await self._client.missed_calls(begin, now)
        until = now
        if found.served_at is not None and found.served_at < now:
            until = max(found.served_at, begin + self.lookback)  # our clock is ahead of theirs
        if not found.steady:
            until = begin + self.lookback  # the same span is read again
        return Poll(self._records(found.calls, now), {"until": until.isoformat()})

    def reach(self, cursor: Cursor | None, now: datetime) -> datetime:
        """Tell from where a poll would read."""
        return self._first(now) if cursor is None else self._again(cursor, now)

    def spans(self, since: datetime, until: datetime) -> Sequence[Span]:
        """Cut into hours."""
        return hours(since, until)

    async def read(self, since: datetime, until: datetime, now: datetime) -> Sequence[RawRecord]:
        """Read one span.

        Raises:
            RetryableError: no answer, or the list would not keep still.
        """
        # Both ends of a query belong to it, to the second.
        found = await self._client.missed_calls(since, until - _SECOND)
        if not found.steady:
            raise RetryableError("the missed calls of a past hour kept changing while being read")
        return self._records(found.calls, now)

    def _records(self, calls: Sequence[bytes], now: datetime) -> list[RawRecord]:
        return [
            RawRecord(
                vendor=self.vendor,
                account=self.account,
                feed=self.feed,
                subject=subject_of(call, "callId"),
                data=call,
                observed_at=now,
                extensions={"vdn": str(self._vdn), "zone": self._missed_zone},
            )
            for call in calls
        ]

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.close()

    def _first(self, now: datetime) -> datetime:
        midnight = datetime.combine(now.astimezone(self._zone).date(), time.min, self._zone)
        return max(midnight, now - _DAY)

    def _again(self, cursor: Cursor, now: datetime) -> datetime:
        return min(datetime.fromisoformat(str(cursor["until"])), now) - self.lookback
