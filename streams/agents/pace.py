"""How often to tell, so that telling never takes the time that counting needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pace:
    """Lets work have a share of the time.

    Where a worker catches up, or very many scopes change each second, telling each change each
    second would take longer than counting does. A metric is an absolute, so what is told later
    is told once and not twice.

    Args:
        share: of the time, 0 < share ≤ 1.
        clock: in seconds, never back.
    """

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._worked = 0.0
        self._rest_until = 0.0

    def is_due(self) -> bool:
        """Tell whether the work may begin again."""
        return self._clock() >= self._rest_until

    @contextmanager
    def working(self) -> Iterator[None]:
        """Take the time of the work inside; what waits for Kafka stands outside."""
        began = self._clock()
        try:
            yield
        finally:
            self._worked += self._clock() - began

    def rest(self) -> None:
        """Rest in proportion to what was worked since the last rest."""
        worked, self._worked = self._worked, 0.0
        self._rest_until = self._clock() + worked * (1 / self._share - 1)
