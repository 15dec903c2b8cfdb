"""icsoc's push: what it brings stands on the topic, and what it gave up is found by search."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from connectors.ingress.service import run_ingress
from connectors.ingress.settings import IngressSettings
from connectors.simulators.pusher import PushPlan
from schemas.envelope import FORM, PUSHED
from schemas.topics import RAW_ICSOC_CDR, SOURCES

from .feeds import icsoc_account, right_calls
from .house import HastyClock, call_centre, check_once, ended, new_account, now, polling, raw, until
from .told import Statuses

NEW = "another secret of 32 characters!"


@asynccontextmanager
async def ingress(kafka, account):
    """Take pushes for the account; gives the address to push to."""
    address = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    running = asyncio.create_task(
        run_ingress(IngressSettings(port=0), [account], kafka, ready=address.set_result, stop=stop)
    )
    try:
        yield f"{await address}/push/icsoc/{account.name}"
    finally:
        stop.set()
        await running


def check_pushes(records):
    """See that all copies of a call are the same; give what each says."""
    pushes = [record for record in records if record.extensions[FORM] == PUSHED]
    assert len({record.id for record in pushes}) == len({record.subject for record in pushes})
    rows = {record.subject: json.loads(record.data) for record in pushes}
    return {name: (int(row["end_time"]), row["callresult"]) for name, row in rows.items()}


def pushed_calls(sim):
    start = sim.world.scenario.start.timestamp()
    return {name: told for name, told in right_calls(sim).items() if told[0] >= start}


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
async def test_every_push_stands_on_the_topic_over_a_rotated_secret(
    fresh_kafka, tmp_path, encrypted
):
    """Both secrets are accepted meanwhile; pushed twice, the copies say the same."""
    async with call_centre() as sim:
        old = sim.icsoc.push_secret
        account = icsoc_account(sim, new_account(), tmp_path, push={"secrets": [old, NEW]})
        async with ingress(fresh_kafka, account) as url:
            plan = PushPlan(encrypted=encrypted, retry_scale=0.001, twice=0.3)
            pusher = await sim.start_pushing(url, plan)
            await some_delivered(pusher, 2)
            sim.icsoc.push_secret = NEW
            await some_delivered(pusher, 4)
            await ended(sim)
        assert not pusher.given_up
        right = pushed_calls(sim)
        assert right.keys() == pusher.delivered
        told = check_pushes(await raw(fresh_kafka, RAW_ICSOC_CDR, f"/icsoc/{account.name}/cdr"))
        assert told == right


async def test_an_ingress_that_is_away_costs_no_push(fresh_kafka, tmp_path):
    async with call_centre() as sim:
        push = {"secrets": [sim.icsoc.push_secret]}
        account = icsoc_account(sim, new_account(), tmp_path, push=push)
        async with ingress(fresh_kafka, account) as url:
            pusher = await sim.start_pushing(url, PushPlan(retry_scale=0.01))
            await some_delivered(pusher, 2)
        refused = pusher.attempts
        await until(lambda: pusher.attempts >= refused + 2)  # the address is dead
        port = int(url.split(":")[2].split("/")[0])
        again = IngressSettings(port=port)
        stop = asyncio.Event()
        running = asyncio.create_task(run_ingress(again, [account], fresh_kafka, stop=stop))
        await ended(sim)
        stop.set()
        await running
        assert not pusher.given_up
        told = check_pushes(await raw(fresh_kafka, RAW_ICSOC_CDR, f"/icsoc/{account.name}/cdr"))
        assert told == pushed_calls(sim)


async def test_what_the_push_gave_up_is_found_by_search_and_counted(fresh_kafka, tmp_path):
    """Each such call is counted once, over a restart of the poller as well."""
    async with call_centre(history=timedelta(0)) as sim:
        account = icsoc_account(
            sim,
            new_account(),
            tmp_path,
            push={"secrets": [sim.icsoc.push_secret]},
            push_grace=timedelta(seconds=2),
        )
        async with ingress(fresh_kafka, account) as url:
            pusher = await sim.start_pushing(url, PushPlan(retry_scale=0.001, dropped=0.4))
            async with polling(fresh_kafka, account, clock=HastyClock()) as running:
                await until(lambda: len(pusher.dropped) >= 3)
                await running.until(lambda s: s.found_by_search > 0, feed="cdr")
            async with polling(fresh_kafka, account, clock=HastyClock()) as running:
                quiet = await ended(sim)
                await running.until_read(quiet + timedelta(seconds=4), feed="cdr")
                found = running.said[-1].found_by_search
                told = await Statuses(fresh_kafka).until(
                    lambda s: s.account == account.name and s.found_by_search == found
                )
        assert pusher.dropped
        assert found == len(pusher.dropped)
        assert told.name == f"icsoc/{account.name}/cdr"
        records = await raw(fresh_kafka, RAW_ICSOC_CDR, f"/icsoc/{account.name}/cdr")
        searched = check_once([r for r in records if r.extensions[FORM] != PUSHED])
        assert searched.keys() == right_calls(sim).keys()
        assert pusher.dropped <= searched.keys()
        assert check_pushes(records).keys() == pusher.delivered


async def test_a_source_without_news_still_tells_that_it_lives(fresh_kafka, tmp_path):
    async with call_centre(icsoc=()) as sim:
        account = icsoc_account(sim, new_account(), tmp_path, interval=timedelta(hours=1))
        statuses = Statuses(fresh_kafka)
        beat = timedelta(milliseconds=300)
        async with polling(fresh_kafka, account, tell_every=beat):
            first = await statuses.until(lambda s: s.account == account.name and s.state == "ok")
            second = await statuses.until(
                lambda s: s.account == account.name and s.at > first.at + beat
            )
    assert (second.state, second.polls, second.vendor, second.feed) == ("ok", 1, "icsoc", "cdr")
    assert second.last_success_at == first.last_success_at < now()
    assert SOURCES.name == "callstreams.sources"


async def some_delivered(pusher, more):
    """Wait until so many more pushes were taken."""
    enough = len(pusher.delivered) + more
    await until(lambda: len(pusher.delivered) >= enough)
