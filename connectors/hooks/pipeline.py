"""The stages between the topic and the receivers: pure, and small.

announce -> route -> (grouping, silences and inhibition have their place here) -> once
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.hooks.settings import Route
from schemas.alert import Alert, AlertState


def is_announced(alert: Alert) -> bool:
    """Tell whether anybody is to hear of it: pending and inactive are the rules' own matter."""
    return alert.state in (AlertState.FIRING, AlertState.RESOLVED)


def receivers_of(alert: Alert, routes: Sequence[Route], names: Sequence[str]) -> tuple[str, ...]:
    """Name who is told, each once and in the order of `names`; all of them without routes."""
    if not routes:
        return tuple(names)
    told = {name for route in routes if route.takes(alert.labels) for name in route.receivers}
    return tuple(name for name in names if name in told)


class Seen:
    """The ids that one receiver already has; the oldest are forgotten.

    It spares receivers the repeats of one process. After a restart they may see an id again.
    """

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._ids: dict[str, None] = {}

    def __contains__(self, alert_id: str) -> bool:
        return alert_id in self._ids

    def add(self, alert_id: str) -> None:
        """Remember an id."""
        self._ids[alert_id] = None
        while len(self._ids) > self._capacity:
            del self._ids[next(iter(self._ids))]
