from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.board.frames import Manners
from streams.board.hub import Hub
from streams.board.standing import sources
from streams.board.state import Board
from tests.board.conftest import NOW, client_of
from tests.board.feeder import Centre, source_status
from tests.board.test_events import decoded

MINUTE = timedelta(minutes=1)


def put(board, told):
    Centre().source(board, told)


def healths(board, now=NOW):
    return {source.name: source.health for source in sources(board, now, MINUTE).items}


@pytest.mark.parametrize(
    ("state", "health"),
    [
        ("starting", "ok"),
        ("polling", "ok"),
        ("ok", "ok"),
        ("degraded", "degraded"),
        ("stopped", "stopped"),
    ],
)
def test_a_source_is_as_its_poller_says_until_it_is_silent_for_a_minute(board, state, health):
    put(board, source_status("icsoc/main/cdr", NOW, state))

    assert healths(board, NOW + MINUTE) == {"icsoc/main/cdr": health}
    assert healths(board, NOW + MINUTE + timedelta(seconds=1)) == {"icsoc/main/cdr": "silent"}


@given(st.permutations(range(4)))
def test_whatever_the_order_the_newest_status_stands(order):
    board = Board(0)
    states = ("starting", "ok", "degraded", "stopped")
    for second in order:
        put(board, source_status("icsoc/main/cdr", NOW + timedelta(seconds=second), states[second]))

    assert healths(board) == {"icsoc/main/cdr": "stopped"}


def test_an_account_that_could_not_be_set_up_stands_until_its_sources_are_told(board):
    put(board, source_status("icsoc/main", NOW, "stopped", reason="secrets: set ICSOC_PASSWORD"))
    assert healths(board) == {"icsoc/main": "stopped"}

    put(board, source_status("icsoc/main/cdr", NOW + timedelta(seconds=1)))
    assert healths(board) == {"icsoc/main/cdr": "ok"}


def test_a_source_goes_with_its_tombstone_or_after_long_silence(board):
    put(board, source_status("icsoc/main/cdr", NOW))
    put(board, source_status("7moor/main/answer-report", NOW - timedelta(hours=49)))
    board.sweep(NOW, timedelta(hours=48))
    assert list(healths(board)) == ["icsoc/main/cdr"]

    board.take("callstreams.sources", b"icsoc/main/cdr", None)
    assert healths(board) == {}


def test_a_status_that_cannot_be_read_harms_nobody(board):
    put(board, source_status("icsoc/main/cdr", NOW))
    board.take("callstreams.sources", b"icsoc/main/cdr", b"{}")

    assert board.unread == 1
    assert healths(board) == {"icsoc/main/cdr": "ok"}


async def test_the_api_tells_the_sources_and_what_they_count(board):
    Centre().sources(
        board, NOW, cdr={"state": "degraded", "reason": "icsoc: 503", "found_by_search": 7}
    )
    async with client_of(board) as client:
        told = (await client.get("/api/v1/sources")).json()

    by_name = {source["name"]: source for source in told["items"]}
    assert told["total"] == 5
    assert by_name["icsoc/main/cdr"]["reason"] == "icsoc: 503"
    assert by_name["icsoc/main/cdr"]["found_by_search"] == 7
    assert {name: source["counts"] for name, source in by_name.items()} == {
        "7moor/main/answer-report": ["tallies"],
        "7moor/main/dialout-task": [],
        "huawei/aicc/campaign-statistics": ["tallies"],
        "huawei/aicc/missed-call": ["calls"],
        "icsoc/main/cdr": ["calls"],
    }


def test_browsers_are_told_of_the_sources_and_of_their_changes(board):
    put(board, source_status("icsoc/main/cdr", NOW))
    hub = Hub(board, Manners(silent_seconds=45), lambda: NOW)
    hub.tick()
    data = decoded(hub.snapshot("5m"))
    assert data["silent_seconds"] == 45
    assert [source["state"] for source in data["sources"]] == ["ok"]

    client = hub.join("5m", None)
    client.queue.get_nowait()
    put(board, source_status("icsoc/main/cdr", NOW, "stopped", reason="401"))
    hub.tick()
    (source,) = decoded(client.queue.get_nowait())["sources"]
    assert (source["state"], source["reason"]) == ("stopped", "401")
    assert source["at"] == int(NOW.timestamp())
