"""De-duplication by id."""

from __future__ import annotations


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
