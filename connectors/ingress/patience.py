"""A time limit for many short waits at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

ResultT = TypeVar("ResultT")

_LOOKS = 20


class Patience:
    """Ends waits that last too long, as `asyncio.timeout` does, but looks only now and then.

    A timer for each wait is a tenth of what a push costs. Here one timer serves them all, while
    there are any; a wait may last a twentieth longer than it should.

    Args:
        limit: for each wait.
    """

    def __init__(self, limit: timedelta) -> None:
        self._limit = limit.total_seconds()
        self._waiting: dict[asyncio.Task[object], float] = {}  # until when, the oldest first
        self._ended: set[asyncio.Task[object]] = set()
        self._looking = False

    async def wait(self, for_this: Awaitable[ResultT]) -> ResultT:
        """Wait, once at a time in each task.

        Raises:
            TimeoutError: it lasted too long and was cancelled.
        """
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._waiting[task] = loop.time() + self._limit
        if not self._looking:
            self._looking = True
            loop.call_later(self._limit / _LOOKS, self._look, loop)
        try:
            return await for_this
        except asyncio.CancelledError:
            if task in self._ended and task.uncancel() == 0:
                raise TimeoutError from None
            raise  # somebody else cancels it too
        finally:
            self._waiting.pop(task, None)
            self._ended.discard(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._waiting:
            task, until = next(iter(self._waiting.items()))
            if until > now:
                break
            del self._waiting[task]
            self._ended.add(task)
            task.cancel()
        self._looking = bool(self._waiting)
        if self._looking:
            loop.call_later(self._limit / _LOOKS, self._look, loop)
