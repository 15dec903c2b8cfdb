"""Durations as people write them in rules: `90s`, `5m`, `1h30m`, `1d`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_UNITS = (("d", 86_400, "天"), ("h", 3_600, "小时"), ("m", 60, "分钟"), ("s", 1, "秒"))
_PATTERN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
DURATION_SCHEMA = {
    "type": "string",
    "pattern": r"^(?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+s)?$",
    "description": "a duration with its unit: 90s, 5m, 1h30m, 1d",
}


def parse_duration(text: object) -> int:
    """Read a duration, in seconds.

    Raises:
        ValueError: it is not one; the text says how to write it.
    """
    match = _PATTERN.fullmatch(text.strip()) if isinstance(text, str) and text.strip() else None
    if match is None:
        raise ValueError(f"{text!r} is not a duration: write it with its unit, such as 90s, 5m, 1h")
    amounts = (int(group or 0) for group in match.groups())
    return sum(amount * unit[1] for amount, unit in zip(amounts, _UNITS, strict=True))


def write_duration(seconds: int, language: str = "en") -> str:
    """Write seconds as a duration: `15m`, or `15 分钟` where the language is `zh`."""
    parts = []
    for unit, size, chinese in _UNITS:
        amount, seconds = divmod(seconds, size)
        if amount:
            parts.append(f"{amount} {chinese}" if language == "zh" else f"{amount}{unit}")
    if not parts:
        return "0 秒" if language == "zh" else "0s"
    return (" " if language == "zh" else "").join(parts)


Duration = Annotated[int, BeforeValidator(parse_duration), WithJsonSchema(DURATION_SCHEMA)]
"""Whole seconds, written as a duration."""
