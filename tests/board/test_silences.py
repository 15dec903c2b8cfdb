from datetime import timedelta

import pytest

from schemas.errors import RetryableError
from schemas.silence import Silence
from streams.board.frames import Manners
from streams.board.hub import Hub
from tests.board.conftest import NOW, client_of
from tests.board.feeder import Centre, silence
from tests.board.test_events import decoded

WRITER = {"Authorization": "Bearer t-write"}
ASKED = {
    "matchers": ["vendor=icsoc", 'display_number=~"0755.*"'],
    "lasts": "2h",
    "created_by": "李娜",
    "comment": "being replaced",
}


class Written(list):
    """Stands in for Kafka."""

    async def __call__(self, told):
        self.append(told)


def silenced(told):
    return {alert["fingerprint"] for alert in told["items"] if alert.get("silenced_by")}


async def open_alerts(client):
    return (await client.get("/api/v1/alerts")).json()


async def test_an_alert_says_who_silences_it_while_the_silence_holds(filled):
    board, centre = filled
    centre.silence(board, silence("s-1", NOW, "display_number=075586110003", minutes=90))
    centre.silence(board, silence("s-2", NOW, "vendor=icsoc", ago=-30))
    async with client_of(board) as client:
        assert silenced(await open_alerts(client)) == {"dn-icsoc-075586110003"}
        story = (await client.get("/api/v1/alerts/dn-icsoc-075586110003")).json()
        assert story["alert"]["silenced_by"] == ["s-1"]
    async with client_of(board, clock=lambda: NOW + timedelta(minutes=91)) as client:
        assert silenced(await open_alerts(client)) == set()


async def test_silences_are_listed_with_their_states_the_ended_on_request(filled):
    board, centre = filled
    for told in (
        silence("over", NOW, "vendor=icsoc", minutes=-1, ago=60),
        silence("holds", NOW, "vendor=icsoc"),
        silence("later", NOW, "vendor=icsoc", ago=-30, minutes=300),
    ):
        centre.silence(board, told)
    async with client_of(board) as client:
        current = (await client.get("/api/v1/silences")).json()
        every = (await client.get("/api/v1/silences", params={"state": "all"})).json()

    assert [(one["id"], one["state"]) for one in current["items"]] == [
        ("later", "pending"),
        ("holds", "active"),
    ]
    assert [one["id"] for one in every["items"]] == ["later", "holds", "over"]
    assert current["items"][0]["matchers"] == ['vendor="icsoc"']


async def test_a_silence_is_written_holds_at_once_and_is_ended(filled):
    board, _ = filled
    written = Written()
    async with client_of(board, silencer=written, write_token="t-write") as client:
        answer = await client.post("/api/v1/silences", json=ASKED, headers=WRITER)
        assert answer.status_code == 201
        told = answer.json()
        assert (told["state"], told["created_by"]) == ("active", "李娜")
        assert [type(one) for one in written] == [Silence]
        assert written[0].ends_at == NOW + timedelta(hours=2)
        assert silenced(await open_alerts(client)) == {"dn-icsoc-075586110003"}

        ended = await client.delete(f"/api/v1/silences/{told['id']}", headers=WRITER)
        assert (ended.status_code, ended.json()["state"]) == (200, "expired")
        assert written[1].id == told["id"]
        assert written[1].ends_at == NOW
        assert silenced(await open_alerts(client)) == set()


