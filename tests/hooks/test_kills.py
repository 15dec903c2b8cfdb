"""Alerts fire and resolve while processes are killed: everybody hears of everything.

In full: CALLSTREAMS_KILLS=full (500 alerts, 12 kills and more); the seed: CALLSTREAMS_SEED.
"""

import asyncio
import os
import random
import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from connectors.broker import Broker
from connectors.hooks.silences import expire_silence, new_silence, write_silence
from connectors.kafka import create_topics, new_producer
from schemas import topics
from schemas.topics import ALERTS
from tests.engine.workers import Workers
from tests.hooks.alerts import SECRET, Inbox, alert
from tests.hooks.calls import RULES, Ledger, afternoon
from tests.hooks.fleet import READ, Flaky, Fleet, configured, until, within

FULL = os.environ.get("CALLSTREAMS_KILLS") == "full"
ALERT_COUNT, KILLS = (500, 12) if FULL else (60, 2)
WORKED_ALERTS, WORKED_KILLS = (500, 16) if FULL else (36, 3)
VICTIMS = ("hooks", "both", "worker", "hooks", "worker")
SEED = int(os.environ.get("CALLSTREAMS_SEED", "20260302"))
PROCESSES = 2
LIMIT = 500 if FULL else 120
WORKED_LIMIT = 1500 if FULL else 240


def transitions(mark, dice):
    """Give the transitions of all alerts, mixed; those of one alert in their order."""
    stories = []
    for number in range(ALERT_COUNT):
        labels = {"mark": mark, "queue": str(number % 7), "value": str(number)}
        rounds = dice.choice([1, 1, 2])
        stories.append(
            [
                alert(f"{mark}-{number}", state, labels=labels,
                      starts_at=f"2026-03-02T{8 + turn:02}:00:00Z")
                for turn in range(rounds)
                for state in ("firing", "resolved")
            ]
        )  # fmt: skip
    mixed = [number for number, story in enumerate(stories) for _ in story]
    dice.shuffle(mixed)
    return [stories[number].pop(0) for number in mixed]


async def opened(stack, dice):
    """Open the receivers."""
    inboxes = {name: Flaky(name, dice) for name in READ}
    addresses = {
        name: await stack.enter_async_context(inbox.open()) for name, inbox in inboxes.items()
    }
    return inboxes, addresses


def count(inboxes):
    return sum(inbox.heard().total() for inbox in inboxes.values())


def hold_to(wanted, inboxes):
    """See that each receiver has heard each transition, under one id, and nothing else."""
    for name, inbox in inboxes.items():
        heard = inbox.heard()
        missing, invented = wanted - set(heard), set(heard) - wanted
        assert not missing and not invented, f"{name}: {len(missing)} missing, {invented=}"
        assert {what: ids for what, ids in inbox.named.items() if len(ids) > 1} == {}
        # shown with -s: how often a kill came between delivered and noted
        print(f"{name}: {len(wanted)} transitions, {heard.total() - len(wanted)} twice")  # noqa: T201


@pytest.mark.timeout(LIMIT + 60)
async def test_killed_processes_lose_and_invent_no_transition(fresh_kafka):
    dice, mark = random.Random(SEED), uuid.uuid4().hex
    sent = transitions(mark, dice)
    wanted = {each.id for each in sent}
    chunk = len(sent) // (KILLS + 1) + 1
    async with AsyncExitStack() as stack:
        inboxes, addresses = await opened(stack, dice)
        settings = configured(addresses, f"hooks-{mark}", {"mark": mark}, "queue")
        fleet = Fleet(fresh_kafka, settings, dice)
        stack.push_async_callback(fleet.end)
        await fleet.grow(PROCESSES)
        producer = new_producer(fresh_kafka)
        await producer.start()
        stack.push_async_callback(producer.stop)
        async with within(LIMIT):
            for start in range(0, len(sent), chunk):
                part = sent[start : start + chunk]
                # the moment of the kill: when so many of these have been heard, by anybody
                enough = count(inboxes) + dice.randrange(len(part))
                for each in part:
                    await producer.send_and_wait(ALERTS.name, each.to_json(), key=each.key)
                if start + chunk < len(sent):
                    await until(inboxes.values(), lambda enough=enough: count(inboxes) >= enough)
                    await fleet.kill_one()
            await until(
                inboxes.values(), lambda: all(wanted <= set(i.heard()) for i in inboxes.values())
            )
    hold_to(wanted, inboxes)


