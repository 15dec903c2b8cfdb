"""An account at icsoc, and its feed `cdr`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from connectors.accounts import AccountSettings
from connectors.budget import Budget, Shared, Spaced, Unlimited
from connectors.http import Http
from connectors.source import Cursor, History, Poll, Source, Span
from connectors.vendors.icsoc.auth import OAuth, Tokens
from connectors.vendors.icsoc.client import Client, Filters
from connectors.vendors.icsoc.jsontext import Value
from connectors.vendors.icsoc.payloads import call_id_of
from connectors.vendors.icsoc.push import PushReceiver, PushSettings
from connectors.vendors.icsoc.windows import Progress, first_start, plan
from connectors.vendors.reading import hours
from schemas.base import Vendor
from schemas.envelope import RawRecord
from schemas.errors import FatalError

_SECOND = timedelta(seconds=1)

Positive = Annotated[timedelta, Field(gt=timedelta(0))]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class IcsocAccount(AccountSettings):
    """One account at icsoc: searched where `oauth` is given, pushed to us where `push` is.

    Attributes:
        base_url: scheme and host of the search; no path.
        per_page: records a page.
        interval: between two polls.
        lookback: how long a call may still change after its start. Pushes are retried for
            3 h 4 min.
        overlap: how far back every poll reads.
        reconcile_every: between two readings of the whole lookback: so soon is found what the
            push gave up on.
        push_grace: so long after a search has found a call, its push may still come; the calls
            whose push did not are counted as `found_by_search`.
        initial_span: where the first poll begins, counted back from now; by default at the last
            midnight of the account's zone.
        request_gap: the least time between two requests.
        pages_per_poll: a longer reading goes on in the next poll, at once.
    """

    vendor: Literal["icsoc"] = "icsoc"
    base_url: str = "https://autocall.icsoc.net"
    oauth: OAuth | None = None
    push: PushSettings | None = None
    per_page: int = Field(default=100, ge=1)
    interval: Positive = timedelta(seconds=10)
    lookback: Positive = timedelta(hours=3, minutes=30)
    overlap: Positive = timedelta(minutes=10)
    reconcile_every: Positive = timedelta(minutes=5)
    push_grace: Positive = timedelta(hours=3, minutes=10)
    initial_span: Positive | None = None
    request_gap: Positive = timedelta(seconds=1)
    pages_per_poll: int = Field(default=50, ge=1)

    @field_validator("base_url")
    @classmethod
    def _no_path(cls, value: str) -> str:
        scheme, mark, rest = value.rstrip("/").partition("://")
        if scheme not in ("http", "https") or not mark or not rest or "/" in rest:
            raise ValueError("base_url must be http(s)://host[:port] without a path")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.oauth is None and self.push is None:
            raise ValueError(
                f"account {self.name} gives no calls: set oauth (to search), push, or both"
            )
        return self

    @cached_property
    def budget(self) -> Spaced:
        """Give the one budget of the account's searches."""
        return Spaced(self.request_gap / (1 - self.backfill_share))

    @property
    def quota(self) -> Spaced:
        """Give the budget of its requests."""
        return self.budget

    @cached_property
    def spare_budget(self) -> Shared:
        """Give what live polling leaves to backfills and other commands."""
        return self.shared(self.request_gap / self.backfill_share)

    def sources(self) -> Sequence[Source]:
        """Make the feed `cdr`; none for an account that is pushed alone."""
        self.budget.spend()
        return self._feeds(self.budget)

    def histories(self) -> Sequence[History]:
        """Make the same for past calls; how long icsoc keeps them is not documented."""
        return self._feeds(self.spare_budget)

    def _feeds(self, budget: Budget) -> Sequence[CdrSource]:
        return () if self.oauth is None else (CdrSource(self, self.oauth, budget),)

    def receiver(self) -> PushReceiver | None:
        """Make what the ingress asks about pushes; None where none are taken."""
        if self.push is None:
            return None
        return PushReceiver(account=self.name, timezone=self.timezone, settings=self.push)


