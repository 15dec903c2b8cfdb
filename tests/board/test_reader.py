"""The board on Apache Kafka: what stands on the topics is what it serves."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx

from connectors.hooks.silences import read_silences
from connectors.kafka import new_producer
from schemas.topics import ALERTS, ANSWER_RATE, CALLS
from streams.board.service import run_board
from streams.board.settings import BoardSettings
from tests.board.conftest import NOW
from tests.board.feeder import AlertState, Centre, answer_alert, answer_rate, source_status

NUMBER = "calls:icsoc/board/display_number/075512345678"


class Taken:
    """Stands in for a board: keeps what the centre writes, to be sent to Kafka."""

    def __init__(self):
        self.messages = []

    def take(self, topic, key, value):
        self.messages.append((topic, key, value))


async def send(kafka, messages):
    producer = new_producer(kafka, transactional_id="tests-board")
    await producer.start()
    try:
        async with producer.transaction():
            for topic, key, value in messages:
                await producer.send(topic, value, key=key)
    finally:
        await producer.stop()


@asynccontextmanager
async def running(kafka, **settings):
    stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        run_board(
            kafka,
            BoardSettings(port=0, tick="PT0.05S", **settings),
            stop,
            ready=listening.set_result,
            clock=lambda: NOW,
        )
    )
    try:
        await asyncio.wait((task, listening), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        async with httpx.AsyncClient(base_url=listening.result(), timeout=10) as client:
            yield client
    finally:
        stop.set()
        await task


async def until(client, path, params, found):
    """Ask until the answer is as wanted; the test's own timeout ends it otherwise."""
    while True:
        answer = await client.get(path, params=params)
        if answer.status_code == 200 and found(answer.json()):
            return answer.json()
        await asyncio.sleep(0.05)


async def test_the_board_serves_what_stands_on_the_topics_and_what_comes(kafka):
    taken = Taken()
    older = answer_rate(NUMBER, "5m", NOW - timedelta(minutes=1), 50, 30)
    newer = answer_rate(NUMBER, "5m", NOW, 60, 6)
    alert = answer_alert(NUMBER, AlertState.FIRING, NOW, NOW, successes=6, attempts=60)
    for told in (newer, older):
        taken.take(ANSWER_RATE.name, told.key, told.to_json())
    taken.take(ALERTS.name, alert.key, alert.to_json())
    Centre().call(taken, NOW, NUMBER, account="board", callee="13912345678")
    assert taken.messages[-1][0] == CALLS.name
    Centre().source(taken, source_status("icsoc/board/cdr", NOW))
    await send(kafka, taken.messages)

    async with running(kafka) as client:
        await until(client, "/readyz", {}, lambda told: told["ready"])
        scope = (await client.get("/api/v1/scope", params={"scope": NUMBER})).json()
        assert scope["metrics"][0]["attempts"] == 60
        assert [told["fingerprint"] for told in scope["alerts"]] == [alert.fingerprint]
        assert [call["callee"] for call in scope["calls"]] == ["139****5678"]

        sources = (await client.get("/api/v1/sources")).json()["items"]
        assert ("icsoc/board/cdr", "ok") in [(one["name"], one["health"]) for one in sources]

        later = answer_rate(NUMBER, "5m", NOW + timedelta(minutes=1), 70, 7)
        await send(
            kafka,
            [(ANSWER_RATE.name, later.key, later.to_json()), (ALERTS.name, alert.key, None)],
        )
        asked = {"q": "/board/display_number", "window": "5m"}
        await until(
            client, "/api/v1/metrics", asked, lambda told: told["items"][0]["attempts"] == 70
        )
        await until(client, "/api/v1/alerts", {"q": NUMBER}, lambda told: told["total"] == 0)


async def test_a_silence_that_the_api_takes_stands_in_kafka_for_the_hooks(kafka):
    async with running(kafka, write_token="t-write") as client:
        answer = await client.post(
            "/api/v1/silences",
            json={"matchers": ["account=board"], "lasts": "1h", "created_by": "a", "comment": "b"},
            headers={"Authorization": "Bearer t-write"},
        )
        assert answer.status_code == 201
        stand = {one.id: one for one in await read_silences(kafka)}
        assert str(stand[answer.json()["id"]].matchers[0]) == 'account="board"'

    async with running(kafka) as client:  # another process reads it from there
        await until(client, "/readyz", {}, lambda told: told["ready"])
        told = (await client.get("/api/v1/silences")).json()["items"]
        assert answer.json()["id"] in [one["id"] for one in told]