@pytest.mark.timeout(WORKED_LIMIT + 60)
async def test_killed_workers_and_hooks_lose_and_invent_no_transition(installation, tmp_path):
    """Calls go in on the raw topic; what is right is what then stands on `alerts`."""
    dice = random.Random(SEED)
    (tmp_path / "rules.yaml").write_text(RULES)
    numbers = [f"0755{number:08}" for number in range(WORKED_ALERTS)]
    per_kill = len(numbers) // WORKED_KILLS
    async with AsyncExitStack() as stack:
        kafka = (await stack.enter_async_context(Broker(installation=installation))).settings
        await create_topics(kafka, topics.ALL)
        inboxes, addresses = await opened(stack, dice)
        fleet = Fleet(kafka, configured(addresses, "hooks", {}, "vendor"), dice)
        stack.push_async_callback(fleet.end)
        await fleet.grow(PROCESSES)
        workers = Workers(kafka, tmp_path, rules=str(tmp_path / "rules.yaml"))
        stack.callback(workers.stop)
        for _ in range(PROCESSES):
            workers.start()
        ledger = await stack.enter_async_context(Ledger(kafka))
        async with within(WORKED_LIMIT):
            for turn in range(WORKED_KILLS):
                last = turn == WORKED_KILLS - 1
                part = numbers[turn * per_kill : None if last else (turn + 1) * per_kill]
                for answered in (False, True):
                    known, heard = len(ledger.ids), count(inboxes)
                    await ledger.publish(afternoon(part, answered=answered, dice=dice))
                    if answered == (turn % 2 == 0):
                        # the moment: so many stand on alerts, or were heard, by anybody
                        victim, hits = VICTIMS[turn % len(VICTIMS)], dice.randrange(len(part))
                        if victim == "worker":
                            happened = lambda n=known + hits: len(ledger.ids) >= n  # noqa: E731
                        else:
                            happened = lambda n=heard + 3 * hits: count(inboxes) >= n  # noqa: E731
                        await ledger.until(happened, workers)
                        await kill(victim, fleet, workers, dice)
                    state = "resolved" if answered else "firing"
                    await ledger.until(lambda s=state, p=part: ledger.all_are(s, p), workers)
            await until(
                inboxes.values(),
                lambda: all(set(ledger.ids) <= set(i.heard()) for i in inboxes.values()),
            )
            await ledger.read_to_the_end()
        assert max(ledger.ids.values()) == 1, "a transition stands twice on alerts"
        assert len(ledger.ids) >= 2 * WORKED_ALERTS
    hold_to(set(ledger.ids), inboxes)


async def kill(victim, fleet, workers, dice):
    if victim != "hooks":
        await asyncio.to_thread(workers.kill, dice.randrange(9))
    if victim != "worker":
        await fleet.kill_one()


class Deadly(Inbox):
    """Takes a message, and whoever sent it dies before it hears so."""

    def __init__(self) -> None:
        super().__init__()
        self.fleet = None

    async def _post(self, request):
        answer = await super()._post(request)
        if self.fleet is not None:
            self.fleet.kill_now()
        return answer


async def test_the_end_of_what_was_delivered_before_a_kill_is_told_in_spite_of_a_silence(kafka):
    mark, now = uuid.uuid4().hex, datetime.now(UTC)

    def marked(state, value):
        return alert(f"{mark}-{value}", state, labels={"mark": mark, "value": value})

    fired, ended, loud = marked("firing", "a"), marked("resolved", "a"), marked("firing", "loud")
    silence = new_silence(
        [f"mark={mark}", "value=a"], starts_at=now, lasts=timedelta(hours=1),
        created_by="ops", comment="works", now=now,
    )  # fmt: skip
    inbox = Deadly()
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(inbox.open())
        producer = new_producer(kafka)
        await producer.start()
        stack.push_async_callback(producer.stop)
        settings = {
            "group": f"hooks-{mark}",
            "receivers": [{"name": "one", "url": address, "secret": SECRET}],
            "routes": [{"match": {"mark": mark}, "receivers": "one"}],
        }
        inbox.fleet = fleet = Fleet(kafka, settings, random.Random(SEED))
        stack.push_async_callback(fleet.end)
        await fleet.grow(1)
        await producer.send_and_wait(ALERTS.name, fired.to_json(), key=fired.key)
        await until([inbox], lambda: inbox.ids == [fired.id])
        await fleet.end()
        inbox.fleet = None
        await write_silence(kafka, silence)
        for each in (ended, loud):
            # one behind the other: who has heard of the second had the first in hand
            await producer.send_and_wait(ALERTS.name, each.to_json(), key=fired.key)
        await fleet.grow(1)
        await until([inbox], lambda: loud.id in inbox.ids)
        assert ended.id not in inbox.ids
        await expire_silence(kafka, silence.id, datetime.now(UTC))
        await until([inbox], lambda: ended.id in inbox.ids)
    assert inbox.ids == [fired.id, loud.id, fired.id, ended.id]
