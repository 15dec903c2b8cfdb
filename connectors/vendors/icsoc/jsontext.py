"""JSON as text: find where a value stands, so that its own bytes can be kept and verified."""

from __future__ import annotations

import json
import re
from typing import NamedTuple, NoReturn

import msgspec
from pydantic import JsonValue

MAX_DEPTH = 32
"""Deeper nesting than this is refused; the vendor's own records nest four levels."""

_SPACE = re.compile(r"[ \t\n\r]*")
_BLANKS = frozenset(" \t\n\r")
# Strings are passed over whole; a quote that begins no string ends the scan, which keeps it linear.
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+"|["\[{\]}]', re.DOTALL)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


class Value(NamedTuple):
    """A JSON value and its own text."""

    value: JsonValue
    text: str


def decode(body: bytes) -> str:
    """Read bytes as the UTF-8 text of JSON that nests no deeper than `MAX_DEPTH`.

    Whether it is JSON is for `parse` and the others to say.

    Raises:
        ValueError: it is not UTF-8, or nests deeper.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("the text is not UTF-8") from error
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return text  # so few cannot nest deeper
    depth = 0
    for match in _STRUCTURE.finditer(text):
        mark = match.group()
        if mark == '"':
            raise ValueError("a string is not closed")
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            raise ValueError(f"the JSON nests deeper than {MAX_DEPTH} levels")
    return text


def parse(text: str) -> Value:
    """Read one JSON value and nothing behind it.

    Raises:
        ValueError: it is not one JSON value.
    """
    reader = _Reader(text)
    value = reader.value()
    reader.expect_end()
    return value


def members(text: str) -> dict[str, Value]:
    """Take an object apart into its members, each with its exact text.

    A key that stands twice is refused: what was signed must be what is read.

    Raises:
        ValueError: it is not one JSON object.
    """
    quick = _compact_members(text)
    if quick is not None:
        return quick
    reader = _Reader(text)
    found: dict[str, Value] = {}
    reader.expect("{")
    more = not reader.takes("}")
    while more:
        key = reader.key()
        if key in found:
            raise ValueError("a key stands twice in one object")
        reader.expect(":")
        found[key] = reader.value()
        more = reader.goes_on("}")
    reader.expect_end()
    return found


def _compact_members(text: str) -> dict[str, Value] | None:
    """Do the same by compiled code, where nothing stands between the members.

    None where blanks or escapes stand there, or a key stands twice: the lengths then differ.
    """
    try:
        raw = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        texts = {key: bytes(value).decode() for key, value in raw.items()}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None  # what is wrong with it is said below
    expected = 1 + sum(len(key) + len(value) + 4 for key, value in texts.items())
    if not texts or len(text) != expected:
        return None
    try:
        return {key: Value(_DECODER.decode(value), value) for key, value in texts.items()}
    except RecursionError as error:
        raise ValueError("the JSON nests too deep") from error


def elements(text: str) -> list[Value]:
    """Take an array apart into its elements, each with its exact text.

    Raises:
        ValueError: it is not one JSON array.
    """
    reader = _Reader(text)
    found: list[Value] = []
    reader.expect("[")
    more = not reader.takes("]")
    while more:
        found.append(reader.value())
        more = reader.goes_on("]")
    reader.expect_end()
    return found


class _Reader:
    """A place in a text, moved on by what is read; white space goes unseen."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._skip()

    def takes(self, mark: str) -> bool:
        if not self._text.startswith(mark, self._at):
            return False
        self._at += 1
        self._skip()
        return True

    def expect(self, mark: str) -> None:
        if not self.takes(mark):
            raise ValueError(f"{mark} is missing at character {self._at}")

    def goes_on(self, end: str) -> bool:
        """Tell whether another element follows, and pass the comma or the end."""
        if self.takes(end):
            return False
        self.expect(",")
        return True

    def expect_end(self) -> None:
        if self._at != len(self._text):
            raise ValueError(f"something follows the JSON at character {self._at}")

    def key(self) -> str:
        if not self._text.startswith('"', self._at):
            raise ValueError(f"a key is missing at character {self._at}")
        return str(self.value().value)

    def value(self) -> Value:
        start = self._at
        try:
            value, end = _DECODER.raw_decode(self._text, start)
        except json.JSONDecodeError as error:
            raise ValueError(f"{error.msg} at character {error.pos}") from error
        except RecursionError as error:
            raise ValueError("the JSON nests too deep") from error
        self._at = end
        self._skip()
        return Value(value, self._text[start:end])

    def _skip(self) -> None:
        if self._text[self._at : self._at + 1] in _BLANKS:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
