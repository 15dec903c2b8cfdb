"""Time, as the poller is given it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the poller asks about time."""

    def now(self) -> datetime:
        """Give the moment that records are observed at."""
        ...

    def monotonic(self) -> float:
        """Give seconds that never go back: the schedule's time."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 lets the others run."""
        ...


class SystemClock:
    """The computer's own time."""

    def now(self) -> datetime:
        """Give the moment in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give the system's monotonic seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep in real time."""
        await asyncio.sleep(seconds)