@pytest.mark.parametrize(
    ("settings", "shown", "status", "says"),
    [
        ({}, None, 403, "write_token"),
        ({"token": "t-read"}, "t-read", 403, "write_token"),
        ({"write_token": "t-write"}, None, 403, "read alone"),
        ({"write_token": "t-write"}, "guess", 401, "token"),
        ({"token": "t-read", "write_token": "t-write"}, "t-read", 403, "read alone"),
        ({"unmask_token": "t-full", "write_token": "t-write"}, "t-full", 403, "read alone"),
        ({"token": "t-read", "write_token": "t-write"}, None, 401, "token"),
    ],
)
async def test_nobody_writes_but_with_the_token_that_may(filled, settings, shown, status, says):
    board, centre = filled
    centre.silence(board, silence("s-1", NOW, "vendor=icsoc"))
    headers = {} if shown is None else {"Authorization": f"Bearer {shown}"}
    written = Written()
    async with client_of(board, silencer=written, **settings) as client:
        for answer in (
            await client.post("/api/v1/silences", json=ASKED, headers=headers),
            await client.delete("/api/v1/silences/s-1", headers=headers),
        ):
            assert answer.status_code == status
            assert says in answer.json()["error"]
    assert written == []


async def test_the_token_that_writes_also_reads_and_unmasks_nothing(filled):
    board, centre = filled
    async with client_of(board, token="t-read", write_token="t-write") as client:
        answer = await client.get("/api/v1/scope", params={"scope": centre.flagged}, headers=WRITER)

    assert answer.json()["masked"] is True


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"lasts": "soon"}, "lasts"),
        ({"lasts": "0s"}, "lasts"),
        ({"lasts": "9000d"}, "lasts"),
        ({"matchers": []}, "matchers"),
        ({"matchers": ["vendor"]}, "matcher"),
        ({"matchers": ["value=~("]}, "expression"),
        ({"matchers": ["value=~.*"]}, "silence everything"),
        ({"comment": ""}, "comment"),
        ({"starts_at": "2026-03-02T05:00:00Z"}, "starts_at"),
        ({"starts_at": "2026-03-02T05:00:00"}, "starts_at"),
        ({"forever": True}, "forever"),
    ],
)
async def test_a_silence_that_cannot_be_names_what_is_wrong(board, change, names):
    written = Written()
    async with client_of(board, silencer=written, write_token="t-write") as client:
        answer = await client.post("/api/v1/silences", json=ASKED | change, headers=WRITER)

    assert answer.status_code == 400
    assert names in answer.json()["error"]
    assert written == []


async def test_what_is_no_json_or_too_long_or_not_there_is_refused(board):
    async with client_of(board, silencer=Written(), write_token="t-write") as client:
        path = "/api/v1/silences"
        assert (await client.post(path, content=b"{", headers=WRITER)).status_code == 400
        assert (await client.post(path, content=b" " * 70_000, headers=WRITER)).status_code == 413
        assert (await client.delete(f"{path}/none", headers=WRITER)).status_code == 404
        assert (await client.put(path, headers=WRITER)).status_code == 405


async def test_without_kafka_it_is_said_and_nothing_holds(filled):
    async def unreachable(_):
        raise RetryableError("the silence was not written: KafkaConnectionError")

    board, _ = filled
    async with client_of(board, silencer=unreachable, write_token="t-write") as client:
        answer = await client.post("/api/v1/silences", json=ASKED, headers=WRITER)
        assert answer.status_code == 503
        assert silenced(await open_alerts(client)) == set()


def test_browsers_are_told_whom_a_silence_is_for_also_of_alerts_that_come_later(board):
    hub = Hub(board, Manners(writable=True), lambda: NOW)
    client = hub.join("5m", None)
    client.queue.get_nowait()
    assert decoded(hub.snapshot("5m"))["writable"] is True
    centre = Centre()
    centre.silence(board, silence("s-1", NOW, "vendor=icsoc"))
    hub.tick()
    (told,) = decoded(client.queue.get_nowait())["silences"]
    assert (told["matchers"], told["alerts"]) == (['vendor="icsoc"'], [])

    centre.alerts(board, NOW)
    hub.tick()
    (told,) = decoded(client.queue.get_nowait())["silences"]
    assert told["alerts"] == ["dn-icsoc-075586110003"]

    board.take("callstreams.silences", b"s-1", None)
    hub.tick()
    assert decoded(client.queue.get_nowait())["silences"] == []
