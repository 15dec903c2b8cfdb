"""What the hooks ask of a receiver. Adding one means a module here and a line in the registry."""

from __future__ import annotations

from typing import Protocol

from schemas.alert import Alert


class Receiver(Protocol):
    """Somebody who is told of alerts."""

    async def deliver(self, alert: Alert) -> None:
        """Tell of one firing or resolved alert, in one attempt.

        Raises:
            RetryableError: the same again, later, may succeed.
            FatalError: it will not; the text names the mend.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
