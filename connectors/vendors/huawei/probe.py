"""What Huawei AICC's interfaces are, and whether an account may use them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from connectors.budget import Unlimited
from connectors.http import ONCE
from connectors.trial import Finding, Interface, attempt, clock_finding
from connectors.vendors.huawei.source import HuaweiAccount

INTERFACES = (
    Interface(
        "campaign statistics",
        "today's calls by campaign and batch (CC-iSales)",
        "one run in five minutes",
        "feed campaign-statistics",
    ),
    Interface(
        "missed calls", "missed calls of the vdn (CC-CMS)", "5,000 a page", "feed missed-call"
    ),
)


async def probe(account: HuaweiAccount) -> AsyncIterator[Finding]:
    """Ask for the statistics, and for the missed calls of the last minute."""
    if account.isales_url is not None:
        http = account.http(account.isales_url, Unlimited(), retry=ONCE)
        async with http:
            isales = account.isales_of(http)

            async def statistics() -> str:
                return f"answered with {len(await isales.statistics_rows())} campaigns"

            yield await attempt(
                "campaign statistics",
                statistics,
                throttled="the credentials are good, and a poller has just used the five minutes' "
                "one run: nothing to mend",
            )
            yield clock_finding(http)
    if account.cms_url is not None:
        http = account.http(account.cms_url, Unlimited(), retry=ONCE)
        async with http:
            cms = account.cms_of(http)

            async def missed() -> str:
                now = datetime.now(UTC)
                found = await cms.missed_calls(now - timedelta(minutes=1), now)
                return f"answered with {len(found.calls)} calls of the last minute"

            yield await attempt("missed calls", missed)
            yield clock_finding(http)
