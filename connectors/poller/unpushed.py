"""What the polls alone have brought, where the vendor pushes the same records as well. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.envelope import Headers

_COUNT, _UNTIL = "found_by_search", "found_until"
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Found:
    """How many records only a poll has brought, of those whose push was due until a moment.

    It stands in the headers of the cursor's message, and so is as exact as the cursor.
    """

    count: int = 0
    until: datetime = _NEVER

    def headers(self) -> Headers:
        """Write it as Kafka headers."""
        if self.until == _NEVER:
            return []
        return [(_COUNT, str(self.count).encode()), (_UNTIL, self.until.isoformat().encode())]


NONE_FOUND = Found()


def read_found(headers: Iterable[tuple[str, bytes]]) -> Found:
    """Read it back; nothing was found where nothing is told."""
    told = dict(headers)
    if _COUNT not in told or _UNTIL not in told:
        return NONE_FOUND
    return Found(int(told[_COUNT]), datetime.fromisoformat(told[_UNTIL].decode()))


class Unpushed:
    """Follows the polled and the pushed copies of one source's records, as they stand in Kafka.

    Args:
        grace: how long after the last poll that brought a record anew its push may still come.
        found: what was counted already.
    """

    def __init__(self, grace: timedelta, found: Found) -> None:
        self.found = found
        self._count = found.count
        self._grace = grace
        self._waiting: dict[str, datetime] = {}  # since when, the oldest first
        self._settled: dict[str, datetime] = {}

    def polled(self, subject: str, at: datetime) -> None:
        """Note that a poll brought a record, or changed it."""
        self._expire(subject, at)
        if subject not in self._settled:
            self._waiting.pop(subject, None)
            self._waiting[subject] = at

    def pushed(self, subject: str, at: datetime) -> None:
        """Note that a push brought a record."""
        self._expire(subject, at)
        self._waiting.pop(subject, None)
        self._settle(subject, at)

    def count(self, now: datetime, *, keep: timedelta) -> Found:
        """Count those whose push is overdue at `now`, each once.

        Args:
            now: not before any moment noted so far.
            keep: how long a record may still be noted again.
        """
        while self._waiting:
            subject = next(iter(self._waiting))
            if not self._expire(subject, now):
                break
        while self._settled:
            subject, since = next(iter(self._settled.items()))
            if since >= now - keep:
                break
            del self._settled[subject]
        self.found = Found(self._count, max(now, self.found.until))
        return self.found

    def _expire(self, subject: str, at: datetime) -> bool:
        """Give up on a record whose grace was over at a moment; told so, what comes later is late.

        So the count follows from the records alone, and not from when it was asked for.
        """
        since = self._waiting.get(subject)
        if since is None or since + self._grace > at:
            return False
        del self._waiting[subject]
        self._settle(subject, since)
        # What was due before was counted, here or by another process.
        self._count += since + self._grace > self.found.until
        return True

    def _settle(self, subject: str, at: datetime) -> None:
        self._settled.pop(subject, None)
        self._settled[subject] = at
