"""Where the alerts stand, and what became of those that are over."""

from __future__ import annotations

from datetime import datetime

import msgspec

from streams.board.records import Alert

OPEN = frozenset({"pending", "firing"})
_CLOSED_KEPT = 500
_TRANSITIONS_KEPT = 20


class Transition(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of an alert's story."""

    state: str
    at: datetime
    value: float | None = None
    low: float | None = None
    high: float | None = None


class AlertBook:
    """The newest record of each alert, all that are open and the newest of the closed."""

    def __init__(self) -> None:
        self._alerts: dict[str, Alert] = {}
        self._stories: dict[str, list[Transition]] = {}

    def take(self, alert: Alert) -> bool:
        """Take one record; tell whether it says anything new."""
        present = self._alerts.get(alert.fingerprint)
        if present is not None and (alert.at < present.at or alert == present):
            return False
        if present is None or _id(present) != _id(alert):
            told = alert.evidence
            story = self._stories.setdefault(alert.fingerprint, [])
            story.append(Transition(alert.state, alert.at, told.value, told.low, told.high))
            del story[:-_TRANSITIONS_KEPT]
        self._alerts[alert.fingerprint] = alert
        if alert.state not in OPEN:
            self._drop_oldest_closed()
        return True

    def remove(self, fingerprint: str) -> bool:
        """Forget an alert; tell whether it was known."""
        self._stories.pop(fingerprint, None)
        return self._alerts.pop(fingerprint, None) is not None

    def get(self, fingerprint: str) -> Alert | None:
        """Find an alert."""
        return self._alerts.get(fingerprint)

    def story(self, fingerprint: str) -> list[Transition]:
        """Give an alert's transitions as far as they were seen, the oldest first."""
        return list(self._stories.get(fingerprint, ()))

    def all(self) -> list[Alert]:
        """Give all alerts, the newest first."""
        return sorted(self._alerts.values(), key=lambda alert: alert.at, reverse=True)

    def _drop_oldest_closed(self) -> None:
        closed = [alert for alert in self._alerts.values() if alert.state not in OPEN]
        if len(closed) > _CLOSED_KEPT:
            self.remove(min(closed, key=lambda alert: alert.at).fingerprint)


def _id(alert: Alert) -> tuple[datetime, str]:
    return alert.starts_at, alert.state
