"""The door to Apprise: one message to one of the services that it knows, in a thread.

Apprise blocks, says only yes or no, and puts addresses (which hold tokens) into its log: it is
run in a thread with a time-out, and its log is shut.
"""

from __future__ import annotations

import asyncio
import logging
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Literal

from apprise import Apprise, AppriseAsset, NotifyType

from schemas.errors import RetryableError

Level = Literal["info", "success", "warning", "failure"]

logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

_AT_ONCE = 4


class Service:
    """One address of Apprise's, such as `slack://…`, `tgram://…`, `mailtos://…`.

    Args:
        url: the address; appriseit.com lists them.

    Raises:
        ValueError: Apprise does not understand the address. The text holds no part of it but
            its scheme.
    """

    def __init__(self, url: str) -> None:
        self.scheme = url.partition("://")[0]
        with warnings.catch_warnings():
            # loading its plugins, Apprise imports what Python 3.13 has no more
            warnings.simplefilter("ignore", DeprecationWarning)
            service = Apprise.instantiate(url, asset=AppriseAsset(async_mode=False))
        if not service:
            raise ValueError(
                f"Apprise does not understand this {self.scheme}:// address: "
                "see https://appriseit.com/services/ for how it is written"
            )
        self._service = service
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=f"apprise-{self.scheme}")

    async def send(self, title: str, body: str, *, level: Level, timeout: timedelta) -> None:
        """Send one message, in one attempt.

        Raises:
            RetryableError: it did not go through; Apprise does not tell why.
        """
        loop = asyncio.get_running_loop()
        sending = loop.run_in_executor(self._threads, self._send, title, body, level)
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                taken = await sending
        except TimeoutError as error:
            raise RetryableError(f"{self.scheme}:// did not answer in time") from error
        if not taken:
            raise RetryableError(
                f"{self.scheme}:// did not take the message: check its address and its token"
            )

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _send(self, title: str, body: str, level: Level) -> bool:
        return bool(self._service.notify(title=title, body=body, notify_type=NotifyType(level)))
