"""How the vendors' sources fare, by what their pollers tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from streams.board.records import SourceStatus

SourceHealth = Literal["ok", "degraded", "stopped", "silent"]

_TROUBLES: dict[str, SourceHealth] = {"degraded": "degraded", "stopped": "stopped"}
_BASIS = {
    "answer-report": "tallies",
    "campaign-statistics": "tallies",
    "cdr": "calls",
    "missed-call": "calls",
    "push": "calls",
}
"""What each feed is counted as; others, such as names of tasks, are not counted."""


def health_of(source: SourceStatus, now: datetime, silent_after: timedelta) -> SourceHealth:
    """Tell how a source is: `silent` where no process has told of it for long."""
    if now - source.at > silent_after:
        return "silent"
    return _TROUBLES.get(source.state, "ok")


def counts_of(source: SourceStatus) -> list[str]:
    """Tell which counts a source feeds; an account that could not be set up would feed both."""
    if source.feed is None:
        return ["calls", "tallies"]
    basis = _BASIS.get(source.feed)
    return [] if basis is None else [basis]


class SourceBook:
    """The newest status of each source."""

    def __init__(self) -> None:
        self._sources: dict[str, SourceStatus] = {}

    def take(self, source: SourceStatus) -> bool:
        """Take one status; tell whether it is news."""
        known = self._sources.get(source.name)
        if known is not None and source.at < known.at:
            return False
        self._sources[source.name] = source
        return True

    def remove(self, name: str) -> bool:
        """Forget a source; tell whether it was known."""
        return self._sources.pop(name, None) is not None

    def sweep(self, before: datetime) -> bool:
        """Forget sources that were last told of before; tell whether there were any."""
        gone = [name for name, source in self._sources.items() if source.at < before]
        for name in gone:
            del self._sources[name]
        return bool(gone)

    def all(self) -> list[SourceStatus]:
        """Give all by name; an account that could not be set up, only until it is."""
        newest_of_feeds: dict[tuple[str, str], datetime] = {}
        for source in self._sources.values():
            if source.feed is not None:
                account = (source.vendor, source.account)
                newest_of_feeds[account] = max(source.at, newest_of_feeds.get(account, source.at))
        return [
            source
            for _, source in sorted(self._sources.items())
            if source.feed is not None
            or source.at > newest_of_feeds.get((source.vendor, source.account), _LONG_AGO)
        ]


_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
