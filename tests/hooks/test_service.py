import asyncio
import json
import uuid
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from connectors.hooks.service import run_hooks
from connectors.hooks.settings import HooksSettings
from connectors.hooks.silences import expire_silence, new_silence, write_silence
from connectors.kafka import new_consumer, new_producer
from schemas.alert import Alert
from schemas.dead_letter import read_dead_letter, read_mark
from schemas.topics import ALERTS, DEAD_LETTERS, NOTICES
from tests.hooks.alerts import SECRET, Inbox, alert


@pytest.fixture
def mark():
    """Tells this test's alerts from those of others on the same topic."""
    return uuid.uuid4().hex


def configured(mark, addresses, **changes):
    return HooksSettings.model_validate(
        {
            "group": f"hooks-{mark}",
            "receivers": [
                {"name": name, "url": address, "secret": SECRET}
                for name, address in addresses.items()
            ],
            "routes": [{"match": {"mark": mark}, "receivers": list(addresses)}],
            "first_wait": timedelta(milliseconds=5),
            "longest_wait": timedelta(milliseconds=20),
            **changes,
        }
    )


def marked(mark, name="a", state="firing", minute=0) -> Alert:
    return alert(
        f"{mark}-{name}",
        state,
        labels={"mark": mark},
        starts_at=f"2026-03-02T08:{minute:02}:00Z",
    )


async def publish(kafka, *alerts):
    producer = new_producer(kafka)
    await producer.start()
    try:
        for each in alerts:
            await producer.send_and_wait(ALERTS.name, each.to_json(), key=each.key)
    finally:
        await producer.stop()


class Running:
    def __init__(self) -> None:
        self.delivered: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self.stop = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def next(self, count):
        return [await self.delivered.get() for _ in range(count)]


@asynccontextmanager
async def running(kafka, settings):
    hooks = Running()
    hooks.task = asyncio.create_task(
        run_hooks(
            kafka,
            settings,
            hooks.stop,
            on_delivered=lambda told, name: hooks.delivered.put_nowait((name, told.id)),
        )
    )
    try:
        yield hooks
    finally:
        hooks.stop.set()
        with suppress(asyncio.CancelledError):
            await hooks.task


async def dead_letters(kafka, stage, mark):
    """Wait for the first dead letter of a stage that holds this test's bytes."""
    consumer = new_consumer(kafka, DEAD_LETTERS.name)
    await consumer.start()
    try:
        async for record in consumer:
            if read_mark(record.headers) is not None:
                continue
            letter = read_dead_letter(record.headers, record.value)
            if letter.stage == stage and mark.encode() in (letter.value or b""):
                return letter
    finally:
        await consumer.stop()


async def test_each_receiver_is_told_of_each_transition_once_and_in_order(kafka, mark):
    first, second = Inbox(), Inbox()
    fired, resolved = marked(mark), marked(mark, state="resolved")
    async with first.open() as one, second.open() as two:
        settings = configured(mark, {"one": one, "two": two})
        again = marked(mark, minute=30)
        await publish(
            kafka, marked(mark, state="pending"), fired, fired, resolved,
            marked(mark, state="inactive"), again,
        )  # fmt: skip
        async with running(kafka, settings) as hooks:
            await hooks.next(6)
    assert first.ids == second.ids == [fired.id, resolved.id, again.id]


async def test_a_restarted_process_goes_on_where_it_was(kafka, mark):
    inbox = Inbox()
    async with inbox.open() as address:
        settings = configured(mark, {"one": address})
        await publish(kafka, marked(mark), marked(mark, state="resolved"))
        async with running(kafka, settings) as hooks:
            await hooks.next(2)
        later = marked(mark, minute=30)
        await publish(kafka, later)
        async with running(kafka, settings) as hooks:
            assert await hooks.next(1) == [("one", later.id)]
    assert len(inbox.ids) == 3


async def test_a_broken_receiver_holds_up_nobody_and_ends_in_the_dead_letters(kafka, mark):
    well, broken = Inbox(), Inbox(always=503)
    sent = [marked(mark, str(number)) for number in range(20)]
    async with well.open() as one, broken.open() as two:
        settings = configured(
            mark, {"well": one, "broken": two}, give_up_after=timedelta(milliseconds=300)
        )
        await publish(kafka, *sent)
        async with running(kafka, settings) as hooks:
            assert {name for name, _ in await hooks.next(20)} == {"well"}
            letter = await dead_letters(kafka, "hooks/broken", mark)
    assert sorted(well.ids) == sorted(each.id for each in sent)
    assert letter.code == "gave-up"
    assert "answered 503" in letter.reason
    assert Alert.model_validate_json(letter.value).id in {each.id for each in sent}


async def test_what_was_not_delivered_before_a_kill_is_delivered_after(kafka, mark):
    broken, well = Inbox(always=500), Inbox()
    fired = marked(mark)
    async with broken.open() as address:
        settings = configured(mark, {"one": address})
        await publish(kafka, fired)
        async with running(kafka, settings) as hooks:
            await broken.asked.wait()
            hooks.task.cancel()
    async with well.open() as address, running(kafka, configured(mark, {"one": address})) as hooks:
        assert await hooks.next(1) == [("one", fired.id)]
    assert well.ids == [fired.id]


