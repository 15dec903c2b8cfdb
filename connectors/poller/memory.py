"""What a source has published lately, so that a re-read is not published again. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from schemas.envelope import RawRecord


class Memory:
    """The last published content of each subject of one source.

    Only the last: a record that goes from A to B and back to A has changed twice.
    """

    def __init__(self) -> None:
        # In the order of publication, the oldest first, so that forgetting costs what it frees.
        self._last: dict[str, tuple[str, datetime]] = {}

    def __len__(self) -> int:
        return len(self._last)

    def fresh(self, records: Iterable[RawRecord]) -> list[RawRecord]:
        """Give those that differ from what stands, in their order.

        Repetitions among them count as standing, too. It remembers nothing: that is for when
        they are published.
        """
        seen: dict[str, str] = {}
        fresh = []
        for record in records:
            digest = record.digest
            last = seen.get(record.subject) or self._digest(record.subject)
            if digest != last:
                seen[record.subject] = digest
                fresh.append(record)
        return fresh

    def remember(self, records: Iterable[RawRecord]) -> None:
        """Take them as published, in this order."""
        for record in records:
            self._last.pop(record.subject, None)
            self._last[record.subject] = (record.digest, record.observed_at)

    def forget(self, before: datetime) -> None:
        """Drop what was observed earlier than `before`; some of it may stay a little longer."""
        while self._last:
            subject = next(iter(self._last))
            if self._last[subject][1] >= before:
                return
            del self._last[subject]

    def _digest(self, subject: str) -> str | None:
        known = self._last.get(subject)
        return None if known is None else known[0]
