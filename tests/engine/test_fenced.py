"""What is told once is written by one worker, however many believe that it is theirs."""

from connectors.kafka import new_consumer, new_producer
from schemas import topics
from streams.core.step import Output
from streams.engine.fenced import FencedWriter

TOPIC = topics.ALERTS.name
ANOTHER = topics.CAMPAIGNS.name


def output(text, topic=TOPIC):
    return Output(topic, b"alert", text, headers=(("h", b"1"),))


async def stands(kafka, count, topic=TOPIC):
    async with new_consumer(kafka, topic) as consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def test_a_worker_that_was_replaced_writes_no_more(fresh_kafka):
    old, new = FencedWriter(fresh_kafka, "workers"), FencedWriter(fresh_kafka, "workers")
    await old.claim([0, 1])
    assert await old.write(0, [output(b"1"), output(b"2")])
    await new.claim([0])
    assert not await old.write(0, [output(b"late")])
    assert await new.write(0, [output(b"3")])
    # the other partition is its own still
    assert await old.write(1, [output(b"elsewhere")])
    assert not await new.write(1, [output(b"not mine")])
    for writer in (old, new):
        await writer.close()
    assert sorted(await stands(fresh_kafka, 4)) == [b"1", b"2", b"3", b"elsewhere"]


async def test_what_was_left_open_is_aborted_before_the_state_is_read(fresh_kafka):
    left = new_producer(fresh_kafka, transactional_id="others-0")
    await left.start()
    await left.begin_transaction()
    await left.send_and_wait(ANOTHER, b"half", key=b"alert", partition=0)
    writer = FencedWriter(fresh_kafka, "others")
    await writer.claim([0])
    assert await writer.write(0, [output(b"whole", ANOTHER)])
    assert await stands(fresh_kafka, 1, ANOTHER) == [b"whole"]
    await writer.close()
    await left.stop()
