"""Counts into metrics: the messages of schemas.metric, encoded without their models.

The models are the contract, and a test reads every message back through them; here stand
compiled structs of the same shape, since a metric is written for each changed key every second.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from schemas.scope import Basis
from streams.core.counts import Counts
from streams.core.scopes import parse_scope
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


class _Counted(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    scope: str
    basis: str
    vendor: str
    kind: str
    account: str | None
    value: str | None
    window: _Window
    watermark: datetime
    revision: int
    final: bool
    last_event_at: datetime | None


class _AnswerRate(_Counted, frozen=True, omit_defaults=True, gc=False):
    attempts: int
    answered: int
    connected: int | None = None
    abandoned: int | None = None
    talk_seconds: int | None = None
    answer_rate: _Rate | None = None
    connect_rate: _Rate | None = None
    abandon_rate: _Rate | None = None
    average_talk_seconds: float | None = None


class _MissedCalls(_Counted, frozen=True, omit_defaults=True, gc=False):
    missed: int
    wait_seconds: int
    average_wait_seconds: float | None = None


_ENCODE = msgspec.json.Encoder().encode


@lru_cache(maxsize=100_000)
def _rate(successes: int, attempts: int) -> _Rate | None:
    # Tallies that a vendor corrects may answer more than they attempt for a moment.
    if attempts <= 0 or not 0 <= successes <= attempts:
        return None
    low, high = wilson(successes, attempts)
    return _Rate(successes / attempts, low, high)


@lru_cache(maxsize=10_000)
def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@lru_cache(maxsize=1_000)
def _window(name: str, start: int, end: int) -> _Window:
    return _Window(name, _moment(start), _moment(end))


@lru_cache(maxsize=200_000)
def _identity(text: str) -> tuple[str, str, str, str, str | None, str | None]:
    """Give the first fields of a scope's metrics, in the order of `_Counted`."""
    scope = parse_scope(text)
    about = (str(scope.basis), str(scope.vendor), str(scope.kind))
    return (text, *about, scope.account, scope.value)


def metric_key(scope: str, window: str) -> bytes:
    """Give the Kafka key of a scope's metric."""
    return f"{scope}|{window}".encode()


def answer_rate(scope: str, window: WindowSpec, watermark_ms: int, revision: int) -> bytes:
    """Write schemas.metric.AnswerRate of a scope, which is given by its text form."""
    counts = window.counts
    attempts, answered = counts.attempts, counts.answered
    # A vendor's counters tell attempts and answers alone.
    whole = parse_scope(scope).basis is not Basis.TALLIES
    connected = counts.connected
    return _ENCODE(
        _AnswerRate(
            *_identity(scope),
            _window(window.name, window.start, window.end),
            _moment(watermark_ms // 1000),
            revision,
            window.final,
            _last_event(counts),
            attempts,
            answered,
            connected if whole else None,
            counts.abandoned if whole else None,
            counts.talk_seconds if whole else None,
            _rate(answered, attempts),
            _rate(connected, attempts) if whole else None,
            _rate(counts.abandoned, answered) if whole else None,
            counts.talk_seconds / connected if whole and connected else None,
        )
    )


def missed_calls(scope: str, window: WindowSpec, watermark_ms: int, revision: int) -> bytes:
    """Write schemas.metric.MissedCalls of a scope, which is given by its text form."""
    counts = window.counts
    return _ENCODE(
        _MissedCalls(
            *_identity(scope),
            _window(window.name, window.start, window.end),
            _moment(watermark_ms // 1000),
            revision,
            window.final,
            _last_event(counts),
            counts.missed,
            counts.wait_seconds,
            counts.wait_seconds / counts.missed if counts.missed else None,
        )
    )


def _last_event(counts: Counts) -> datetime | None:
    if not counts.last_event_ms:
        return None
    return datetime.fromtimestamp(counts.last_event_ms / 1000, UTC)
