import asyncio
import gzip
import logging
from datetime import timedelta

import pytest

from schemas.base import Vendor
from schemas.envelope import RawRecord
from schemas.errors import FatalError, RetryableError

from .conftest import DATA, NOW, PATH, SECRET, push


def assert_refused(answer, status):
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["code"] == status
    assert answer.json()["message"]


async def test_a_push_is_published_and_acknowledged(listening, outlet):
    async with listening() as client:
        answer = await client.post(PATH, content=push())
    assert (answer.status_code, answer.json()) == (200, {"code": 0, "message": "ok"})
    assert outlet.records == [
        RawRecord(
            vendor=Vendor.ICSOC,
            account="main",
            feed="cdr",
            subject="6811535818021285888",
            data=DATA.encode(),
            observed_at=NOW,
            extensions={"form": "push", "timezone": "Asia/Shanghai"},
        )
    ]
    assert outlet.letters == []


async def test_nothing_is_acknowledged_before_kafka_has_it(listening, outlet):
    outlet.open.clear()
    async with listening() as client:
        pushing = asyncio.create_task(client.post(PATH, content=push()))
        await outlet.waiting.get()
        # A probe that comes later is answered, so the server has had its turn.
        assert (await client.get("/healthz")).status_code == 200
        assert not pushing.done()
        outlet.open.set()
        assert (await pushing).json()["code"] == 0


async def test_each_account_has_its_own_secret_and_formula(listening, outlet):
    unsigned = f'{{"type":1,"data":{DATA}}}'
    async with listening() as client:
        assert_refused(await client.post(PATH, content=unsigned), 401)
        assert (await client.post("/push/icsoc/open", content=unsigned)).status_code == 200
    assert [record.account for record in outlet.records] == ["open"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (PATH, push()[:-1], 400),
        (PATH, b"", 400),
        (PATH, b"7", 400),
        (PATH, b'{"type":1}', 400),
        (PATH, b'{"a":' * 5000, 400),
        (PATH, push(secret="wrong"), 401),
        ("/push/icsoc/nobody", push(), 404),
        ("/push/huawei/main", push(), 404),
        ("/elsewhere", push(), 404),
        (PATH, push(kind=2), 422),
    ],
)
async def test_what_is_no_push_is_refused_and_leaves_no_trace(
    listening, outlet, path, body, status
):
    async with listening() as client:
        assert_refused(await client.post(path, content=body), status)
    assert (outlet.records, outlet.letters) == ([], [])


@pytest.mark.parametrize(
    ("data", "code"), [("5", "not-an-object"), ('{"caller":"1"}', "no-call-id")]
)
async def test_signed_rubbish_is_refused_and_becomes_a_dead_letter(listening, outlet, data, code):
    async with listening() as client:
        assert_refused(await client.post(PATH, content=push(data)), 422)
    (letter,) = outlet.letters
    assert (letter.stage, letter.code, letter.value) == ("ingress", code, data.encode())
    assert (letter.topic, letter.partition, letter.offset) == (PATH, -1, -1)
    assert letter.failed_at == NOW
    assert outlet.records == []


async def test_rubbish_that_cannot_be_kept_is_to_come_again(listening, outlet):
    outlet.error = RetryableError("no broker")
    async with listening() as client:
        assert_refused(await client.post(PATH, content=push("5")), 503)


async def test_get_is_no_push(listening):
    async with listening() as client:
        answer = await client.get(PATH)
    assert_refused(answer, 405)
    assert answer.headers["allow"] == "POST"


async def test_a_body_at_the_limit_is_taken_and_one_byte_more_is_not(listening, outlet):
    body = push()
    async with listening(largest_body=len(body)) as client:
        assert (await client.post(PATH, content=body)).status_code == 200
        assert_refused(await client.post(PATH, content=body + b" "), 413)
    assert len(outlet.records) == 1


async def test_a_body_without_a_stated_length_is_limited_too(listening):
    async def chunks():
        for _ in range(4):
            yield push()

    async with listening(largest_body=2 * len(push())) as client:
        assert_refused(await client.post(PATH, content=chunks()), 413)


async def test_a_compressed_body_is_refused(listening):
    async with listening() as client:
        answer = await client.post(
            PATH, content=gzip.compress(push()), headers={"Content-Encoding": "gzip"}
        )
    assert_refused(answer, 415)


