"""Messages in batches, on the partitions and in the order that they belong to."""

import asyncio
from types import SimpleNamespace

import pytest

from connectors.kafka import new_consumer, new_producer, partition_of
from streams.core.step import Output
from streams.engine.sender import Sender


@pytest.fixture
async def sender(kafka):
    producer = new_producer(kafka)
    await producer.start()
    yield Sender(SimpleNamespace(producer=SimpleNamespace(_ensure_producer=lambda: producer)))
    await producer.stop()


async def read(kafka, marker, count):
    """Read the messages of this test, by partition."""
    consumer = new_consumer(kafka, "campaigns")
    await consumer.start()
    found = {}
    try:
        async for message in consumer:
            if dict(message.headers).get("test") == marker:
                found.setdefault(message.partition, []).append(message)
                count -= 1
            if not count:
                return found
    finally:
        await consumer.stop()


async def test_messages_reach_their_partitions_in_order_with_all_they_carry(kafka, sender):
    outputs = [
        Output("campaigns", f"k{n % 9}".encode(), f"{n}".encode(), (("test", b"order"),), 1000 + n)
        for n in range(300)
    ]
    outputs.append(Output("campaigns", b"fixed", None, (("test", b"order"),), 9, partition=2))
    await asyncio.gather(*await sender.send(outputs))
    found = await read(kafka, b"order", 301)
    for partition, messages in found.items():
        own = [m for m in messages if m.key != b"fixed"]
        assert all(partition_of(m.key, 4) == partition for m in own)
        assert [int(m.value) for m in own] == sorted(int(m.value) for m in own)
        assert all(m.timestamp == 1000 + int(m.value) for m in own)
    assert [m.value for m in found[2] if m.key == b"fixed"] == [None]


async def test_more_than_a_batch_holds_goes_out_in_several(kafka, sender):
    outputs = [
        Output("campaigns", b"one-key", bytes(3000), (("test", b"large"),)) for _ in range(50)
    ]
    outputs.insert(7, Output("campaigns", b"one-key", bytes(200_000), (("test", b"large"),)))
    sent = await sender.send(outputs)
    await asyncio.gather(*sent)
    assert len(sent) < len(outputs)
    (messages,) = (await read(kafka, b"large", 51)).values()
    assert [len(m.value) for m in messages][7] == 200_000