class CdrSource:
    """The feed `cdr`: calls by the time of their start, in progress and ended.

    Args:
        settings: the account.
        oauth: how it logs in.
        budget: for the searches.
        clock: tells when a token ends.
    """

    vendor = Vendor.ICSOC
    feed = "cdr"

    def __init__(
        self,
        settings: IcsocAccount,
        oauth: OAuth,
        budget: Budget | None = None,
        *,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.account = settings.name
        self.interval = settings.interval
        # A sweep begins `lookback` before the end of the one before it.
        self.lookback = settings.lookback + settings.reconcile_every
        self._settings = settings
        self.push_grace = settings.push_grace if settings.push is not None else None
        timeout = settings.request_timeout
        self._login = Http(oauth.base_url, budget=Unlimited(), timeout=timeout)
        self._search = Http(settings.base_url, budget=budget or settings.budget, timeout=timeout)
        tokens = Tokens(oauth, self._login, settings.state_directory, clock)
        self._client = Client(self._search, tokens)

    async def poll(self, cursor: Cursor | None, now: datetime) -> Poll:
        """Read a chunk of the sweep, where one is due, and the recent span.

        Raises:
            RetryableError: the vendor did not answer, or said no.
            FatalError: the credentials or the request were refused, or the cursor is damaged.
        """
        settings = self._settings
        progress = plan(
            _progress(cursor),
            now,
            first=first_start(now, settings.zone, settings.initial_span),
            lookback=settings.lookback,
            every=settings.reconcile_every,
        )
        records: list[RawRecord] = []
        sweep = progress.sweep
        if sweep is not None:
            swept, after = await self._read(sweep.since, sweep.until, now, sweep.after)
            records += swept
            progress = progress.advanced(after)
        second = now.replace(microsecond=0)
        if progress.sweep is not None or progress.swept != second:
            recent, _ = await self._read(second - settings.overlap, second, now)
            records += recent
        return Poll(
            records,
            progress.model_dump(mode="json", exclude_none=True),
            more=progress.sweep is not None,
        )

    def reach(self, cursor: Cursor | None, now: datetime) -> datetime:
        """Tell from where a poll, now or later, would read."""
        settings, progress = self._settings, _progress(cursor)
        moments = [now.replace(microsecond=0) - settings.overlap]
        if progress.sweep is not None:
            moments.append(progress.sweep.since)
        if progress.swept is not None:
            moments.append(progress.swept - settings.lookback)
        if progress == Progress():
            moments.append(first_start(now, settings.zone, settings.initial_span))
        return min(moments)

    def spans(self, since: datetime, until: datetime) -> Sequence[Span]:
        """Cut into hours."""
        return hours(since, until)

    async def read(self, since: datetime, until: datetime, now: datetime) -> Sequence[RawRecord]:
        """Read the calls that started in one span.

        Raises:
            RetryableError: no answer, or not with success.
            FatalError: the credentials or the request were refused.
        """
        records: list[RawRecord] = []
        after = None
        while True:  # both ends of a query belong to it, to the second
            read, after = await self._read(since, until - _SECOND, now, after)
            records += read
            if after is None:
                return records

    async def close(self) -> None:
        """Give back the connections."""
        await self._search.close()
        await self._login.close()

    async def _read(
        self, since: datetime, until: datetime, now: datetime, after: str | None = None
    ) -> tuple[list[RawRecord], str | None]:
        """Read the calls that started in a span, and where the reading stopped, if it did."""
        settings = self._settings
        filters = Filters(since=since, until=until, per_page=settings.per_page)
        records: list[RawRecord] = []
        pages = self._client.pages(filters, search_after=after, max_pages=settings.pages_per_poll)
        async for page in pages:
            records += [_record(result, settings, now) for result in page.results]
            after = page.search_after
        return records, after


def _progress(cursor: Cursor | None) -> Progress:
    try:
        return Progress.model_validate(dict(cursor or {}))
    except ValidationError as error:
        raise FatalError(
            f"the cursor of the feed cdr is damaged ({error.error_count()} faults): delete it "
            "and the feed begins anew"
        ) from error


def _record(result: Value, settings: IcsocAccount, now: datetime) -> RawRecord:
    """Make the raw record: the result's own text, cut out of its page."""
    data = result.text.encode()
    return RawRecord(
        vendor=Vendor.ICSOC,
        account=settings.name,
        feed=CdrSource.feed,
        # A result without an id goes on, so that it becomes a dead letter with its bytes.
        subject=call_id_of(result.value) or f"unnamed-{hashlib.sha256(data).hexdigest()[:16]}",
        data=data,
        observed_at=now,
        extensions={"form": "search", "timezone": settings.timezone},
    )
