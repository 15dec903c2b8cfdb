"""A receiver's rate budget over a sliding window."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from connectors.hooks.receivers.base import RateBudget


class Allowance:
    """How many messages may go out now.

    Args:
        budget: so many in any such time; None allows everything.
    """

    def __init__(self, budget: RateBudget | None) -> None:
        self._budget = budget
        self._spent: deque[datetime] = deque()

    def room(self, now: datetime) -> int | None:
        """Give how many messages may go out now; None for any number."""
        if self._budget is None:
            return None
        while self._spent and self._spent[0] <= now - self._budget.per:
            self._spent.popleft()
        return self._budget.messages - len(self._spent)

    def spend(self, now: datetime) -> None:
        """Count one message."""
        if self._budget is not None:
            self._spent.append(now)
