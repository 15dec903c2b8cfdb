"""Bytes of any record for the eyes of a person: JSON laid out, else text or hex; numbers masked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from streams.board.masking import mask

# Seven digits and more, with single blanks or dashes between; a date is no number.
_NUMBER = re.compile(r"(?<!\d)(?!\d{4}-\d\d-\d\d(?!\d))\+?\d(?:[ -]?\d){6,}(?!\d)")
_ROW = 16
_PRINTABLE = range(0x20, 0x7F)


def hide_numbers(text: str) -> str:
    """Mask all that may be a phone number: a number masked for nothing can be unmasked."""
    return _NUMBER.sub(lambda found: mask(found.group()), text)


def written(value: bytes | None, *, masked: bool) -> list[str]:
    """Write a value in lines: JSON indented, other text as it is, anything else as hex."""
    if value is None:
        return ["(no value)"]
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("latin-1")  # a character for each byte, so that numbers can be found
        return list(_hex((hide_numbers(text) if masked else text).encode("latin-1")))
    with suppress(msgspec.DecodeError):  # what is no JSON is shown as the text that it is
        text = msgspec.json.format(value, indent=2).decode()  # numbers stay as they are written
    return (hide_numbers(text) if masked else text).splitlines() or ["(empty)"]


def _hex(value: bytes) -> Iterable[str]:
    for start in range(0, len(value), _ROW):
        row = value[start : start + _ROW]
        text = "".join(chr(byte) if byte in _PRINTABLE else "." for byte in row)
        yield f"{start:08x}  {row.hex(' '):<{_ROW * 3 - 1}}  {text}"
