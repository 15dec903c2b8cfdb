"""The counts of a scope over a window, and the rates that follow from them."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Message, Moment, Vendor
from schemas.scope import Basis, Kind


class Window(Message):
    """Which stretch of event time a metric covers: `start` ≤ event < `end`.

    Attributes:
        name: as configured: `5m`, `15m`, `1h`, `day`.
    """

    name: str
    start: Moment
    end: Moment


class Rate(Message):
    """A rate with its Wilson 95 % interval (Wilson 1927, JASA 22:209): all in 0..1."""

    value: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)


class _Counted(Message):
    """What every metric says about itself.

    Attributes:
        scope: the scope's text form, such as `calls:icsoc/main/display_number/075512345678`.
        basis: `calls`, or `tallies` where a vendor's own counters were differenced.
        last_event_at: the newest event counted in this window.
        watermark: no event older than this is expected any more.
        revision: grows with every change of the scope; of two messages with one key the
            higher (window.end, revision) is the newer.
        final: the watermark has passed the window; it will not change any more.
    """

    scope: str
    basis: Basis
    vendor: Vendor
    account: str | None = None
    kind: Kind
    value: str | None = None
    window: Window
    last_event_at: Moment | None = None
    watermark: Moment
    revision: int
    final: bool

    @property
    def key(self) -> bytes:
        """Give the Kafka key: the scope and the window's name."""
        return f"{self.scope}|{self.window.name}".encode()


class AnswerRate(_Counted):
    """Outbound calls of a scope over a window (接通率, ITU-T E.425 answer seizure ratio).

    Topic `metrics.answer-rate`, keyed `scope|window`, compacted.

    answer_rate = answered / attempts, connect_rate = connected / attempts,
    abandon_rate = abandoned / answered. A rate whose denominator is 0 or not reported is None,
    and so are `connected`, `abandoned` and `talk_seconds` where the basis is `tallies`.
    """

    attempts: int
    answered: int
    connected: int | None = None
    abandoned: int | None = None
    talk_seconds: int | None = None
    answer_rate: Rate | None = None
    connect_rate: Rate | None = None
    abandon_rate: Rate | None = None
    average_talk_seconds: float | None = None


class MissedCalls(_Counted):
    """Missed inbound calls of a scope over a window (未接来电).

    Topic `metrics.missed-calls`, keyed `scope|window`, compacted.
    """

    missed: int
    wait_seconds: int
    average_wait_seconds: float | None = None
