"""What the API may be asked: the structs that read the query, and that OpenAPI tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from schemas import base

Which = Literal["open", "closed", "all"]
if TYPE_CHECKING:
    Vendor = str
else:
    Vendor = Literal[tuple(str(each) for each in base.Vendor)]
Kind = Literal[
    "vendor", "account", "display_number", "campaign", "queue", "region", "carrier", "group"
]
Sort = Literal[
    "scope",
    "-scope",
    "attempts",
    "-attempts",
    "answered",
    "-answered",
    "connected",
    "-connected",
    "abandoned",
    "-abandoned",
    "missed",
    "-missed",
    "answer_rate",
    "-answer_rate",
    "answer_rate.high",
    "-answer_rate.high",
    "abandon_rate",
    "-abandon_rate",
    "last_event_at",
    "-last_event_at",
]
_Window = Annotated[str, Meta(description="the window's name; by default the shortest")]
_Search = Annotated[
    str, Meta(description="a part of the text, in any case", min_length=1, max_length=200)
]
_Scope = Annotated[
    str,
    Meta(
        description="the scope's text form, percent-encoded",
        examples=["calls:icsoc/main/display_number/075512345678"],
        max_length=500,
    ),
]


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing can be asked."""


class MetricsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which metrics are asked for; what is left out asks for any."""

    window: _Window | None = None
    vendor: Vendor | None = None
    account: str | None = None
    kind: Kind | None = None
    basis: Literal["calls", "tallies"] | None = None
    q: _Search | None = None
    sort: Annotated[
        Sort,
        Meta(
            description="- puts the largest first; null comes last. answer_rate.high, the upper "
            "end of the interval, puts first what is surely bad"
        ),
    ] = "scope"
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    offset: Annotated[int, Meta(ge=0)] = 0


class ScopeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which scope is asked for."""

    scope: _Scope


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose course is asked for, over which rolling window."""

    scope: Annotated[list[_Scope], Meta(min_length=1, max_length=50)]
    window: _Window | None = None


class AlertsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which alerts are asked for: open ones are pending or firing."""

    state: Which = "open"
    vendor: Vendor | None = None
    q: _Search | None = None


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which window's rows are told."""

    window: _Window | None = None


class SilencesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which silences are asked for: current ones hold or will hold."""

    state: Literal["current", "all"] = "current"
