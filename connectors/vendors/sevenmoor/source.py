"""A 7moor account: its settings, and the feeds that it is polled by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from connectors.accounts import AccountSettings
from connectors.budget import Budget, Shared, Spaced
from connectors.http import Http
from connectors.secrets import Secret
from connectors.source import Cursor, History, Poll, Source, Span
from connectors.vendors.reading import subject_of
from connectors.vendors.sevenmoor.auth import Credentials
from connectors.vendors.sevenmoor.client import SevenmoorClient
from schemas.base import Vendor
from schemas.envelope import RawRecord

_DAY = timedelta(days=1)
_MOST_DAYS = 7
"""How many days a poll reads at most after a long stop."""

_Pause = Annotated[timedelta, Field(gt=timedelta(0))]


class SevenmoorAccount(AccountSettings):
    """One account at 7moor.

    Attributes:
        appkey, secret: what 7moor gave the account.
        numbers: the display numbers (外显号码) to report on; without any the report is not read.
        numbers_per_query: how many of them one query may name.
        report_interval, tasks_interval: the pauses between two readings.
        settle_after: how long after the end of a day that day is still read again: a call
            counts where it started, and is answered later.
        request_gap: the least time between two requests of the account. 7moor allows 20 a
            minute; a little more than 3 s, since the network may bring two nearer together.
    """

    vendor: Literal["7moor"] = "7moor"
    base_url: str = Field(default="http://v7openapi.7moor.com", pattern=r"^https?://[^/]+/?$")
    appkey: str = Field(min_length=1)
    secret: Secret
    numbers: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)
    numbers_per_query: int = Field(default=50, ge=1)
    report_interval: _Pause = timedelta(seconds=15)
    tasks_interval: _Pause = timedelta(minutes=5)
    settle_after: timedelta = Field(default=timedelta(hours=2), ge=timedelta(0), lt=_DAY)
    request_gap: _Pause = timedelta(seconds=3.1)

    @cached_property
    def budget(self) -> Spaced:
        """Give the one budget of the account, which all its sources draw on."""
        return Spaced(self.request_gap / (1 - self.backfill_share))

    @property
    def quota(self) -> Spaced:
        """Give the budget of its requests."""
        return self.budget

    @cached_property
    def spare_budget(self) -> Shared:
        """Give what the sources leave to backfills and other commands."""
        return self.shared(self.request_gap / self.backfill_share)

    def client(self, budget: Budget | None = None) -> SevenmoorClient:
        """Make a client with connections of its own, by default on the account's budget."""
        return self.client_of(
            Http(self.base_url, budget=budget or self.budget, timeout=self.request_timeout)
        )

    def client_of(self, http: Http) -> SevenmoorClient:
        """Make a client of these connections."""
        return SevenmoorClient(
            http,
            Credentials(self.appkey, self.secret.get_secret_value()),
            zone=self.zone,
            numbers_per_query=self.numbers_per_query,
            clock=http.now,
        )

    def sources(self) -> Sequence[Source]:
        """Make the sources; each can be closed alone, and all share the account's budget."""
        self.budget.spend()
        sources: list[Source] = [
            DialoutTaskSource(
                self.client(), account=self.name, zone=self.zone, interval=self.tasks_interval
            )
        ]
        if self.numbers:
            sources.insert(0, self._report(self.client()))
        return sources

    def histories(self) -> Sequence[History]:
        """Make the source of past days' reports."""
        return [self._report(self.client(self.spare_budget))] if self.numbers else []

    def _report(self, client: SevenmoorClient) -> AnswerReportSource:
        return AnswerReportSource(
            client,
            account=self.name,
            zone=self.zone,
            numbers=self.numbers,
            interval=self.report_interval,
            settle_after=self.settle_after,
        )


