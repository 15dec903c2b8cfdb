"""Huawei AICC: campaign statistics (CC-iSales) and missed calls (CC-CMS).

- `auth` the C2 signature; `payloads` what is sent and answered, and the result codes
- `client` the interfaces; `source` the account's settings, and the feeds
  `campaign-statistics` and `missed-call`
- `mapper` a record as the Tallies, or the Call and MissedCall, that it becomes
"""

from connectors.vendors.huawei.mapper import map_campaign_statistics, map_missed_call
from connectors.vendors.huawei.probe import INTERFACES, probe
from connectors.vendors.huawei.source import HuaweiAccount
from connectors.vendors.listed import Listed

__all__ = ["LISTED"]

LISTED = Listed(
    HuaweiAccount,
    {"campaign-statistics": map_campaign_statistics, "missed-call": map_missed_call},
    INTERFACES,
    probe,
)
