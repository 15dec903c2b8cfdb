"""What a test can make go wrong at a vendor: faults queue up, and each takes one request."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with a status and a text body instead of an answer, as a gateway does."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def too_many(retry_after: int | str | None = None) -> Status:
    """Answer 429, with Retry-After where one is given (seconds or an HTTP date)."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Status(HTTPStatus.TOO_MANY_REQUESTS, "too many requests", headers)


def broken() -> Status:
    """Answer 500."""
    return Status(HTTPStatus.INTERNAL_SERVER_ERROR, "internal server error")


@dataclass(frozen=True, slots=True)
class SlowBody:
    """Send half of the body, wait, and send the other half."""

    seconds: float = 3600


@dataclass(frozen=True, slots=True)
class CutBody:
    """Send half of the body, and close the connection."""


@dataclass(frozen=True, slots=True)
class DuplicatePage:
    """Answer with the body that this path answered last, byte for byte."""


@dataclass(frozen=True, slots=True)
class StuckCursor:
    """Answer with the right page, and the cursor that was asked with (icsoc's search)."""


@dataclass(frozen=True, slots=True)
class ChangingPage:
    """Answer as if some calls were not there yet; the next request finds them.

    Huawei's missed calls lack their newest `rows`, so that the next page is shifted against
    this one. icsoc's page lacks its first `rows`, and its cursor has passed them all the same.
    """

    rows: int = 1


@dataclass(frozen=True, slots=True)
class VendorError:
    """Say no in a body with status 200, in the vendor's own form."""

    code: str = "500"
    message: str = "system busy"


Fault = Status | SlowBody | CutBody | DuplicatePage | StuckCursor | ChangingPage | VendorError


class Faults:
    """A server's queue of faults."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Fault | None, str]] = deque()

    def queue(self, fault: Fault, *, times: int = 1, path: str = "", after: int = 0) -> None:
        """Let `fault` befall the next `times` requests whose path ends in `path`.

        Args:
            fault: what goes wrong.
            times: so often.
            path: where.
            after: so many requests go well before.
        """
        self._queue.extend([(None, path)] * after + [(fault, path)] * times)

    def take(self, path: str) -> Fault | None:
        """Take what waits first for a request to `path`."""
        for place, (fault, ending) in enumerate(self._queue):
            if path.endswith(ending):
                del self._queue[place]
                return fault
        return None

    @property
    def waiting(self) -> int:
        """Give how many faults no request has met yet."""
        return len(self._queue)
