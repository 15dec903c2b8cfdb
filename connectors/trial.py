"""Trying an account against the real service: one harmless request each, and what it tells."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from connectors.http import DeniedError, Http, RefusedError
from schemas.errors import CallstreamsError, FatalError, RetryableError

_TOLERATED = timedelta(seconds=30)
_LOCKED = 403


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface of a vendor.

    Attributes:
        name: as we call it.
        what: what it gives or does.
        limit: what the vendor allows, as its document says.
        used_by: the feed or the command that asks it.
    """

    name: str
    what: str
    limit: str
    used_by: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a try told.

    Attributes:
        what: what was tried.
        good: whether it went well; None where it could not be told.
        words: what was found.
        mend: what to do about it.
    """

    what: str
    good: bool | None
    words: str
    mend: str | None = None


async def attempt(
    what: str, ask: Callable[[], Awaitable[str]], *, throttled: str | None = None
) -> Finding:
    """Ask once, and say what came of it.

    Args:
        what: what is tried.
        ask: asks, and gives in words what was answered.
        throttled: what a refusal for the rate means here: the credentials were good by then.
    """
    try:
        return Finding(what, good=True, words=await ask())
    except DeniedError as error:
        if error.status == _LOCKED:
            return Finding(
                what,
                good=False,
                words=str(error),
                mend="ask the vendor to unlock our address, or to permit this interface to the "
                "account; stop the pollers until then",
            )
        return Finding(
            what, good=False, words=str(error), mend="compare id and secret with the vendor's"
        )
    except RefusedError as error:
        return Finding(what, good=False, words=str(error), mend="compare base address and settings")
    except FatalError as error:
        return Finding(what, good=False, words=str(error))
    except RetryableError as error:
        if error.retry_after is not None and throttled is not None:
            return Finding(what, good=None, words=str(error), mend=throttled)
        return Finding(
            what, good=False, words=str(error), mend="try again; see the vendor's state, DNS, proxy"
        )
    except CallstreamsError as error:
        return Finding(what, good=False, words=str(error))


def clock_finding(http: Http) -> Finding:
    """Compare our clock with the vendor's, as its last answer told it."""
    if http.skew is None:
        return Finding("clock", good=None, words=f"{http.host} did not tell its time")
    seconds = http.skew.total_seconds()
    if abs(http.skew) <= _TOLERATED:
        return Finding("clock", good=True, words=f"within {abs(seconds):.0f} s of {http.host}")
    way = "behind" if seconds > 0 else "ahead of"
    return Finding(
        "clock",
        good=False,
        words=f"ours is {abs(seconds):.0f} s {way} that of {http.host}",
        mend="synchronise it: chronyc makestep, timedatectl set-ntp true",
    )
