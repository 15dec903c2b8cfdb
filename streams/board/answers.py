"""What the API answers: these structs are encoded, and the OpenAPI document is made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from streams.board.alerts import Transition
from streams.board.reasons import ReasonCode
from streams.board.records import Alert, Call, Campaign, Rate, Window
from streams.board.silences import SilenceState
from streams.board.sources import SourceHealth

Total = Annotated[int, Meta(ge=0, description="how many there are on all pages")]


class AlertNow(Alert, frozen=True, kw_only=True, omit_defaults=True):
    """An alert, and the silences that hold it back now."""

    silenced_by: Annotated[tuple[str, ...], Meta(description="ids of silences")] = ()


class Problem(msgspec.Struct, frozen=True):
    """What was wrong with a request, and the mend."""

    error: str


class Health(msgspec.Struct, frozen=True):
    """How the board is. `ready`: it has read its topics to where they ended when it began."""

    status: str
    ready: bool
    unread: Annotated[int, Meta(description="messages that could not be read since the start")]


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one scope over one window; what is null was not reported."""

    scope: Annotated[str, Meta(examples=["calls:icsoc/main/display_number/075512345678"])]
    basis: str
    vendor: str
    account: str | None
    kind: str
    value: str | None
    name: Annotated[str | None, Meta(description="what the vendor calls the campaign")]
    window: Window
    attempts: int | None
    answered: int | None
    connected: int | None
    abandoned: int | None
    missed: int | None
    talk_seconds: int | None
    wait_seconds: int | None
    answer_rate: Rate | None
    connect_rate: Rate | None
    abandon_rate: Rate | None
    average_talk_seconds: float | None
    average_wait_seconds: float | None
    last_event_at: datetime | None
    watermark: datetime
    revision: int
    final: bool
    stale: Annotated[
        bool, Meta(description="the scope counts calls and should have been heard of since")
    ]


class Metrics(msgspec.Struct, frozen=True):
    """One page of metrics."""

    items: list[Metric]
    total: Total
    offset: int
    limit: int
    window: str
    windows: Annotated[list[str], Meta(description="the windows that can be asked for")]


class HistoryPoint(msgspec.Struct, frozen=True):
    """What a window held when it ended at `end`."""

    end: datetime
    value: Annotated[float | None, Meta(description="the answer rate, 0..1")]
    low: float | None
    high: float | None
    attempts: int | None
    missed: int | None


class Histories(msgspec.Struct, frozen=True):
    """The course of some scopes, as far as this process remembers it; the oldest point first."""

    window: str
    step_seconds: int
    items: dict[str, list[HistoryPoint]]


class ScopeAnswer(msgspec.Struct, frozen=True):
    """One scope: all its windows, its alerts, its course and its newest calls."""

    scope: str
    name: str | None
    metrics: list[Metric]
    alerts: list[AlertNow]
    history: Histories
    calls: Annotated[
        list[Call],
        Meta(description="the newest first; customers' numbers masked unless the token may unmask"),
    ]
    masked: bool


class Alerts(msgspec.Struct, frozen=True):
    """Alerts, the newest transition first."""

    items: list[AlertNow]
    total: Total


class AlertStory(msgspec.Struct, frozen=True):
    """One alert, how it came about, and the course of its scope."""

    alert: AlertNow
    transitions: list[Transition]
    history: Histories


class Campaigns(msgspec.Struct, frozen=True):
    """What the vendors say about their campaigns and tasks."""

    items: list[Campaign]
    total: Total


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """How one source of records fares."""

    name: Annotated[str, Meta(examples=["icsoc/main/cdr"])]
    vendor: str
    account: str
    feed: Annotated[str | None, Meta(description="null: the account's sources could not be set up")]
    health: Annotated[
        SourceHealth, Meta(description="silent: no process has told of it for long, see `at`")
    ]
    state: Annotated[
        str, Meta(description="as it was told: starting, polling, ok, degraded, stopped")
    ]
    reason: str | None
    reason_code: ReasonCode | None
    counts: Annotated[list[str], Meta(description="what it feeds: calls, tallies, or names alone")]
    last_success_at: datetime | None
    last_records: int
    records_published: int
    polls: int
    found_by_search: Annotated[
        int, Meta(description="records that the vendor's pushes should have brought and did not")
    ]
    at: Annotated[datetime, Meta(description="when it was told")]


class Sources(msgspec.Struct, frozen=True):
    """The sources' health."""

    items: list[Source]
    total: Total


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """What is not told for a while; all matchers must match an alert's labels."""

    id: str
    state: SilenceState
    matchers: Annotated[list[str], Meta(examples=[['vendor="icsoc"']])]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime


class Silences(msgspec.Struct, frozen=True):
    """Silences, those that end last first."""

    items: list[Silence]
    total: Total
