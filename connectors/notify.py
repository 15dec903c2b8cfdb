"""The door to Apprise: one message to one of the services that it knows, in a thread.

Apprise blocks, says only yes or no, and puts addresses (which hold tokens) into its log: it is
run in a thread with a time-out. Its log goes nowhere; but the codes with which a service answered
are read from it, since they tell a refusal from a fault that may pass.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Literal, NamedTuple

from apprise import Apprise, AppriseAsset, NotifyType

from schemas.errors import FatalError, RetryableError

Level = Literal["info", "success", "warning", "failure"]

_AT_ONCE = 4

# Apprise's plugins write "error=403" of an HTTP answer, and what smtplib raised of an SMTP reply.
_HTTP = re.compile(r"\berror=(\d{3})\b")
_SMTP = re.compile(r"\((\d{3}), b['\"]|was refused: (\d{3}) ")
_SLACK = re.compile(r'"error": ?"([a-z_]+)"')
_BROKEN = "Socket Exception"

_MAY_PASS = {"408", "409", "425", "429"}
_SLACK_REFUSES = {
    "account_inactive", "channel_not_found", "invalid_auth", "is_archived", "missing_scope",
    "no_permission", "not_authed", "not_in_channel", "token_expired", "token_revoked",
}  # fmt: skip


class _Log(logging.Handler):
    """Keeps what Apprise logs in a thread for as long as that thread sends."""

    def __init__(self) -> None:
        super().__init__()
        self._of = threading.local()

    def begin(self) -> list[str]:
        """Begin to keep what this thread's logs say."""
        lines: list[str] = []
        self._of.lines = lines
        return lines

    def end(self) -> None:
        """Keep nothing any more."""
        self._of.lines = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take in one line."""
        lines: list[str] | None = getattr(self._of, "lines", None)
        if lines is not None:
            lines.append(record.getMessage())


_log = _Log()
_apprise = logging.getLogger("apprise")
_apprise.setLevel(logging.DEBUG)
_apprise.propagate = False
_apprise.addHandler(_log)


class Answers(NamedTuple):
    """With what a service said no: codes and words, none of which holds a secret."""

    refused: tuple[str, ...]
    may_pass: bool


def answers(lines: Iterable[str]) -> Answers:
    """Read from Apprise's log how a service said no.

    Args:
        lines: what Apprise logged while it sent.
    """
    refused: dict[str, None] = {}
    may_pass = False
    for line in lines:
        smtp = ["".join(found) for found in _SMTP.findall(line)]
        http = [code for code in _HTTP.findall(line) if code >= "400"]
        slack = [word for word in _SLACK.findall(line) if word in _SLACK_REFUSES]
        for code in http:
            may_pass |= code >= "500" or code in _MAY_PASS
        for code in smtp:
            may_pass |= code < "500"
        may_pass |= line.startswith(_BROKEN) and not smtp
        refused |= dict.fromkeys((*http, *smtp, *slack))
    return Answers(tuple(refused), may_pass or not refused)


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
            RetryableError: it did not go through, and may another time.
            FatalError: the service refused it, and will again; the text names its code.
        """
        loop = asyncio.get_running_loop()
        sending = loop.run_in_executor(self._threads, self._send, title, body, level)
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                no = await sending
        except TimeoutError as error:
            raise RetryableError(f"{self.scheme}:// did not answer in time") from error
        if no is None:
            return
        codes = f" ({', '.join(no.refused)})" if no.refused else ""
        if no.may_pass:
            raise RetryableError(f"{self.scheme}:// did not take the message{codes}")
        raise FatalError(
            f"{self.scheme}:// refuses the message{codes}: mend its address, token or recipient"
        )

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _send(self, title: str, body: str, level: Level) -> Answers | None:
        lines = _log.begin()
        try:
            kind = NotifyType(level)
            taken = bool(self._service.notify(title=title, body=body, notify_type=kind))
        finally:
            _log.end()
        return None if taken else answers(lines)
