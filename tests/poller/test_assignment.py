from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka import partition_of
from connectors.poller.assignment import AccountKey, accounts_on
from schemas.base import Vendor

accounts = st.builds(
    AccountKey, st.sampled_from(Vendor), st.from_regex(r"[a-z0-9][a-z0-9_-]*", fullmatch=True)
)


@given(st.sets(accounts), st.integers(1, 12), st.data())
def test_every_account_belongs_to_exactly_one_process(
    keys: set[AccountKey], partitions: int, data: st.DataObject
) -> None:
    owners = data.draw(st.lists(st.integers(0, 2), min_size=partitions, max_size=partitions))
    taken = [
        account
        for process in range(3)
        for account, _ in accounts_on(
            [p for p, owner in enumerate(owners) if owner == process], keys, partitions
        )
    ]
    assert sorted(taken) == sorted(keys)


@pytest.mark.parametrize(
    ("key", "murmur2"),  # org.apache.kafka.common.utils.UtilsTest.testMurmur2
    [(b"21", -973932308), (b"foobar", -790332482), (b"abc", 479470107)],
)
def test_the_partition_is_the_one_that_javas_client_chooses(key: bytes, murmur2: int) -> None:
    assert partition_of(key, 7) == (murmur2 & 0x7FFFFFFF) % 7
