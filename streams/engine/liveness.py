"""Notice that this process was away for so long that others may have its partitions.

A stopped or starved process does not learn from Kafka that it was replaced until it speaks to
the broker again, and what it writes until then overtakes its successor's messages. So it asks
its own clock first.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from schemas.errors import FatalError


class Liveness:
    """A pulse that must not stop once it has begun.

    Args:
        limit_seconds: how long it may stand still: less than the group's session time-out.
        clock: monotonic seconds.
    """

    def __init__(
        self, limit_seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit_seconds
        self._clock = clock
        self._last: float | None = None

    def beat(self) -> None:
        """Say that the event loop turns.

        Raises:
            FatalError: it has stood still for too long.
        """
        self.check()
        self._last = self._clock()

    def check(self) -> None:
        """See that the pulse has not stopped; ask before writing for others.

        Raises:
            FatalError: it has.
        """
        if self._last is None:
            return  # it has not begun yet
        away = self._clock() - self._last
        if away > self._limit:
            raise FatalError(
                f"this worker stood still for {away:.0f} s and may have been replaced; it ends, "
                "so that it says nothing out of date. Start it again"
            )

    @property
    def is_beating(self) -> bool:
        """Tell whether the pulse has begun and has not stopped."""
        return self._last is not None and self._clock() - self._last <= self._limit
