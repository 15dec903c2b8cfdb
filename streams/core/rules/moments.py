"""Unix milliseconds and moments, without rounding on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def moment(milliseconds: int) -> datetime:
    """Give the moment of Unix milliseconds, in UTC."""
    return _EPOCH + milliseconds * _MILLISECOND


def unix_ms(at: datetime) -> int:
    """Give the Unix milliseconds of a moment."""
    return (at - _EPOCH) // _MILLISECOND
