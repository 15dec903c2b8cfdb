"""Durations as Alertmanager writes them: `30s`, `5m`, `1h30m`; seconds and ISO 8601 too."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"(\d+)(ms|[wdhms])")
_WHOLE = re.compile(r"(\d+(ms|[wdhms]))+")


def parse_duration(text: object) -> object:
    """Read `1h30m`; what is written otherwise is left to pydantic."""
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        return text
    return timedelta(
        seconds=sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    )


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
"""A time span: `30s`, `5m`, `1h30m`."""
