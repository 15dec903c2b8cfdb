"""The door to httpx: send a request within its rate budget, and try again what may be tried again.

A request is a value that is built anew for every attempt, since vendors sign a nonce and a
timestamp that they accept only once.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from types import TracebackType
from typing import Self

import httpx
import stamina

from connectors.budget import Budget
from schemas.errors import FatalError, RetryableError

_log = logging.getLogger(__name__)

_OK = range(200, 300)
_TOO_MANY = 429
_SERVER_ERROR = 500
_UNAUTHORISED = 401
_DENIED = (_UNAUTHORISED, 403)
_TOLERATED_SKEW = timedelta(minutes=1)
"""Vendors refuse signatures whose time is minutes away; `Date` itself has whole seconds."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DeniedError(FatalError):
    """The vendor refused our credentials (401) or our address (403): asking again does harm."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class RefusedError(FatalError):
    """The vendor refused the request itself (another 4xx).

    Args:
        message: what was refused, with the mend.
        status: the HTTP status.
        body: what the vendor answered.
    """

    def __init__(self, message: str, *, status: int, body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as bytes, signed and ready.

    Attributes:
        target: path and query exactly as they were signed; httpx sends them as they are.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer with status 2xx."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently to try again: exponential with full jitter."""

    attempts: int = 4
    first_wait: timedelta = timedelta(seconds=0.5)
    longest_wait: timedelta = timedelta(seconds=20)
    longest_obeyed_wait: timedelta = timedelta(seconds=60)
    """A longer Retry-After is left to the caller's schedule rather than slept through."""
    wait_when_throttled: timedelta | None = None
    """What a 429 without Retry-After asks for, where the vendor's page says it."""


ONCE = RetryPolicy(attempts=1)
"""For what must not be done twice: after a time-out nobody knows whether it was done."""


class Http:
    """A client of one base address. Use as an async context manager.

    Args:
        base_url: scheme, host and port.
        budget: asked before every attempt.
        timeout: for connecting and for each read.
        retry: when to try again.
        verify: False, or an SSL context, where the vendor's certificate is a private one.
        largest_body: more bytes than this are refused rather than read.
        clock: the time of this computer.

    Attributes:
        skew: how far the other clock runs ahead of ours, as the last answer told; to the second.
    """

    def __init__(
        self,
        base_url: str,
        *,
        budget: Budget,
        timeout: timedelta = timedelta(seconds=10),
        retry: RetryPolicy | None = None,
        verify: bool | ssl.SSLContext = True,
        largest_body: int = 32 * 1024 * 1024,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.base_url = httpx.URL(base_url)
        self._budget = budget
        self._retry = retry or RetryPolicy()
        self._largest = largest_body
        self._clock = clock
        self._correction = timedelta(0)
        self.skew: timedelta | None = None
        self._client = httpx.AsyncClient(
            timeout=timeout.total_seconds(), verify=verify, follow_redirects=False
        )

    @property
    def host(self) -> str:
        """Give the Host header as it is sent: with the port where it is not the scheme's own."""
        return self.base_url.netloc.decode()

    def now(self) -> datetime:
        """Give the moment to sign with: the vendor's, once it has refused ours.

        A computer whose clock is minutes off is refused with 401 like one with a wrong secret.
        The answer's `Date` tells the two apart, and until the clock is mended it is corrected by.
        """
        return self._clock() + self._correction

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give back the connections."""
        await self._client.aclose()

    async def call(
        self,
        build: Callable[[], Request],
        *,
        check: Callable[[Answer], None] | None = None,
        retry: RetryPolicy | None = None,
    ) -> Answer:
        """Send what `build` gives, building it anew for every attempt.

        Args:
            build: makes and signs the request.
            check: raises for an answer that says no with status 200; a RetryableError that it
                raises is tried again like any other.
            retry: when to try this one again, where the client's own policy does not suit.

        Raises:
            RetryableError: it did not succeed within the policy's attempts.
            DeniedError: 401 or 403; never tried again.
            RefusedError: another 4xx or 3xx; never tried again.
        """
        policy = retry or self._retry
        async for attempt in stamina.retry_context(
            on=partial(_when_to_retry, policy),
            attempts=policy.attempts,
            timeout=None,
            wait_initial=policy.first_wait,
            wait_max=policy.longest_wait,
            wait_jitter=policy.first_wait,
        ):
            with attempt:
                await self._budget.acquire()
                answer = await self._send(build(), policy)
                if check is not None:
                    check(answer)
                return answer
        raise AssertionError  # pragma: no cover - stamina returns or raises

    async def _send(self, request: Request, policy: RetryPolicy) -> Answer:
        url = self.base_url.copy_with(raw_path=request.target.encode("ascii"))
        try:
            async with self._client.stream(
                request.method, url, headers=dict(request.headers), content=request.body
            ) as response:
                body = await self._read(response)
        except httpx.TimeoutException as error:
            raise RetryableError(f"{self.host} did not answer in time") from error
        except httpx.TransportError as error:
            raise RetryableError(
                f"the connection to {self.host} broke: {type(error).__name__}"
            ) from error
        headers = dict(response.headers)
        theirs = served_at(headers)
        self.skew = None if theirs is None else theirs - self._clock()
        if response.status_code == _UNAUTHORISED:
            self._correct_clock(theirs)
        return _judge(response.status_code, headers, body, self.host, policy)

    def _correct_clock(self, theirs: datetime | None) -> None:
        """Take the vendor's time for signing where it differs from what was signed.

        Raises:
            RetryableError: it did, so that the same request may succeed now.
        """
        if theirs is None or abs(theirs - self.now()) <= _TOLERATED_SKEW:
            return
        self._correction = theirs - self._clock()
        seconds = abs(self._correction.total_seconds())
        way = "behind" if self._correction > timedelta(0) else "ahead of"
        told = f"our clock is {seconds:.0f} s {way} that of {self.host}: synchronise it (NTP)"
        _log.warning("%s; until then requests are signed with theirs", told)
        raise RetryableError(told)

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._largest:
                raise RetryableError(f"{self.host} answered more than {self._largest} bytes")
        return bytes(body)


def _when_to_retry(policy: RetryPolicy, error: Exception) -> bool | timedelta:
    if not isinstance(error, RetryableError):
        return False
    if error.retry_after is None:
        return True
    if error.retry_after > policy.longest_obeyed_wait:
        return False
    return error.retry_after


def _judge(
    status: int, headers: Mapping[str, str], body: bytes, host: str, policy: RetryPolicy
) -> Answer:
    if status in _OK:
        return Answer(status, headers, body)
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        wait = _retry_after(headers.get("retry-after"))
        if wait is None and status == _TOO_MANY:
            wait = policy.wait_when_throttled
        raise RetryableError(f"{host} answered {status}", retry_after=wait)
    if status in _DENIED:
        mend = (
            "check the account's credentials"
            if status == _DENIED[0]
            else ("the address may be locked after repeated bad authentication; ask the vendor")
        )
        raise DeniedError(f"{host} answered {status}: {mend}", status=status)
    raise RefusedError(f"{host} answered {status}", status=status, body=body)


def served_at(headers: Mapping[str, str]) -> datetime | None:
    """Read when an answer was made, by its maker's clock: `Date`, in whole seconds, or None."""
    try:
        moment = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _retry_after(text: str | None) -> timedelta | None:
    """Read Retry-After: seconds or an HTTP date (RFC 9110, section 10.2.3)."""
    if text is None:
        return None
    if text.strip().isdigit():
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(timedelta(0), moment - datetime.now(UTC))
