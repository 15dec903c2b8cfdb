"""What a vendor's package says of itself, as `LISTED`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.accounts import AccountSettings
from connectors.trial import Finding, Interface
from schemas.base import Message
from schemas.envelope import RawRecord

Mapper = Callable[[RawRecord], Sequence[Message]]
"""Reads a raw record as the messages that it becomes; raises InvalidRecord where it cannot."""


async def _nothing_to_try(_: AccountSettings) -> AsyncIterator[Finding]:
    yield Finding("account", good=None, words="there is no probe for this vendor")


class Listed(NamedTuple):
    """A vendor.

    Attributes:
        account: its settings.
        feeds: what reads the records of each feed.
        interfaces: what `callstreams vendors` lists.
        probe: what `callstreams probe` tries.
    """

    account: type[AccountSettings]
    feeds: Mapping[str, Mapper]
    interfaces: Sequence[Interface] = ()
    probe: Callable[[Any], AsyncIterator[Finding]] = _nothing_to_try
