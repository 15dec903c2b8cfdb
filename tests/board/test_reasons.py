"""The kinds of reasons: of the sentences that pollers and ingress really write."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from connectors.broker.ports import free_ports
from connectors.budget import Unlimited
from connectors.http import ONCE, Http, Request
from connectors.poller.schedule import FencedError, judge
from connectors.web import serve, web
from schemas.errors import CallstreamsError, RetryableError
from streams.board.reasons import CODES, reason_code
from tests.board.conftest import NOW, client_of
from tests.board.feeder import Centre, source_status


async def told(status=200, *, late=False, headers=None):
    """Give the reason of a poll whose vendor answers so."""

    async def handle(_):
        if late:
            await asyncio.Event().wait()
        return web.Response(status=status, headers=headers)

    app = web.Application()
    app.router.add_get("/", handle)
    async with serve(app, drain_seconds=0.01) as address:
        return await reason_of(address, timeout=0.05 if late else 10)


async def reason_of(address, timeout=10):
    async with Http(
        address, budget=Unlimited(), timeout=timedelta(seconds=timeout), retry=ONCE
    ) as http:
        with pytest.raises(CallstreamsError) as caught:
            await http.call(lambda: Request("GET", "/"))
    return judge(caught.value).reason


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "denied"), (403, "locked"), (404, "refused"), (429, "throttled"), (503, "vendor-fault")],
)
async def test_what_a_vendor_answers_has_its_kind(status, code):
    assert reason_code(await told(status)) == code


async def test_a_vendor_that_is_late_away_or_of_another_time_has_its_kind(nobody):
    assert reason_code(await told(late=True)) == "timeout"
    assert reason_code(await reason_of(nobody)) == "unreachable"
    date = datetime(2020, 1, 1, tzinfo=UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert reason_code(await told(401, headers={"Date": date})) == "clock"


@pytest.fixture
def nobody():
    return f"http://127.0.0.1:{free_ports(1)[0]}"


def test_our_own_faults_have_their_kinds():
    assert reason_code(judge(ZeroDivisionError()).reason) == "fault"
    fenced = FencedError("another process has taken this source over; if it is not one of ours …")
    assert reason_code(judge(fenced).reason) == "taken-over"
    kafka = RetryableError("Kafka did not take the records: KafkaTimeoutError")
    assert reason_code(judge(kafka).reason) == "kafka"


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (None, None),
        ("secrets: set ICSOC_PASSWORD", None),
        ("no push has come yet", "no-push"),
        ("pushes refused: 3, the last because: the push has no data", "push-refused"),
        ("pushes refused: 1, the last because: the signature does not match: compare", "signature"),
        ("7moor did not succeed: code '400', message 'x'", "refused"),
    ],
)
def test_other_reasons_have_theirs_or_none(reason, code):
    assert reason_code(reason) == code


async def test_the_api_tells_the_kind_beside_the_sentence(board):
    Centre().source(
        board, source_status("icsoc/main/cdr", NOW, "stopped", reason="a answered 401: check")
    )
    async with client_of(board) as client:
        (source,) = (await client.get("/api/v1/sources")).json()["items"]
        described = (await client.get("/api/v1/openapi.json")).json()
    assert (source["reason"], source["reason_code"]) == ("a answered 401: check", "denied")
    (codes,) = [
        each["enum"]
        for each in described["components"]["schemas"]["Source"]["properties"]["reason_code"][
            "anyOf"
        ]
        if "enum" in each
    ]
    assert set(codes) >= set(CODES)
