"""Which poller polls which account.

The processes are one consumer group on the cursors topic. An account belongs to one partition,
so all its sources run in one process and its rate budget is local; its cursors stand on that
partition, so whoever is given the partition reads on from there. The number of the topic's
partitions must therefore not be changed while cursors are in use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from connectors.kafka import partition_of
from schemas.base import Vendor


class AccountKey(NamedTuple):
    """An account of ours at a vendor."""

    vendor: Vendor
    account: str

    def __str__(self) -> str:
        return f"{self.vendor}/{self.account}"


def cursor_partition(account: AccountKey, partitions: int) -> int:
    """Give the partition of the cursors topic that an account belongs to."""
    return partition_of(str(account).encode(), partitions)


def accounts_on(
    assigned: Collection[int], accounts: Iterable[AccountKey], partitions: int
) -> list[tuple[AccountKey, int]]:
    """Pick the accounts that belong to the assigned partitions, each with its partition."""
    placed = ((account, cursor_partition(account, partitions)) for account in accounts)
    return [(account, partition) for account, partition in placed if partition in assigned]
