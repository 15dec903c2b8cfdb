"""The ingress in front of a real broker: what is acknowledged stands on the topic."""

import asyncio
import uuid

import httpx

from connectors.ingress.service import run_ingress
from connectors.ingress.settings import IngressSettings
from connectors.kafka import new_consumer
from connectors.vendors.icsoc.source import IcsocAccount
from schemas.dead_letter import read_dead_letter
from schemas.envelope import read_envelope
from schemas.topics import DEAD_LETTERS, RAW_ICSOC_CDR

from .conftest import SECRET, push


async def read_until(consumer, wanted):
    """Read on until a message satisfies `wanted`: others write to these topics too."""
    async for message in consumer:
        if wanted(message):
            return message
    raise AssertionError("the consumer ended")


async def test_acknowledged_pushes_stand_on_kafka(kafka):
    call_id = uuid.uuid4().hex
    account = IcsocAccount(name=f"a{call_id}", push={"secrets": [SECRET]})
    path = f"/push/icsoc/{account.name}"
    address = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    task = asyncio.create_task(
        run_ingress(IngressSettings(port=0), [account], kafka, ready=address.set_result, stop=stop)
    )
    data = f'{{"call_id": "{call_id}", "called_areaname": "\\u6cb3\\u5357"}}'
    async with httpx.AsyncClient(base_url=await address, trust_env=False) as client:
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.post(path, content=push(data))).json()["code"] == 0
        assert (await client.post(path, content=push("[]"))).status_code == 422
    stop.set()
    await task

    consumer = new_consumer(kafka, RAW_ICSOC_CDR.name, DEAD_LETTERS.name)
    await consumer.start()
    try:
        message = await read_until(consumer, lambda one: one.value == data.encode())
        record = read_envelope(message.headers, message.value)
        assert (record.subject, record.account) == (call_id, account.name)
        assert message.key == record.key
        await consumer.seek_to_beginning()
        message = await read_until(consumer, lambda one: one.key == f"{path}/-1/-1".encode())
        letter = read_dead_letter(message.headers, message.value)
        assert (letter.code, letter.value) == ("not-an-object", b"[]")
    finally:
        await consumer.stop()
