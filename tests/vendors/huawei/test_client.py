import json
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.http import DeniedError, RefusedError
from connectors.vendors.huawei.auth import Credentials, Scheme, Unsigned, authorize
from connectors.vendors.huawei.client import CmsClient, IsalesClient, Signer
from connectors.vendors.huawei.payloads import QueryRefusedError, ResultCode
from schemas.errors import ConfigError, RetryableError
from tests.vendors.fakes import FakeHttp, vendor_server
from tests.vendors.huawei.samples import sample

ACCOUNT = Credentials("test-ak", "test-sk")
NOW = datetime(2022, 11, 18, tzinfo=UTC)
SIGNER = Signer(ACCOUNT, clock=lambda: NOW)
BEGIN = datetime(2022, 11, 17, 0, 13, 43, tzinfo=UTC)
END = datetime(2022, 11, 17, 23, 44, 13, tzinfo=UTC)
EVERYTHING = Scheme(("host", "content-type", "content-length"), timestamp_millis=True)


def expected_signature(seen, *, now=NOW, scheme):
    """Sign what a server saw, from nothing but what it saw."""
    parts = urlsplit(seen.target)
    unsigned = Unsigned(
        seen.method, parts.path, seen.headers, dict(parse_qsl(parts.query)), seen.body
    )
    return authorize(ACCOUNT, unsigned, now=now, scheme=scheme)


@pytest.mark.parametrize("scheme", [Scheme(), EVERYTHING, Scheme(blank_query_line=True)])
async def test_the_server_can_verify_what_it_receives(scheme):
    signer = Signer(ACCOUNT, scheme, clock=lambda: NOW)
    async with vendor_server((200, {}, sample("statistics-answer"))) as (http, seen):
        await IsalesClient(http, signer, vdn=170).statistics(campaign="1549", batch="1/2 三")
    async with vendor_server((200, {}, sample("missed-answer"))) as (http, seen_too):
        await CmsClient(http, signer, vdn=159).missed_calls(BEGIN, END)

    for request in (*seen, *seen_too):
        assert request.headers["authorization"] == expected_signature(request, scheme=scheme)
        assert request.headers["content-type"] == "application/json;charset=UTF-8"
    assert seen[0].target == (
        "/rest/isales/v2/openapi/campaigns/170/statistics?batchId=1%2F2%20%E4%B8%89&campaignId=1549"
    )
    assert (seen[0].method, seen[0].headers["locale"]) == ("GET", "zh_CN")
    assert (seen_too[0].method, seen_too[0].target) == (
        "POST",
        "/rest/cmsapp/v1/callin/queryMissedCalls",
    )


async def test_every_attempt_is_signed_anew():
    seconds = count()
    signer = Signer(ACCOUNT, clock=lambda: NOW + timedelta(seconds=next(seconds)))
    not_yet = (200, {}, b'{"returnCode":"9","returnDesc":"busy"}')
    async with vendor_server(not_yet, (500, {}, b""), (200, {}, sample("missed-answer"))) as (
        http,
        seen,
    ):
        await CmsClient(http, signer, vdn=159).missed_calls(BEGIN, END)

    assert [request.headers["authorization"] for request in seen] == [
        expected_signature(request, now=NOW + timedelta(seconds=after), scheme=Scheme())
        for after, request in enumerate(seen)
    ]
    assert len(seen) == 3


async def test_the_statistics_sample_is_read():
    http = FakeHttp([sample("statistics-answer")])

    campaigns = await IsalesClient(http, SIGNER, vdn=170).statistics()

    assert [campaign.campaign_id for campaign in campaigns] == ["1798316116", "1549589640"]
    assert http.requests[0].target == "/rest/isales/v2/openapi/campaigns/170/statistics"


async def test_a_batch_without_its_campaign_is_not_even_asked_for():
    http = FakeHttp([sample("statistics-answer")])

    with pytest.raises(ConfigError, match="give both"):
        await IsalesClient(http, SIGNER, vdn=170).statistics(batch="123456")

    assert http.requests == []


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({}, timedelta(minutes=5)), ({"Retry-After": "17"}, timedelta(seconds=17))],
)
async def test_flow_control_is_obeyed_and_not_asked_again(headers, wait):
    async with vendor_server((429, headers, "请勿频繁操作,请稍后再试。".encode())) as (http, seen):
        with pytest.raises(RetryableError) as caught:
            await IsalesClient(http, SIGNER, vdn=170).statistics()

    assert caught.value.retry_after == wait
    assert len(seen) == 1