async def test_a_body_that_does_not_come_is_given_up(listening):
    async with listening(read_timeout=timedelta(milliseconds=20)) as client:
        address = client.base_url
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{{".encode())
        assert b" 408 " in await reader.readline()
        writer.close()
        await writer.wait_closed()


async def test_a_connection_that_breaks_in_the_body_publishes_nothing(listening, outlet):
    body = push()
    async with listening() as client:
        address = client.base_url
        _, writer = await asyncio.open_connection(address.host, address.port)
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body[:-5])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await client.post(PATH, content=body)).status_code == 200
    assert len(outlet.records) == 1


@pytest.mark.parametrize("error", [RetryableError("no broker"), FatalError("not allowed")])
async def test_what_kafka_does_not_take_is_to_come_again(listening, outlet, error):
    outlet.error = error
    async with listening(retry_after=timedelta(seconds=7)) as client:
        answer = await client.post(PATH, content=push())
    assert_refused(answer, 503)
    assert answer.headers["retry-after"] == "7"


async def test_a_kafka_that_is_too_slow_is_not_waited_for(listening, outlet):
    outlet.open.clear()
    async with listening(publish_timeout=timedelta(milliseconds=20)) as client:
        answer = await client.post(PATH, content=push())
    assert_refused(answer, 503)
    assert "retry-after" in answer.headers
    assert outlet.records == []


async def test_one_push_too_many_at_one_time_is_to_come_again(listening, outlet):
    outlet.open.clear()
    async with listening(in_flight=2) as client:
        first = [asyncio.create_task(client.post(PATH, content=push())) for _ in range(2)]
        for _ in first:
            await outlet.waiting.get()
        answer = await client.post(PATH, content=push())
        assert_refused(answer, 503)
        assert "retry-after" in answer.headers
        outlet.open.set()
        assert [one.json()["code"] for one in await asyncio.gather(*first)] == [0, 0]
        assert (await client.post(PATH, content=push())).json()["code"] == 0
    assert len(outlet.records) == 3


async def test_a_fault_of_ours_is_no_acknowledgement_and_frees_its_place(listening, outlet):
    outlet.error = RuntimeError("a defect")
    async with listening(in_flight=1) as client:
        assert (await client.post(PATH, content=push())).status_code == 500
        outlet.error = None
        assert (await client.post(PATH, content=push())).json()["code"] == 0


async def test_only_allowed_networks_may_push_and_everybody_may_probe(listening, outlet):
    async with listening(allow=["10.0.0.0/8"]) as client:
        assert_refused(await client.post(PATH, content=push()), 403)
        assert (await client.get("/healthz")).status_code == 200
        forged = {"X-Forwarded-For": "10.0.0.1"}
        assert_refused(await client.post(PATH, content=push(), headers=forged), 403)
    async with listening(allow=["10.0.0.0/8"], trusted_proxies=["127.0.0.1"]) as client:
        assert (await client.post(PATH, content=push(), headers=forged)).status_code == 200
    assert len(outlet.records) == 1


async def test_the_probes(listening, outlet):
    async with listening() as client:
        assert (await client.get("/healthz")).json()["code"] == 0
        assert (await client.get("/readyz")).json()["code"] == 0
        outlet.is_ready = False
        assert_refused(await client.get("/readyz"), 503)
        assert (await client.get("/healthz")).status_code == 200


async def test_the_description_names_the_paths_that_are_served(listening):
    async with listening() as client:
        described = (await client.get("/openapi.json")).json()
    assert described["openapi"].startswith("3.1")
    assert set(described["paths"]) == {"/push/{vendor}/{account}", "/healthz", "/readyz"}
    answers = described["paths"]["/push/{vendor}/{account}"]["post"]["responses"]
    assert set(answers) >= {"200", "400", "401", "404", "413", "422", "503"}


async def test_the_log_tells_no_number_and_no_secret(listening, outlet, caplog):
    data = '{"caller":"13800138000"}'
    with caplog.at_level(logging.DEBUG):
        async with listening() as client:
            await client.post(PATH, content=push(data))
            await client.post(PATH, content=push(data, secret="wrong"))
    ours = [record.getMessage() for record in caplog.records if "connectors" in record.name]
    assert len(ours) == 2
    assert not any("13800138000" in line or SECRET in line for line in ours)
