"""One message to replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Row:
    """A message of topic `calls` or `tallies` (a `streams.core.step.Record`).

    Attributes:
        timestamp: when it arrived (Unix ms).
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()

    def at(self, offset: int) -> Row:
        """Give the same message at another offset."""
        return replace(self, offset=offset)