async def test_a_broken_server_is_left_to_the_next_turn():
    async with vendor_server((500, {}, b"")) as (http, seen):
        with pytest.raises(RetryableError) as caught:
            await IsalesClient(http, SIGNER, vdn=170).statistics()

    assert caught.value.retry_after is None
    assert len(seen) == 1


@pytest.mark.parametrize("status", [200, 400])
async def test_a_result_code_is_told_whatever_the_status(status):
    body = b'{"resultCode":"02000009","resultDesc":"batchId"}'
    async with vendor_server((status, {}, body)) as (http, seen):
        with pytest.raises(QueryRefusedError, match="a batch needs its campaign") as caught:
            await IsalesClient(http, SIGNER, vdn=170).statistics()

    assert caught.value.code is ResultCode.COMBINATION
    assert len(seen) == 1


async def test_another_refusal_stays_one():
    async with vendor_server((404, {}, b"<html>")) as (http, _):
        with pytest.raises(RefusedError, match="404"):
            await IsalesClient(http, SIGNER, vdn=170).statistics()


@pytest.mark.parametrize(("status", "told"), [(401, "credentials"), (403, "locked")])
async def test_a_refused_account_or_address_is_never_asked_again(status, told):
    async with vendor_server((status, {}, b"")) as (http, seen):
        with pytest.raises(DeniedError, match=told):
            await CmsClient(http, SIGNER, vdn=159).missed_calls(BEGIN, END)

    assert len(seen) == 1


def page_of(total, *ids):
    calls = [{"callId": call_id} for call_id in ids]
    return json.dumps({"returnCode": "0", "total": total, "missedCalls": calls}).encode()


def ids_of(found):
    return [json.loads(call)["callId"] for call in found.calls]


def offsets(http):
    return [json.loads(request.body)["offset"] for request in http.requests]


async def read_missed(script, page_size=2):
    http = FakeHttp(script)
    client = CmsClient(http, SIGNER, vdn=159, page_size=page_size)
    return await client.missed_calls(BEGIN, END), http


async def test_the_documents_query_is_sent():
    found, http = await read_missed([sample("missed-answer")], page_size=3)

    assert ids_of(found) == ["1668048253-16797218", "1668050023-1859"]
    assert json.loads(http.requests[0].body) == json.loads(sample("missed-request"))


async def test_pages_are_read_until_their_total():
    found, http = await read_missed([page_of(5, "a", "b"), page_of(5, "c", "d"), page_of(5, "e")])

    assert ids_of(found) == ["a", "b", "c", "d", "e"]
    assert offsets(http) == [0, 2, 4]
    assert found.steady


async def test_a_full_last_page_is_the_last():
    found, http = await read_missed([page_of(4, "a", "b"), page_of(4, "c", "d")])

    assert ids_of(found) == ["a", "b", "c", "d"]
    assert offsets(http) == [0, 2]


async def test_an_empty_page_ends_a_total_that_is_too_high():
    short = [page_of(9, "a", "b"), page_of(9)]
    found, http = await read_missed(short * 2)

    assert ids_of(found) == ["a", "b"]
    assert offsets(http) == [0, 2, 0, 2]
    assert found.steady


async def test_a_page_that_came_twice_hides_no_call():
    found, _ = await read_missed(
        [page_of(4, "a", "b"), page_of(4, "a", "b"), page_of(4, "a", "b"), page_of(4, "c", "d")]
    )

    assert ids_of(found) == ["a", "b", "c", "d"]
    assert found.steady


async def test_no_missed_calls_are_one_question():
    found, http = await read_missed([page_of(0)])

    assert (ids_of(found), offsets(http)) == ([], [0])


async def test_a_list_that_moved_is_read_again_and_no_call_is_given_twice():
    found, http = await read_missed(
        [
            page_of(3, "a", "b"),
            page_of(4, "b", "c"),  # "z" came in front while the first page was read
            page_of(4, "z", "a"),
            page_of(4, "b", "c"),
        ]
    )

    assert sorted(ids_of(found)) == ["a", "b", "c", "z"]
    assert offsets(http) == [0, 2, 0, 2]
    assert found.steady


async def test_a_list_that_never_rests_is_given_up_and_said_so():
    totals = count(4)

    def moving(request):
        return page_of(next(totals), "a", "b") if offset_of(request) == 0 else page_of(3, "c")

    found, http = await read_missed([moving])

    assert sorted(ids_of(found)) == ["a", "b", "c"]
    assert not found.steady
    assert offsets(http).count(0) == 3


def offset_of(request):
    return json.loads(request.body)["offset"]
