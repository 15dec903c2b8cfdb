"""The stretches of event time that a rule looks over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from streams.core.counts import Counts
from streams.core.rules.baseline import Usual
from streams.core.rules.durations import DURATION_SCHEMA, parse_duration, write_duration


class Measured(NamedTuple):
    """Counts over `start_ms` ≤ event time < `end_ms` (Unix milliseconds)."""

    counts: Counts
    start_ms: int
    end_ms: int


class View(Protocol):
    """The counts of one scope as they are known now; every window ends where the view ends."""

    def over(self, seconds: int) -> Measured:
        """Count a rolling window."""
        ...

    def last(self, attempts: int) -> Measured:
        """Count the newest panes that hold at least so many attempts, or all there are."""
        ...

    def between(self, start_ms: int, end_ms: int) -> Measured | None:
        """Count an earlier window again, late calls included; None where it is forgotten."""
        ...

    def usual(self, weeks: int) -> Usual:
        """Count the weekday and hour that the view ends in, over the last weeks."""
        ...

    def newest(self) -> Measured:
        """Give the newest event known, as `counts.last_event_ms` (0: none), and the time since."""
        ...


@dataclass(frozen=True, slots=True)
class Over:
    """A rolling window of event time."""

    seconds: int

    def measure(self, view: View) -> Measured:
        """Count it."""
        return view.over(self.seconds)

    def name(self, language: str = "en") -> str:
        """Name it: `15m`."""
        return write_duration(self.seconds, language)


@dataclass(frozen=True, slots=True)
class Last:
    """The last N attempts."""

    attempts: int

    def measure(self, view: View) -> Measured:
        """Count it."""
        return view.last(self.attempts)

    def name(self, language: str = "en") -> str:
        """Name it: `last 50`."""
        return f"最近 {self.attempts} 次" if language == "zh" else f"last {self.attempts}"


@dataclass(frozen=True, slots=True)
class Age:
    """The time since the newest event."""

    def measure(self, view: View) -> Measured:
        """Look when the newest event was."""
        return view.newest()

    def name(self, language: str = "en") -> str:
        """Name it."""
        return "至今" if language == "zh" else "now"


Window = Over | Last | Age


@dataclass(frozen=True, slots=True)
class Windows:
    """One window, or several that must agree (`all`) or of which one is enough (`any`)."""

    parts: tuple[Window, ...]
    combine: Literal["all", "any"] = "all"

    def name(self, language: str = "en") -> str:
        """Name them: `5m and 1h`."""
        if language == "zh":
            word = " 且 " if self.combine == "all" else " 或 "
        else:
            word = " and " if self.combine == "all" else " or "
        return word.join(part.name(language) for part in self.parts)


AGE = Windows((Age(),))
"""What `data_age` is read from."""

_HOW = (
    'write "5m", or {last: 50}, or several: {all: [5m, 1h]} where each must hold, '
    "{any: [5m, 1h]} where one is enough"
)


def parse_windows(value: object) -> Windows:
    """Read `5m`, `{last: 50}`, `{all: […]}` or `{any: […]}`.

    Raises:
        ValueError: it is none of them; the text says how to write it.
    """
    if isinstance(value, Windows):
        return value
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, content),) = value.items()
        if name in ("all", "any"):
            if not isinstance(content, list) or not content:
                raise ValueError(f"`{name}` takes a list of windows: {_HOW}")
            return Windows(tuple(_window(each) for each in content), name)
    return Windows((_window(value),))


def _window(value: object) -> Window:
    if isinstance(value, Mapping):
        attempts = value.get("last")
        if set(value) != {"last"} or type(attempts) is not int or attempts < 1:
            raise ValueError(f"{dict(value)} is not a window: {_HOW}")
        return Last(attempts)
    try:
        seconds = parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not a window: {_HOW}") from error
    if seconds == 0:
        raise ValueError("a window of no time holds no calls: " + _HOW)
    return Over(seconds)


def _write(windows: Windows) -> object:
    parts: list[object] = [
        {"last": part.attempts} if isinstance(part, Last) else part.name() for part in windows.parts
    ]
    return parts[0] if len(parts) == 1 else {windows.combine: parts}


_ONE: list[object] = [
    DURATION_SCHEMA,
    {
        "type": "object",
        "properties": {"last": {"type": "integer", "minimum": 1}},
        "required": ["last"],
        "additionalProperties": False,
    },
]
_SEVERAL: list[object] = [
    {
        "type": "object",
        "properties": {name: {"type": "array", "minItems": 1, "items": {"anyOf": _ONE}}},
        "required": [name],
        "additionalProperties": False,
    }
    for name in ("all", "any")
]

WindowsField = Annotated[
    Windows,
    PlainValidator(parse_windows),
    PlainSerializer(_write),
    WithJsonSchema({"anyOf": [*_ONE, *_SEVERAL], "description": _HOW}),
]
"""Windows as a rule writes them."""
