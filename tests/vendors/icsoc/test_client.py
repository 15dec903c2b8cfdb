import json
from datetime import UTC, datetime

import pytest

from connectors.budget import Unlimited
from connectors.http import DeniedError, Http, RetryPolicy
from connectors.vendors.icsoc.auth import Tokens
from connectors.vendors.icsoc.client import Client, Filters, search_body
from schemas.errors import RetryableError

from .conftest import NOW, SAMPLES, page


@pytest.fixture
async def client(icsoc, tmp_path):
    once = RetryPolicy(attempts=1)
    async with (
        Http(icsoc.address, budget=Unlimited(), retry=once) as search,
        Http(icsoc.address, budget=Unlimited(), retry=once) as login,
    ):
        yield Client(search, Tokens(icsoc.oauth(), login, tmp_path, lambda: NOW))


async def read(client, filters=None, **options):
    return [page async for page in client.pages(filters or Filters(), **options)]


def texts(pages):
    return [result.text for page in pages for result in page.results]


def test_every_filter_is_written_and_times_are_beijings():
    filters = Filters(
        call_id="6780056666542059520",
        project_id="10008",
        task_id="13",
        caller="010xxxx4343",
        called="185xxxx2456",
        callresult="0",
        endresult="12",
        since=datetime(2021, 3, 23, 9, 24, 35, 999999, tzinfo=UTC),
        until=datetime(2021, 3, 23, 9, 24, 36, tzinfo=UTC),
        per_page=1,
    )
    # The document's own example (1.4.1).
    assert json.loads(search_body(filters, "6780001242530852864")) == {
        "callId": "6780056666542059520",
        "projectId": "10008",
        "searchAfter": "6780001242530852864",
        "taskId": "13",
        "caller": "010xxxx4343",
        "called": "185xxxx2456",
        "callresult": "0",
        "endresult": "12",
        "perPage": 1,
        "startTime": {"gte": "2021-03-23 17:24:35", "lte": "2021-03-23 17:24:36"},
    }


def test_what_is_not_filtered_is_not_written():
    assert json.loads(search_body(Filters())) == {"perPage": 100}


async def test_pages_are_followed_until_the_mark_is_null(icsoc, client):
    icsoc.answers = [page(["1", "2"], "a"), page(["3"], "b"), page(["4"])]
    assert texts(await read(client)) == ["1", "2", "3", "4"]
    assert [body.get("searchAfter") for body in icsoc.searches] == [None, "a", "b"]
    assert icsoc.bearers == ["token-1"] * 3


@pytest.mark.parametrize(
    "answers",
    [
        [page(["1"], "a"), *[page(["2"], "a")] * 3, page(["3"], "c")],  # unchanged
        [page(["1"], "a"), page(["2"], "b"), *[page(["2"], "a")] * 3, page(["3"], "c")],  # a circle
        [page(["1"], "a"), page([], "b"), page(["3"], "c")],  # empty
        [page(["1"], ""), page(["3"], "c")],
        [page(["1"], "a"), b'{"code":0,"data":[]}', page(["3"], "c")],  # PHP's empty object
        [page(["1"], "a"), b'{"code":"0","data":{"results":null}}', page(["3"], "c")],
    ],
)
async def test_paging_ends(icsoc, client, answers):
    icsoc.answers = answers
    pages = await read(client)
    assert "3" not in texts(pages)
    assert pages[-1].search_after is None


async def test_a_page_that_came_twice_is_not_the_end(icsoc, client):
    icsoc.answers = [page(["1"], "a"), page(["1"], "a"), page(["2"], "b"), page([])]
    assert texts(await read(client)) == ["1", "2"]
    assert [body.get("searchAfter") for body in icsoc.searches] == [None, "a", "a", "b"]


async def test_paging_is_bounded_and_says_where_it_stopped(icsoc, client):
    icsoc.answers = [page([str(number)], f"after-{number}") for number in range(9)]
    pages = await read(client, search_after="begin", max_pages=3)
    assert texts(pages) == ["0", "1", "2"]
    assert pages[-1].search_after == "after-2"
    assert icsoc.searches[0]["searchAfter"] == "begin"


async def test_a_mark_that_is_a_number_loses_no_digit(icsoc, client):
    icsoc.answers = [
        b'{"code":0,"data":{"results":[1],"searchAfter":6780056666542059520}}',
        page([]),
    ]
    await read(client)
    assert icsoc.searches[1]["searchAfter"] == "6780056666542059520"


async def test_the_documents_answer_is_read(icsoc, client):
    icsoc.answers = [(SAMPLES / "search.json").read_bytes(), page([])]
    pages = await read(client)
    assert pages[0].search_after == "6780056666542059520"
    assert pages[0].results[0].value["callId"] == "6780056666542059520"


async def test_a_code_other_than_0_is_told_without_numbers(icsoc, client):
    icsoc.answers = ['{"code":4001,"message":"被叫 13800138000 错误"}'.encode()]
    with pytest.raises(RetryableError, match="4001: 被叫 … 错误"):
        await read(client)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"5",
        b"{}",
        b'{"code":0,"data":{"results":5}}',
        b'{"code":0,"data":{"re',
        b'{"code":0,"data":{"results":[1],"searchAfter":1.5}}',
        b"[" * 100_000,
    ],
)
async def test_what_is_no_answer_is_retryable(icsoc, client, body):
    icsoc.answers = [body]
    with pytest.raises(RetryableError):
        await read(client)


async def test_a_refused_token_is_dropped_once_and_asked_anew(icsoc, client):
    icsoc.answers = [page(["1"])]
    icsoc.refused_tokens = {"token-1"}
    assert texts(await read(client)) == ["1"]
    assert icsoc.bearers == ["token-1", "token-2"]


async def test_a_second_refusal_is_not_fought(icsoc, client):
    icsoc.refused_tokens = {"token-1", "token-2"}
    with pytest.raises(DeniedError):
        await read(client)
    assert icsoc.bearers == ["token-1", "token-2"]


async def test_a_locked_address_costs_no_token(icsoc, client):
    icsoc.answers = [403]
    with pytest.raises(DeniedError):
        await read(client)
    assert len(icsoc.token_forms) == 1
