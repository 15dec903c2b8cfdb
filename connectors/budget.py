"""Rate budgets: how many requests an account may send (a leaky bucket, by aiolimiter)."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from aiolimiter import AsyncLimiter


class Budget(Protocol):
    """Something that is asked before every request."""

    async def acquire(self) -> None:
        """Wait until one more request may be sent."""
        ...


class Spaced:
    """Let one request through in each `gap`, so that no window of time ever sees a burst.

    Args:
        gap: the least time between two requests. 20 a minute is a gap of 3 s.
    """

    def __init__(self, gap: timedelta) -> None:
        self._limiter = AsyncLimiter(1, gap.total_seconds())
        self._spent = False

    def spend(self) -> None:
        """Let the next request wait for a whole gap: another process may just have sent one."""
        self._spent = True

    async def acquire(self) -> None:
        """Wait for the next free gap."""
        if self._spent:
            self._spent = False
            await self._limiter.acquire()
        await self._limiter.acquire()


class Unlimited:
    """Let everything through: for services that state no limit."""

    async def acquire(self) -> None:
        """Return at once."""
