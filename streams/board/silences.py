"""Who is not to be disturbed with what: the silences, as the hooks obey them, and new ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from connectors.hooks.durations import parse_duration
from connectors.hooks.silences import new_silence
from schemas.errors import ConfigError
from schemas.silence import Silence
from streams.board.records import Alert

Silencer = Callable[[Silence], Awaitable[None]]
"""Writes a silence to Kafka, or raises RetryableError."""

SilenceState = Literal["pending", "active", "expired"]
_LONGEST = timedelta(days=366)


class SilenceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A silence that is asked for."""

    matchers: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=500)]],
        Meta(
            min_length=1,
            max_length=20,
            description="labels that an alert must have, one of = != =~ !~; all must match",
            examples=[["vendor=icsoc", 'display_number=~"0755.*"']],
        ),
    ]
    lasts: Annotated[str, Meta(description="how long it holds: 30m, 2h, 1d", examples=["2h"])]
    created_by: Annotated[str, Meta(min_length=1, max_length=200, description="who is asked")]
    comment: Annotated[str, Meta(min_length=1, max_length=1000, description="why")]
    starts_at: (
        Annotated[datetime, Meta(tz=True, description="from when on it holds; by default now")]
        | None
    ) = None


def silence_asked(asked: SilenceRequest, now: datetime) -> Silence:
    """Make the silence that is asked for.

    Raises:
        ConfigError: it cannot be; the text names the mend.
    """
    lasts = parse_duration(asked.lasts)
    if not isinstance(lasts, timedelta) or not timedelta() < lasts <= _LONGEST:
        raise ConfigError(f"lasts: {asked.lasts!r} is none: write it as 30m, 2h or 1d")
    starts_at = now if asked.starts_at is None else asked.starts_at
    if starts_at + lasts <= now:
        raise ConfigError("starts_at: this silence would be over already; begin it later")
    return new_silence(
        asked.matchers,
        starts_at=starts_at,
        lasts=lasts,
        created_by=asked.created_by,
        comment=asked.comment,
        now=now,
    )


class SilenceBook:
    """The silences that stand on the topic."""

    def __init__(self) -> None:
        self._silences: dict[str, Silence] = {}

    def __bool__(self) -> bool:
        return bool(self._silences)

    def take(self, silence: Silence) -> bool:
        """Take one; tell whether it is news."""
        known = self._silences.get(silence.id)
        if known is not None and (silence.updated_at < known.updated_at or silence == known):
            return False
        self._silences[silence.id] = silence
        return True

    def remove(self, identity: str) -> bool:
        """Forget one; tell whether it was known."""
        return self._silences.pop(identity, None) is not None

    def get(self, identity: str) -> Silence | None:
        """Find one."""
        return self._silences.get(identity)

    def all(self) -> list[Silence]:
        """Give all, those that end last first."""
        return sorted(self._silences.values(), key=lambda one: (one.ends_at, one.id), reverse=True)

    def muting(self, alert: Alert, now: datetime) -> tuple[str, ...]:
        """Name the silences that hold an alert back now."""
        return tuple(one.id for one in self.all() if one.mutes(alert.labels, now))


def state_of(silence: Silence, now: datetime) -> SilenceState:
    """Tell where a silence stands, as Alertmanager names it."""
    if silence.is_active(now):
        return "active"
    return "pending" if silence.starts_at > now else "expired"
