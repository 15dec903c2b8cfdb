"""Rate budgets: how many requests an account may send (a leaky bucket, by aiolimiter)."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Protocol

from aiolimiter import AsyncLimiter

_log = logging.getLogger(__name__)

_PERIOD_SECONDS = 60
_LONGEST_LOOK = 0.1
_WORTH_TELLING = 1.0


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


class Shared:
    """Let one request through in each `gap`, whichever process of this computer sends it.

    For what comes and goes: a command that begins anew must not begin with a free gap. When the
    last request was sent stands in a file, which is locked by whoever waits for the next one; a
    process that dies lets go of it.

    Args:
        gap: the least time between two requests.
        path: the file. Where it cannot be written, each process waits for a whole gap first.
        clock: seconds that all processes count alike. When it is set, a wait is a gap at most.
    """

    def __init__(
        self, gap: timedelta, path: Path, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._gap = gap.total_seconds()
        self._path = path
        self._clock = clock
        self._alone = Spaced(gap)
        self._alone.spend()

    async def acquire(self) -> None:
        """Wait for the next free gap."""
        try:
            async with self._locked() as file:
                await self._wait(file.read())
                file.seek(0)
                file.truncate()
                file.write(repr(self._clock()))
                file.flush()
        except OSError as error:
            _log.warning(
                "%s cannot be written (%s): set state_dir to a folder that can, or commands do "
                "not know of one another's requests",
                self._path,
                error.strerror,
            )
            await self._alone.acquire()

    async def _wait(self, told: str) -> None:
        try:
            sent = float(told or 0)
        except ValueError:  # a computer that lost its power
            sent = self._clock()
        wait = min(self._gap - (self._clock() - sent), self._gap)
        if wait > _WORTH_TELLING:
            _log.info("waiting %.0f s for the account's rate", wait)
        await asyncio.sleep(max(0.0, wait))

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[IO[str]]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._path.open("a+", encoding="ascii") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(min(self._gap / 10, _LONGEST_LOOK))
            file.seek(0)
            yield file


class Unlimited:
    """Let everything through: for services that state no limit."""

    async def acquire(self) -> None:
        """Return at once."""
