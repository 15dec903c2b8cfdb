"""Rate budgets: how many requests an account may send (a leaky bucket, by aiolimiter)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from aiolimiter import AsyncLimiter

_PERIOD_SECONDS = 60


class Budget(Protocol):
    """Something that is asked before every request."""

    async def acquire(self) -> None:
        """Wait until one more request may be sent."""
        ...


class Spaced:
    """Let one request through in each `gap`, so that no window of time ever sees a burst.

    Args:
        gap: the least time between two requests. 20 a minute is a gap of 3 s.
        clock: monotonic seconds.
    """

    def __init__(self, gap: timedelta, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._gap = gap.total_seconds()
        self._clock = clock
        self._limiter = AsyncLimiter(1, self._gap)
        self._sent: deque[float] = deque(maxlen=max(1, round(_PERIOD_SECONDS / self._gap)))
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
        self._sent.append(self._clock())

    @property
    def left(self) -> float | None:
        """Tell which share (0..1) was not used in the last minute, or gap where that is longer.

        None where this process has sent nothing yet: the account may be another's.
        """
        if not self._sent or self._sent.maxlen is None:
            return None
        begin = self._clock() - self._sent.maxlen * self._gap
        return 1 - sum(sent > begin for sent in self._sent) / self._sent.maxlen


class Unlimited:
    """Let everything through: for services that state no limit."""

    async def acquire(self) -> None:
        """Return at once."""
