"""Every polled feed over every fault: what stands on its raw topic is whole, and stands once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import stamina

from connectors.poller import State
from connectors.simulators.faults import (
    ChangingPage,
    CutBody,
    DuplicatePage,
    SlowBody,
    StuckCursor,
    VendorError,
    broken,
    too_many,
)

from .feeds import FEEDS
from .house import HastyClock, call_centre, check_once, ended, new_account, now, polling, raw

ATTEMPTS = 4  # of the door to HTTP for one request
LATER = 3600

FAULTS = {
    "429": (too_many(), ATTEMPTS + 1),
    "429 with Retry-After": (too_many(LATER), 1),
    "500": (broken(), ATTEMPTS + 1),
    "a slow body": (SlowBody(), ATTEMPTS + 1),
    "a cut connection": (CutBody(), ATTEMPTS + 1),
    "a page twice": (DuplicatePage(), 1),
    "an error in a 200": (VendorError(), ATTEMPTS + 1),
}
OWN_FAULTS = [
    ("huawei missed calls", ChangingPage(2)),
    ("icsoc search", ChangingPage(2)),
    ("icsoc search", StuckCursor()),
]
PLACES = [(name, after) for name in FAULTS for after in (0, 1)]
PLACES.remove(("a page twice", 0))  # there is no page yet that could come twice
BY_NAME = {feed.name: feed for feed in FEEDS}


@pytest.fixture(autouse=True)
def impatient():
    """Let the door to HTTP try again at once."""
    with stamina.set_testing(True, attempts=ATTEMPTS):
        yield


@pytest.fixture(params=FEEDS, ids=str)
def feed(request):
    return request.param


async def holds(kafka, sim, feed, account, clock=None):
    """Poll until the traffic has ended and was read, and hold the topic against the vendor."""
    kind = feed.source(account.name).rsplit("/", 1)[1]
    async with polling(kafka, account, clock=clock or HastyClock()) as running:
        await running.until_read(now(), feed=kind)
        await running.until_read(await ended(sim) + feed.resolution, feed=kind)
        assert feed.server(sim).faults.waiting == 0
    newest = check_once(await raw(kafka, feed.topic, feed.source(account.name)))
    right = feed.right(sim)
    assert right
    assert feed.told(newest) == right
    return running


@pytest.mark.parametrize(("name", "after"), PLACES)
async def test_a_fault_costs_and_doubles_nothing(fresh_kafka, tmp_path, feed, name, after):
    fault, times = FAULTS[name]
    clock = HastyClock()
    async with call_centre() as sim:
        feed.server(sim).faults.queue(fault, times=times, path=feed.path, after=after)
        account = feed.account(sim, new_account(), tmp_path)
        running = await holds(fresh_kafka, sim, feed, account, clock)
    if times > 1 or name == "429 with Retry-After":
        assert State.DEGRADED in {status.state for status in running.said}
    if name == "429 with Retry-After":
        assert max(clock.waits) > LATER - 1


@pytest.mark.parametrize(("name", "fault"), OWN_FAULTS)
@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_page_of_its_own_kind_hides_nothing(fresh_kafka, tmp_path, name, fault, after):
    feed = BY_NAME[name]
    async with call_centre() as sim:
        feed.server(sim).faults.queue(fault, path=feed.path, after=after)
        more = (
            {"lookback": timedelta(hours=1)}
            if isinstance(fault, ChangingPage) and name == "icsoc search"
            else {}
        )
        await holds(fresh_kafka, sim, feed, feed.account(sim, new_account(), tmp_path, **more))


@pytest.mark.parametrize("minutes", [-20, 20])
async def test_the_vendors_clock_is_wrong(fresh_kafka, tmp_path, feed, minutes):
    async with call_centre() as sim:
        feed.server(sim).skew = timedelta(minutes=minutes)
        await holds(fresh_kafka, sim, feed, feed.account(sim, new_account(), tmp_path))


async def test_a_token_expires(fresh_kafka, tmp_path):
    feed = BY_NAME["icsoc search"]
    async with call_centre() as sim:
        account = feed.account(sim, new_account(), tmp_path)
        async with polling(fresh_kafka, account, clock=HastyClock()) as running:
            await running.until_read(now(), feed="cdr")
            sim.icsoc.tokens.expire()
            await running.until_read(now() + feed.resolution, feed="cdr")
        assert sim.icsoc.log.count("/token") == 2
        await holds(fresh_kafka, sim, feed, account)
        assert sim.icsoc.log.count("/token") == 2  # it outlives the process


async def test_a_secret_is_rotated(fresh_kafka, tmp_path, feed):
    """The source stops, says so and leaves the vendor alone; with the new secret it goes on."""
    async with call_centre() as sim:
        server = feed.server(sim)
        account = feed.account(sim, new_account(), tmp_path)
        kind = feed.source(account.name).rsplit("/", 1)[1]
        async with polling(fresh_kafka, account) as running:
            await running.until_read(now(), feed=kind)
            feed.rotate(sim)
            stopped = await running.until(lambda s: s.state is State.STOPPED, feed=kind)
        assert "check" in stopped.reason
        denied = [one for one in server.log.served if one.status in (400, 401, 403)]
        assert 1 <= len(denied) <= 3
        renewed = feed.account(sim, account.name, tmp_path)
        await holds(fresh_kafka, sim, feed, renewed)
