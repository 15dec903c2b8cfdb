"""What icsoc's interfaces are, and whether an account may use them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from connectors.budget import Unlimited
from connectors.http import ONCE, Http
from connectors.trial import Finding, Interface, attempt, clock_finding
from connectors.vendors.icsoc.auth import GRANTED_REQUESTS, OAuth, Tokens
from connectors.vendors.icsoc.client import Client, Filters
from connectors.vendors.icsoc.source import IcsocAccount

INTERFACES = (
    Interface(
        "token", "the OAuth token", f"{GRANTED_REQUESTS} in 24 hours for an agent", "all searches"
    ),
    Interface(
        "cdr search", "call detail records", "not documented; one request a second", "feed cdr"
    ),
    Interface(
        "cdr push",
        "each ended call, pushed to us",
        "retried for 3 h 4 min, then given up",
        "callstreams ingress",
    ),
)


def _now() -> datetime:
    return datetime.now(UTC)


async def probe(account: IcsocAccount) -> AsyncIterator[Finding]:
    """Take a token, the kept one where it is good, and search for one call of the last minute."""
    if account.oauth is not None:
        async for finding in _search(account, account.oauth):
            yield finding
    if account.push is None:
        yield Finding("cdr push", good=None, words="the account takes no pushes", mend="add `push`")
    else:
        count = len(account.push.secrets)
        yield Finding(
            "cdr push",
            good=None,
            words=f"{count} secrets are accepted, signature {account.push.signature!r}; "
            "only icsoc itself can try it",
            mend=f"tell icsoc to push to https://…/push/icsoc/{account.name}; watch the ingress",
        )


async def _search(account: IcsocAccount, oauth: OAuth) -> AsyncIterator[Finding]:
    timeout = account.request_timeout
    async with (
        Http(oauth.base_url, budget=Unlimited(), timeout=timeout, retry=ONCE) as login,
        Http(account.base_url, budget=account.spare_budget, timeout=timeout, retry=ONCE) as http,
    ):
        tokens = Tokens(oauth, login, account.state_directory, _now)

        async def token() -> str:
            await tokens.get()
            return f"{tokens.asked()} of {GRANTED_REQUESTS} tokens were asked for in 24 hours"

        async def search() -> str:
            now = _now()
            recent = Filters(since=now - timedelta(minutes=1), until=now, per_page=1)
            async for page in Client(http, tokens).pages(recent, max_pages=1):
                return f"answered with {len(page.results)} calls"
            return "answered"

        found = await attempt("token", token, throttled="wait; find out why tokens are not kept")
        yield found
        if found.good:
            yield await attempt("cdr search", search, throttled="raise request_gap")
            yield clock_finding(http)
