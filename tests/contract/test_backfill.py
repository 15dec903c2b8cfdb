"""A backfill beside live polling: what lies before it comes once, whatever stops it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from connectors.poller.backfill import Backfill, run_backfill
from connectors.simulators.scenario import DisplayNumber, Queue
from schemas.errors import FatalError
from schemas.topics import RAW_HUAWEI_MISSED, RAW_ICSOC_CDR, RAW_SEVENMOOR_REPORT

from .feeds import FEEDS, cms_account, icsoc_account, sevenmoor_account
from .house import HastyClock, call_centre, check_once, ended, new_account, now, polling, raw

BY_TOPIC = {feed.topic: feed for feed in FEEDS}
LONG = timedelta(hours=5)
LIVE = timedelta(minutes=30)


def backfill_of(account, since=LONG):
    (history,) = account.histories()
    return Backfill(history, now() - since, now())


async def stopped_half_way(kafka, backfill):
    """Run it until it has come somewhere, and cancel it there."""
    half = asyncio.Event()
    task = asyncio.create_task(
        run_backfill(
            kafka, backfill, report=lambda at: half.set() if at.done and at.records else None
        )
    )
    await asyncio.wait(
        (task, waiting := asyncio.create_task(half.wait())), return_when="FIRST_COMPLETED"
    )
    assert waiting.done(), "it ended before"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("topic", [RAW_ICSOC_CDR, RAW_HUAWEI_MISSED], ids=lambda t: t.name)
async def test_the_past_comes_once_beside_live_polling(fresh_kafka, tmp_path, topic):
    feed = BY_TOPIC[topic]
    name = new_account()
    async with call_centre(history=LONG, **calls(1.5)) as sim:
        if topic is RAW_ICSOC_CDR:
            account = icsoc_account(sim, name, tmp_path, initial_span=LIVE)
        else:
            account = cms_account(sim, name, tmp_path, timezone=where_the_day_began())
        asked = backfill_of(account, LONG + timedelta(minutes=5))
        kind = feed.source(name).rsplit("/", 1)[1]
        async with polling(fresh_kafka, account, clock=HastyClock()) as running:
            await running.until_read(now(), feed=kind)
            await stopped_half_way(fresh_kafka, asked)
            again = Backfill(*account.histories(), asked.since, asked.until)
            told = []
            done = await run_backfill(fresh_kafka, again, report=told.append)
            assert told[0].done > 0  # it went on where it stopped
            assert done.complete
            third = Backfill(*account.histories(), asked.since, asked.until)
            await running.until_read(await ended(sim) + feed.resolution, feed=kind)
            assert (await run_backfill(fresh_kafka, third)).records == 0
    newest = check_once(await raw(fresh_kafka, topic, feed.source(name)))
    assert feed.told(newest) == feed.right(sim)


def where_the_day_began():
    """Name a zone where it is past midnight, by less than an hour: polling reads the day."""
    hour = now().hour
    return f"Etc/GMT+{hour}" if hour <= 12 else f"Etc/GMT-{24 - hour}"


def calls(a_minute):
    return {
        "sevenmoor": (
            DisplayNumber("01081401967", a_minute),
            DisplayNumber("01081401968", a_minute),
        ),
        "campaigns": (),
        "icsoc": (DisplayNumber("02160661801", a_minute, 0.5, ("10008/13",)),),
        "queues": (Queue("31045665", a_minute, 0.3),),
    }


async def test_past_days_of_the_report_come_once(fresh_kafka, tmp_path):
    async with call_centre(history=timedelta(days=3), **calls(1)) as sim:
        account = sevenmoor_account(sim, new_account(), tmp_path)
        asked = backfill_of(account, timedelta(days=3))
        done = await run_backfill(fresh_kafka, asked)
        assert done.spans >= 2
        assert done.records == 2 * done.spans  # two display numbers
        source = f"/7moor/{account.name}/answer-report"
        newest = check_once(await raw(fresh_kafka, RAW_SEVENMOOR_REPORT, source))
        days = {subject.partition("@")[2] for subject in newest}
        assert len(days) == done.spans
        today = now().astimezone(account.zone).date().isoformat()
        assert today not in days  # live polling reads it


async def test_what_is_polled_is_not_filled_in(fresh_kafka, tmp_path):
    async with call_centre() as sim:
        account = icsoc_account(sim, new_account(), tmp_path)
        with pytest.raises(FatalError, match="give an earlier --from"):
            await run_backfill(fresh_kafka, backfill_of(account, timedelta(minutes=1)))


async def test_a_second_backfill_of_an_account_ends_the_first(fresh_kafka, tmp_path):
    slow = {"request_gap": timedelta(milliseconds=50)}
    async with call_centre(history=LONG, **calls(1)) as sim:
        account = icsoc_account(sim, new_account(), tmp_path, initial_span=LIVE, **slow)
        first_began = asyncio.Event()
        first = asyncio.create_task(
            run_backfill(
                fresh_kafka,
                backfill_of(account),
                report=lambda at: first_began.set() if at.done else None,
            )
        )
        await first_began.wait()
        other = backfill_of(account, timedelta(hours=4))
        await run_backfill(fresh_kafka, other)
        with pytest.raises(FatalError, match="another process has taken this source over"):
            await first
        newest = check_once(await raw(fresh_kafka, RAW_ICSOC_CDR, f"/icsoc/{account.name}/cdr"))
    assert newest