async def test_a_refused_alert_is_a_dead_letter_and_the_next_goes_through(kafka, mark):
    inbox = Inbox(404)
    async with inbox.open() as address:
        await publish(kafka, marked(mark), marked(mark, state="resolved"))
        async with running(kafka, configured(mark, {"one": address})) as hooks:
            assert await hooks.next(1) == [("one", marked(mark, state="resolved").id)]
            letter = await dead_letters(kafka, "hooks/one", mark)
    assert letter.code == "refused"
    assert Alert.model_validate_json(letter.value).id == marked(mark).id


async def test_bytes_that_are_no_alert_are_a_dead_letter(kafka, mark):
    inbox = Inbox()
    async with inbox.open() as address:
        producer = new_producer(kafka)
        await producer.start()
        key = marked(mark).key
        await producer.send_and_wait(ALERTS.name, f'{{"rule": "{mark}"}}'.encode(), key=key)
        await producer.send_and_wait(ALERTS.name, None, key=key)
        await producer.stop()
        await publish(kafka, marked(mark))
        async with running(kafka, configured(mark, {"one": address})) as hooks:
            await hooks.next(1)
            letter = await dead_letters(kafka, "hooks", mark)
    assert letter.code == "bad-alert"
    assert "fingerprint" in letter.reason


async def test_two_processes_share_the_work_and_lose_nothing_when_one_leaves(kafka, mark):
    inbox = Inbox()
    async with inbox.open() as address:
        settings = configured(mark, {"one": address})
        before = [marked(mark, str(number)) for number in range(30)]
        after = [marked(mark, str(number), minute=30) for number in range(30)]
        async with running(kafka, settings) as stays:
            async with running(kafka, settings):
                await publish(kafka, *before)
            await publish(kafka, *after)
            wanted = {each.id for each in after}
            while wanted:
                wanted -= {told for _, told in await stays.next(1)}
    assert set(inbox.ids) == {each.id for each in before + after}


def addressed(settings, **routing):
    """Change the one route of some settings."""
    (route,) = settings.routes
    changed = route.model_validate(route.model_dump(exclude_unset=True) | routing)
    return settings.model_copy(update={"routes": (changed,)})


async def test_a_group_that_waits_survives_a_restart_and_is_told_whole(kafka, mark):
    inbox = Inbox()
    a, b = marked(mark, "a"), marked(mark, "b")
    async with inbox.open() as address:
        settings = configured(mark, {"one": address})
        patient = addressed(settings, group_by=["mark"], group_wait="1h")
        await publish(kafka, a, b)
        async with running(kafka, patient) as hooks:
            await until_noticed(kafka, settings.group, 2)
            hooks.task.cancel()
        assert inbox.received == []
        hasty = addressed(settings, group_by=["mark"], group_wait="0s")
        async with running(kafka, hasty) as hooks:
            assert {told for _, told in await hooks.next(2)} == {a.id, b.id}
    (told,) = (json.loads(body) for _, body in inbox.received)
    assert told["type"] == "alerts.group"
    assert set(told["data"]["ids"]) == {a.id, b.id}


async def until_noticed(kafka, group, count):
    """Wait until Kafka holds so many notices of a group."""
    consumer = new_consumer(kafka, NOTICES.name)
    await consumer.start()
    try:
        async for record in consumer:
            count -= record.key.decode().startswith(f"{group}|")
            if not count:
                return
    finally:
        await consumer.stop()


async def test_a_silence_holds_in_a_running_process_and_its_end_speaks(kafka, mark):
    inbox = Inbox()
    now = datetime.now(UTC)
    silence = new_silence(
        [f"mark={mark}", "value=quiet"], starts_at=now, lasts=timedelta(hours=1),
        created_by="ops", comment="works", now=now,
    )  # fmt: skip
    quiet = marked(mark, "quiet").model_copy(update={"labels": {"mark": mark, "value": "quiet"}})
    loud = marked(mark, "loud")
    async with inbox.open() as address:
        await write_silence(kafka, silence)
        async with running(kafka, configured(mark, {"one": address})) as hooks:
            await publish(kafka, quiet, loud)
            assert await hooks.next(1) == [("one", loud.id)]
            await expire_silence(kafka, silence.id, datetime.now(UTC))
            assert await hooks.next(1) == [("one", quiet.id)]


async def test_an_alert_that_was_told_mutes_those_it_explains_also_after_a_restart(kafka, mark):
    inbox = Inbox()

    def labelled(name, state="firing"):
        each = marked(mark, name, state)
        return each.model_copy(update={"labels": {"mark": mark, "role": name}})

    down, number, other = labelled("down"), labelled("number"), labelled("other")
    up = labelled("down", "resolved")
    async with inbox.open() as address:
        rule = {"source": "role=down", "target": "role=number", "equal": "mark"}
        settings = configured(mark, {"one": address}, inhibit=[rule])
        await publish(kafka, down)
        async with running(kafka, settings) as hooks:
            assert await hooks.next(1) == [("one", down.id)]
        await publish(kafka, number, other)
        async with running(kafka, settings) as hooks:
            assert await hooks.next(1) == [("one", other.id)]
            await publish(kafka, up)
            assert {told for _, told in await hooks.next(2)} == {up.id, number.id}
