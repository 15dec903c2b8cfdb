"""What the API answers: these structs are encoded, and the OpenAPI document is made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from streams.board.alerts import Transition
from streams.board.records import Alert, Call, Campaign, Rate, Window

Total = Annotated[int, Meta(ge=0, description="how many there are on all pages")]


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
    alerts: list[Alert]
    history: Histories
    calls: Annotated[
        list[Call],
        Meta(description="the newest first; customers' numbers masked unless the token may unmask"),
    ]
    masked: bool


class Alerts(msgspec.Struct, frozen=True):
    """Alerts, the newest transition first."""

    items: list[Alert]
    total: Total


class AlertStory(msgspec.Struct, frozen=True):
    """One alert, how it came about, and the course of its scope."""

    alert: Alert
    transitions: list[Transition]
    history: Histories


class Campaigns(msgspec.Struct, frozen=True):
    """What the vendors say about their campaigns and tasks."""

    items: list[Campaign]
    total: Total


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """How one source of records fares."""

    name: str
    state: str
    reason: str | None = None
    last_success_at: datetime | None = None


class Sources(msgspec.Struct, frozen=True):
    """The sources' health."""

    items: list[Source]
    total: Total
