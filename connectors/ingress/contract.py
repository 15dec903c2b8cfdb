"""What the ingress asks of the code that knows a vendor's pushes."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

from schemas.base import Vendor
from schemas.envelope import RawRecord
from schemas.errors import InvalidRecord


class PushRefused(InvalidRecord):
    """A push that is not taken.

    Args:
        reason: a sentence that names the mend; the vendor is told it too.
        status: the HTTP status: 400, 401 or 422.
        code: a short stable word to group by.
        data: the bytes to keep as a dead letter; None where nobody vouches for the push.
    """

    def __init__(self, reason: str, *, status: int, code: str, data: bytes | None = None) -> None:
        super().__init__(reason, code=code)
        self.status = status
        self.data = data


class Receiver(Protocol):
    """Takes the pushes for one account, at `/push/{vendor}/{account}`."""

    @property
    def vendor(self) -> Vendor:
        """Whose pushes these are."""
        ...

    @property
    def account(self) -> str:
        """The account of ours that they are for."""
        ...

    def receive(self, body: bytes, now: datetime) -> RawRecord:
        """Verify a push and make the raw record that it carries.

        Raises:
            PushRefused: it is not taken.
        """
        ...


@runtime_checkable
class Reopener(Protocol):
    """A receiver that makes a record of what it once refused and kept."""

    def reopen(self, kept: bytes, at: datetime) -> RawRecord:
        """Make the raw record of a refused push's `data`, which was verified when it came.

        Args:
            kept: the bytes of `PushRefused.data`.
            at: when the push came.

        Raises:
            PushRefused: it is refused still.
        """
        ...


@runtime_checkable
class PushedAccount(Protocol):
    """Account settings that may take pushes."""

    def receiver(self) -> Receiver | None:
        """Make the account's receiver; None where it takes no pushes."""
        ...
