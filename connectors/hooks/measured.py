"""A receiver whose attempts are timed, and counted by how they ended."""

from __future__ import annotations

import time

from connectors import telemetry
from connectors.hooks.notification import Notification
from connectors.hooks.receivers import Receiver
from schemas.errors import FatalError, RetryableError


class Measured:
    """A receiver like the one within.

    Args:
        name: of the receiver.
        receiver: does the work.
    """

    def __init__(self, name: str, receiver: Receiver) -> None:
        self._name = name
        self._receiver = receiver

    async def deliver(self, notification: Notification) -> None:
        """Tell of alerts, in one attempt; raises what the receiver raises."""
        began = time.perf_counter()
        outcome = "ok"
        try:
            await self._receiver.deliver(notification)
        except RetryableError:
            outcome = "retryable"
            raise
        except FatalError:
            outcome = "fatal"
            raise
        finally:
            seconds = time.perf_counter() - began
            telemetry.HOOK_ATTEMPTS.labels(self._name, outcome).observe(seconds)

    async def close(self) -> None:
        """Give back connections."""
        await self._receiver.close()
