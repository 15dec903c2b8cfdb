"""Counts into metrics: the messages of schemas.metric, encoded without their models.

The models are the contract, and a test reads every message back through them; here stand
compiled structs of the same shape, since a metric is written for each changed key every second.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from schemas.scope import Basis, Scope
from streams.core.counts import Counts
from streams.core.wilson import wilson


class WindowSpec(NamedTuple):
    """One window: its name, where it begins and ends (Unix s), and what it holds."""

    name: str
    start: int
    end: int
    counts: Counts
    final: bool


class _Window(msgspec.Struct, frozen=True):
    name: str
    start: datetime
    end: datetime


class _Rate(msgspec.Struct, frozen=True):
    value: float
    low: float
    high: float


class _Counted(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    scope: str
    basis: str
    vendor: str
    kind: str
    window: _Window
    watermark: datetime
    revision: int
    final: bool
    account: str | None = None
    value: str | None = None
    last_event_at: datetime | None = None


class _AnswerRate(_Counted, frozen=True, omit_defaults=True, kw_only=True):
    attempts: int
    answered: int
    connected: int | None = None
    abandoned: int | None = None
    talk_seconds: int | None = None
    answer_rate: _Rate | None = None
    connect_rate: _Rate | None = None
    abandon_rate: _Rate | None = None
    average_talk_seconds: float | None = None


class _MissedCalls(_Counted, frozen=True, omit_defaults=True, kw_only=True):
    missed: int
    wait_seconds: int
    average_wait_seconds: float | None = None


_ENCODE = msgspec.json.Encoder().encode


def _rate(successes: int, attempts: int) -> _Rate | None:
    # Tallies that a vendor corrects may answer more than they attempt for a moment.
    if attempts <= 0 or not 0 <= successes <= attempts:
        return None
    low, high = wilson(successes, attempts)
    return _Rate(successes / attempts, low, high)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _about(scope: Scope, window: WindowSpec, watermark_ms: int, revision: int) -> dict[str, object]:
    last_ms = window.counts.last_event_ms
    return {
        "scope": str(scope),
        "basis": str(scope.basis),
        "vendor": str(scope.vendor),
        "account": scope.account,
        "kind": str(scope.kind),
        "value": scope.value,
        "window": _Window(window.name, _moment(window.start), _moment(window.end)),
        "last_event_at": _moment(last_ms / 1000) if last_ms else None,
        "watermark": _moment(watermark_ms / 1000),
        "revision": revision,
        "final": window.final,
    }


def metric_key(scope: str, window: str) -> bytes:
    """Give the Kafka key of a scope's metric."""
    return f"{scope}|{window}".encode()


def answer_rate(scope: Scope, window: WindowSpec, watermark_ms: int, revision: int) -> bytes:
    """Write schemas.metric.AnswerRate."""
    counts = window.counts
    about = _about(scope, window, watermark_ms, revision)
    rate = _rate(counts.answered, counts.attempts)
    if scope.basis is Basis.TALLIES:
        return _ENCODE(
            _AnswerRate(
                attempts=counts.attempts,
                answered=counts.answered,
                answer_rate=rate,
                **about,  # type: ignore[arg-type]
            )
        )
    return _ENCODE(
        _AnswerRate(
            attempts=counts.attempts,
            answered=counts.answered,
            connected=counts.connected,
            abandoned=counts.abandoned,
            talk_seconds=counts.talk_seconds,
            answer_rate=rate,
            connect_rate=_rate(counts.connected, counts.attempts),
            abandon_rate=_rate(counts.abandoned, counts.answered),
            average_talk_seconds=(
                counts.talk_seconds / counts.connected if counts.connected else None
            ),
            **about,  # type: ignore[arg-type]
        )
    )


def missed_calls(scope: Scope, window: WindowSpec, watermark_ms: int, revision: int) -> bytes:
    """Write schemas.metric.MissedCalls."""
    counts = window.counts
    return _ENCODE(
        _MissedCalls(
            missed=counts.missed,
            wait_seconds=counts.wait_seconds,
            average_wait_seconds=counts.wait_seconds / counts.missed if counts.missed else None,
            **_about(scope, window, watermark_ms, revision),  # type: ignore[arg-type]
        )
    )
