import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from schemas.alert import AlertState
from schemas.topics import ANSWER_RATE
from streams.board import frames
from streams.board.frames import Manners
from streams.board.hub import Hub
from tests.board.conftest import NOW, client_of
from tests.board.feeder import answer_alert, answer_rate

VENDOR = "calls:icsoc"
NUMBER = "calls:icsoc/main/display_number/075586110003"


class Events:
    def __init__(self, answer):
        self.lines = answer.aiter_lines()

    async def next(self, *, beats=False):
        """The next event as (kind, id, data); beats are passed over."""
        event = {}
        async for line in self.lines:
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif event.get("event") != "beat" or beats:
                return event["event"], event.get("id"), json.loads(event["data"])
            else:
                event = {}
        raise EOFError


@asynccontextmanager
async def following(client, **asked):
    async with client.stream("GET", "/api/v1/events", **asked) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/event-stream"
        yield Events(answer)


def tell(board, seconds, attempts, scope=VENDOR):
    told = answer_rate(scope, "5m", NOW + timedelta(seconds=seconds), attempts, 1, revision=99)
    board.take(ANSWER_RATE.name, told.key, told.to_json())


def row(data, number):
    (found,) = [row for row in data["rows"] if row[0] == number]
    return found


def number_of(board, scope=VENDOR):
    return board.entry(scope).number


async def test_a_browser_gets_everything_and_then_what_changes(filled):
    board, _ = filled
    async with client_of(board) as client, following(client, params={"window": "5m"}) as events:
        kind, _, data = await events.next()
        assert kind == "snapshot"
        assert data["windows"] == ["5m", "15m", "1h", "day"]
        assert len(data["scopes"]) == len(data["rows"]) == len(board.entries())
        assert {alert["state"] for alert in data["alerts"]} == {"firing", "pending", "resolved"}
        tell(board, 60, 1234)
        attempts = None
        while attempts != 1234:  # what the centre had written may be told first
            kind, _, data = await events.next()
            assert kind == "change"
            attempts = row(data, number_of(board))[frames.FIELDS.index("attempts")]


async def test_a_new_scope_an_alert_and_their_end_are_told(filled):
    board, _ = filled
    hub = Hub(board, Manners(), lambda: NOW)
    hub.tick()
    client = hub.join("5m", None)
    assert client.queue.get_nowait() is None  # it has seen nothing: a snapshot

    scope = "calls:icsoc/main/display_number/075500000000"
    tell(board, 0, 5, scope)
    alert = answer_alert(scope, AlertState.FIRING, NOW, NOW, successes=1, attempts=90)
    board.take("alerts", alert.key, alert.to_json())
    hub.tick()
    data = decoded(client.queue.get_nowait())
    assert data["scopes"] == [[number_of(board, scope), scope, None]]
    assert [told["state"] for told in data["alerts"]] == ["firing"]

    number = number_of(board, scope)
    board.take(ANSWER_RATE.name, f"{scope}|5m".encode(), None)
    board.take("alerts", alert.key, None)
    hub.tick()
    data = decoded(client.queue.get_nowait())
    assert data["removed"] == [number]
    assert data["alerts_gone"] == [alert.fingerprint]


def decoded(event):
    return json.loads(event.decode().split("data: ", 1)[1])


def test_changes_between_two_ticks_are_told_once_and_written_once_for_all(filled):
    board, _ = filled
    hub = Hub(board, Manners(), lambda: NOW)
    hub.tick()
    clients = [hub.join("5m", None) for _ in range(3)]
    other = hub.join("15m", None)
    for second in range(10):
        tell(board, 60 + second, second)

    hub.tick()

    events = [client.queue.get_nowait() or client.queue.get_nowait() for client in clients]
    assert events[0] is events[1] is events[2]
    assert len(decoded(events[0])["rows"]) == 1
    assert "rows" not in decoded(other.queue.get_nowait() or other.queue.get_nowait())


def test_a_snapshot_is_written_once_for_all_who_come_between_two_ticks(filled):
    board, _ = filled
    hub = Hub(board, Manners(), lambda: NOW)
    for _ in range(2):
        hub.join("5m", None)

    assert hub.snapshot("5m") is hub.snapshot("5m")


def test_nothing_is_told_while_nothing_changes_but_that_we_live(filled):
    board, _ = filled
    hub = Hub(board, Manners(), lambda: NOW)
    hub.tick()
    client = hub.join("5m", None)
    client.queue.get_nowait()

    for _ in range(30):
        hub.tick()

    kinds = {client.queue.get_nowait().split(b"\n")[0] for _ in range(client.queue.qsize())}
    assert kinds == {b"event: beat"}


def test_a_slow_browser_is_given_a_snapshot_and_not_a_queue_without_end(filled):
    board, _ = filled
    hub = Hub(board, Manners(), lambda: NOW)
    slow = hub.join("5m", None)
    for second in range(200):
        tell(board, 60 + second, second)
        hub.tick()

    assert slow.queue.qsize() <= 16
    waiting = [slow.queue.get_nowait() for _ in range(slow.queue.qsize())]
    assert waiting[0] is None


async def test_who_comes_back_soon_gets_what_was_missed(filled):
    board, _ = filled
    async with client_of(board) as client:
        async with following(client) as events:
            _, seen, _ = await events.next()
            tell(board, 60, 77)
            while True:
                _, identity, data = await events.next()
                if any(row[0] == number_of(board) for row in data.get("rows", ())):
                    break
        async with following(client, headers={"Last-Event-ID": seen}) as events:
            kind, _, _ = await events.next()
            assert kind == "change"
        async with following(client, headers={"Last-Event-ID": identity}) as events:
            tell(board, 61, 78)
            kind, _, data = await events.next()
            assert (kind, row(data, number_of(board))[4]) == ("change", 78)


@pytest.mark.parametrize("seen", ["1-1", "nonsense", "9999999999-3", "-", "1772438400-999"])
async def test_who_comes_back_from_elsewhere_gets_a_snapshot(filled, seen):
    board, _ = filled
    async with (
        client_of(board) as client,
        following(client, headers={"Last-Event-ID": seen}) as events,
    ):
        kind, _, _ = await events.next()
    assert kind == "snapshot"


async def test_a_window_that_is_not_there_becomes_the_shortest(filled):
    board, _ = filled
    async with client_of(board) as client, following(client, params={"window": "7m"}) as events:
        _, _, data = await events.next()
    assert data["window"] == "5m"


async def test_who_comes_while_nothing_is_known_learns_of_the_windows(board):
    async with client_of(board) as client, following(client) as events:
        _, _, data = await events.next()
        assert (data["window"], data["rows"], data["ready"]) == ("", [], False)
        tell(board, 0, 3)
        board.set_ready()
        _, _, data = await events.next()
        assert (data["windows"], data["ready"]) == (["5m"], True)


async def test_open_streams_do_not_hold_the_server_up(filled):
    board, _ = filled
    async with asyncio.timeout(30):
        async with client_of(board) as client:
            stream = await client.send(client.build_request("GET", "/api/v1/events"), stream=True)
            events = Events(stream)
            assert (await events.next())[0] == "snapshot"
            # leaving stops the server while the stream is open