class AnswerReportSource:
    """Reads how many calls each display number made and had answered, day by day.

    The cursor is the first day that has not settled yet.
    """

    vendor: Vendor = Vendor.SEVENMOOR
    feed: str = "answer-report"
    rationed: bool = True

    def __init__(
        self,
        client: SevenmoorClient,
        *,
        account: str,
        zone: ZoneInfo,
        numbers: Sequence[str],
        interval: timedelta,
        settle_after: timedelta,
    ) -> None:
        self.account = account
        self.interval = interval
        self.lookback = _DAY + settle_after
        self._client = client
        self._zone = zone
        self._numbers = numbers
        self._settle_after = settle_after

    async def poll(self, cursor: Cursor | None, now: datetime) -> Poll:
        """Read today up to `now`, and again each earlier day that had not settled."""
        today = now.astimezone(self._zone).date()
        records = [
            record
            for day in _days(self._first(cursor, now), today)
            for record in await self._read_day(day, now)
        ]
        return Poll(records, {"unsettled": self._unsettled(now).isoformat()})

    def reach(self, cursor: Cursor | None, now: datetime) -> datetime:
        """Tell the start of the first day that a poll would read."""
        return _midnight(self._first(cursor, now), self._zone)

    def spans(self, since: datetime, until: datetime) -> Sequence[Span]:
        """Cut into whole days of the account's zone: a part of a day is no record of ours."""
        first, last = (moment.astimezone(self._zone).date() for moment in (since, until))
        return [
            (_midnight(day, self._zone), _midnight(day + _DAY, self._zone))
            for day in _days(first, last)
            if _midnight(day + _DAY, self._zone) <= until
        ]

    async def read(self, since: datetime, until: datetime, now: datetime) -> Sequence[RawRecord]:
        """Read one day of `spans`."""
        return await self._read_day(since.astimezone(self._zone).date(), now)

    def _unsettled(self, now: datetime) -> date:
        return (now - self._settle_after).astimezone(self._zone).date()

    def _first(self, cursor: Cursor | None, now: datetime) -> date:
        first = self._unsettled(now)
        if cursor is not None:
            first = min(first, date.fromisoformat(str(cursor["unsettled"])))
        today = now.astimezone(self._zone).date()
        return max(first, today - timedelta(days=_MOST_DAYS - 1))

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.close()

    async def _read_day(self, day: date, now: datetime) -> list[RawRecord]:
        start = _midnight(day, self._zone)
        end = min(now, _midnight(day + _DAY, self._zone))
        return [
            RawRecord(
                vendor=self.vendor,
                account=self.account,
                feed=self.feed,
                # With the date, so that two days that are read in turn are not taken for
                # one record that keeps changing.
                subject=f"{subject_of(row, 'number')}@{day.isoformat()}",
                data=row,
                observed_at=now,
                extensions={"periodstart": start.isoformat(), "timezone": self._zone.key},
            )
            async for page in self._client.report_pages(start, end, self._numbers)
            for row in page
        ]


class DialoutTaskSource:
    """Reads the dial-out tasks: their names and sizes."""

    vendor: Vendor = Vendor.SEVENMOOR
    feed: str = "dialout-task"
    rationed: bool = True
    lookback: timedelta = _DAY

    def __init__(
        self, client: SevenmoorClient, *, account: str, zone: ZoneInfo, interval: timedelta
    ) -> None:
        self.account = account
        self.interval = interval
        self._client = client
        self._zone = zone

    async def poll(self, cursor: Cursor | None, now: datetime) -> Poll:
        """Read all tasks: the interface knows no changes since."""
        rows = await self._client.task_rows()
        return Poll(
            [
                RawRecord(
                    vendor=self.vendor,
                    account=self.account,
                    feed=self.feed,
                    subject=subject_of(row, "taskId"),
                    data=row,
                    observed_at=now,
                    extensions={"timezone": self._zone.key},
                )
                for row in rows
            ],
            cursor or {},
        )

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.close()


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=step) for step in range((last - first).days + 1))
