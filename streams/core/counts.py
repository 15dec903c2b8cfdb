"""What is counted, as one value."""

from __future__ import annotations

from typing import NamedTuple


class Counts(NamedTuple):
    """Counters of one scope over some stretch of event time. Sums field by field.

    `last_event_ms` is the newest event time among what was counted (Unix ms, 0 for none) and
    adds by maximum.
    """

    attempts: int = 0
    answered: int = 0
    connected: int = 0
    abandoned: int = 0
    missed: int = 0
    talk_seconds: int = 0
    wait_seconds: int = 0
    last_event_ms: int = 0

    def plus(self, other: Counts) -> Counts:
        """Add two counts."""
        return Counts(
            self.attempts + other.attempts,
            self.answered + other.answered,
            self.connected + other.connected,
            self.abandoned + other.abandoned,
            self.missed + other.missed,
            self.talk_seconds + other.talk_seconds,
            self.wait_seconds + other.wait_seconds,
            max(self.last_event_ms, other.last_event_ms),
        )

    def minus(self, other: Counts) -> Counts:
        """Subtract; `last_event_ms` stays, since a maximum cannot be taken back."""
        return Counts(
            self.attempts - other.attempts,
            self.answered - other.answered,
            self.connected - other.connected,
            self.abandoned - other.abandoned,
            self.missed - other.missed,
            self.talk_seconds - other.talk_seconds,
            self.wait_seconds - other.wait_seconds,
            self.last_event_ms,
        )

    def negative(self) -> Counts:
        """Give what takes this away again."""
        return NOTHING.minus(self)


NOTHING = Counts()
