"""The vendors that there are: a line each in `Account` and in `VENDORS`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from connectors.accounts import AccountSettings
from connectors.trial import Finding, Interface
from connectors.vendors.huawei import probe as huawei
from connectors.vendors.huawei.mapper import map_campaign_statistics, map_missed_call
from connectors.vendors.huawei.source import HuaweiAccount
from connectors.vendors.icsoc import probe as icsoc
from connectors.vendors.icsoc.mapper import map_cdr
from connectors.vendors.icsoc.source import IcsocAccount
from connectors.vendors.sevenmoor import probe as sevenmoor
from connectors.vendors.sevenmoor.mapper import map_answer_report, map_dialout_task
from connectors.vendors.sevenmoor.source import SevenmoorAccount
from schemas.base import Message, Vendor
from schemas.envelope import RawRecord
from schemas.topics import raw_topic

Account = Annotated[
    SevenmoorAccount | HuaweiAccount | IcsocAccount,
    Field(discriminator="vendor"),
]
"""An account in the configuration, told apart by its `vendor`."""

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


VENDORS: Mapping[str, Listed] = {
    "7moor": Listed(
        SevenmoorAccount,
        {"answer-report": map_answer_report, "dialout-task": map_dialout_task},
        sevenmoor.INTERFACES,
        sevenmoor.probe,
    ),
    "huawei": Listed(
        HuaweiAccount,
        {"campaign-statistics": map_campaign_statistics, "missed-call": map_missed_call},
        huawei.INTERFACES,
        huawei.probe,
    ),
    "icsoc": Listed(IcsocAccount, {"cdr": map_cdr}, icsoc.INTERFACES, icsoc.probe),
}
"""The vendors by the names that the configuration uses."""

MAPPERS: Mapping[str, Mapper] = {
    raw_topic(Vendor(vendor), feed).name: mapper
    for vendor, listed in VENDORS.items()
    for feed, mapper in listed.feeds.items()
}
"""What reads each raw topic."""
