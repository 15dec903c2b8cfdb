"""How an account's pushes fare, on the topic of the sources."""

import asyncio
import uuid
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from connectors.ingress.service import run_ingress
from connectors.ingress.settings import IngressSettings
from connectors.ingress.telling import Line
from connectors.vendors.icsoc.source import IcsocAccount
from schemas.base import Vendor
from tests.contract.told import Statuses

from .conftest import NOW, SECRET, push

LATER = NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("line", "state", "reason"),
    [
        ({}, "starting", "no push has come yet"),
        ({"kept": 2, "kept_at": NOW}, "ok", None),
        ({"kept_at": NOW}, "ok", None),  # taken by another process
        (
            {"kept": 1, "kept_at": NOW, "refused": 2, "refused_at": LATER, "reason": "why"},
            "degraded",
            "pushes refused: 2, the last because: why",
        ),
        ({"kept": 1, "kept_at": LATER, "refused": 2, "refused_at": NOW}, "ok", None),
        (
            {"refused": 1, "refused_at": NOW, "reason": "why"},
            "degraded",
            "pushes refused: 1, the last because: why",
        ),
    ],
)
def test_what_a_line_says(line, state, reason):
    told = Line(Vendor.ICSOC, "main", **line).status(LATER, "here:1")
    assert (told.name, told.feed, told.account) == ("icsoc/main/push", "push", "main")
    assert (told.state, told.reason) == (state, reason)
    assert told.last_success_at == line.get("kept_at")
    assert told.records_published == line.get("kept", 0)
    assert told.polls == line.get("kept", 0) + line.get("refused", 0)


@asynccontextmanager
async def ingress(kafka, account, **settings):
    """Run an ingress for one account, and give its push address."""
    address = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    task = asyncio.create_task(
        run_ingress(
            IngressSettings(port=0, **settings),
            [account],
            kafka,
            ready=address.set_result,
            stop=stop,
        )
    )
    await asyncio.wait((task, address), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield f"{address.result()}/push/icsoc/{account.name}"
    finally:
        stop.set()
        await task


async def test_every_account_says_what_became_of_its_pushes(kafka):
    account = IcsocAccount(name=f"a{uuid.uuid4().hex}", push={"secrets": [SECRET]})
    told = Statuses(kafka)

    def mine(**wanted):
        return told.until(
            lambda one: (
                one.name == f"icsoc/{account.name}/push"
                and all(getattr(one, name) == value for name, value in wanted.items())
            )
        )

    async with httpx.AsyncClient(trust_env=False) as client:
        async with ingress(kafka, account) as url:
            assert (await mine(state="starting")).last_success_at is None
            await client.post(url, content=push(secret="another"))
            refused = await mine(state="degraded")
            assert "the signature does not match" in refused.reason
            await client.post(url, content=push())
            kept = await mine(state="ok", records_published=1, polls=2)
        # Another process, or this one started anew, knows when the last push came.
        async with ingress(kafka, account, tell_every=0.1):
            again = await mine(records_published=0, last_success_at=kept.last_success_at)
            assert again.at > kept.at
            assert again.state == "ok"
