"""The vendors that there are: a line each in `Account`, and a line each feed in `MAPPERS`."""

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
from schemas import topics
from schemas.base import Message
from schemas.envelope import RawRecord

Account = Annotated[
    SevenmoorAccount | HuaweiAccount | IcsocAccount,
    Field(discriminator="vendor"),
]
"""An account in the configuration, told apart by its `vendor`."""

MAPPERS: Mapping[str, Callable[[RawRecord], Sequence[Message]]] = {
    topics.RAW_SEVENMOOR_REPORT.name: map_answer_report,
    topics.RAW_SEVENMOOR_TASK.name: map_dialout_task,
    topics.RAW_HUAWEI_STATISTICS.name: map_campaign_statistics,
    topics.RAW_HUAWEI_MISSED.name: map_missed_call,
    topics.RAW_ICSOC_CDR.name: map_cdr,
}
"""What reads each raw topic."""


class Listed(NamedTuple):
    """A vendor as the commands list and try it.

    Attributes:
        account: its settings.
        interfaces: what it offers.
        probe: tries an account of it.
    """

    account: type[AccountSettings]
    interfaces: Sequence[Interface]
    probe: Callable[[Any], AsyncIterator[Finding]]


VENDORS: Mapping[str, Listed] = {
    "7moor": Listed(SevenmoorAccount, sevenmoor.INTERFACES, sevenmoor.probe),
    "huawei": Listed(HuaweiAccount, huawei.INTERFACES, huawei.probe),
    "icsoc": Listed(IcsocAccount, icsoc.INTERFACES, icsoc.probe),
}
"""What `callstreams vendors` lists and `callstreams probe` tries."""
