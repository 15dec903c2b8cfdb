"""What is counted together."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Self

from schemas.base import Vendor


class Kind(StrEnum):
    """The dimensions of a scope; `GROUP` is what a rule with `group_by` counts together."""

    VENDOR = "vendor"
    ACCOUNT = "account"
    DISPLAY_NUMBER = "display_number"
    CAMPAIGN = "campaign"
    QUEUE = "queue"
    REGION = "region"
    CARRIER = "carrier"
    GROUP = "group"


class Basis(StrEnum):
    """Which source a metric counts: single calls, or counters that the vendor added up."""

    CALLS = "calls"
    TALLIES = "tallies"


class Scope(NamedTuple):
    """One dimension of one vendor's traffic, such as a display number of an account.

    Its text form is `basis:vendor/account/kind/value`, shorter for a whole account
    (`calls:icsoc/main`) or vendor (`calls:icsoc`); `value` may itself hold slashes. A group over
    the accounts of a vendor has none: `calls:icsoc//group/…`.
    """

    basis: Basis
    vendor: Vendor
    account: str | None
    kind: Kind
    value: str | None

    def __str__(self) -> str:
        path = [str(self.vendor)]
        if self.account is not None or self.value is not None:
            path.append(self.account or "")
        if self.value is not None:
            path += [str(self.kind), self.value]
        return f"{self.basis}:{'/'.join(path)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form back.

        Raises:
            ValueError: it is not one.
        """
        basis, _, path = text.partition(":")
        parts = path.split("/", 3)
        vendor = Vendor(parts[0])
        if len(parts) == 1:
            return cls(Basis(basis), vendor, None, Kind.VENDOR, None)
        if len(parts) == 2:
            return cls(Basis(basis), vendor, parts[1], Kind.ACCOUNT, None)
        if len(parts) == 3:
            raise ValueError(f"{text!r} names a kind of scope without its value")
        return cls(Basis(basis), vendor, parts[1] or None, Kind(parts[2]), parts[3])
