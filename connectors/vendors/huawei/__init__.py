"""Huawei AICC: campaign statistics (CC-iSales) and missed calls (CC-CMS).

- `auth` the C2 signature; `payloads` what is sent and answered, and the result codes
- `client` the interfaces; `source` the account's settings, and the feeds
  `campaign-statistics` and `missed-call`
- `mapper` a record as the Tallies, or the Call and MissedCall, that it becomes
"""

from connectors.vendors.huawei.client import CmsClient, IsalesClient
from connectors.vendors.huawei.mapper import map_campaign_statistics, map_missed_call
from connectors.vendors.huawei.source import (
    CampaignStatisticsSource,
    HuaweiAccount,
    MissedCallSource,
)

__all__ = [
    "CampaignStatisticsSource",
    "CmsClient",
    "HuaweiAccount",
    "IsalesClient",
    "MissedCallSource",
    "map_campaign_statistics",
    "map_missed_call",
]
