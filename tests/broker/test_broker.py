import asyncio
import os
import socket

import pytest

from connectors.broker import Broker
from connectors.kafka import (
    AIOKafkaConsumer,
    TopicPartition,
    create_topics,
    new_consumer,
    new_producer,
)
from schemas import topics
from schemas.errors import ConfigError
from schemas.topics import CALLS, CURSORS


def listens(address: str) -> bool:
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def write(settings, topic: str, *values: bytes) -> None:
    async with new_producer(settings) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)


async def read(settings, topic: str, count: int) -> list[bytes]:
    async with new_consumer(settings, topic) as consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def test_what_is_written_is_read(fresh_kafka):
    await write(fresh_kafka, CALLS.name, b"first", b"second")
    assert await read(fresh_kafka, CALLS.name, 2) == [b"first", b"second"]


async def test_a_transaction_is_seen_after_its_commit_and_not_before(fresh_kafka):
    # one partition, hence one order
    where = TopicPartition(CURSORS.name, 0)
    async with (
        new_consumer(fresh_kafka, CURSORS.name) as committed,
        AIOKafkaConsumer(CURSORS.name, **fresh_kafka.client_options()) as uncommitted,
        new_producer(fresh_kafka, transactional_id="test") as producer,
    ):
        await producer.begin_transaction()
        written = await producer.send_and_wait(CURSORS.name, b"cursor", key=b"source")
        assert written.offset == 0
        assert await uncommitted.end_offsets([where]) == {where: 1}  # it is in the log
        assert await committed.end_offsets([where]) == {where: 0}
        await producer.commit_transaction()
        assert (await committed.getone()).value == b"cursor"


async def test_acknowledged_records_survive_kill_9(fresh_kafka, fresh_broker):
    topic = topics.TALLIES.name
    await write(fresh_kafka, topic, *(b"%d" % number for number in range(100)))
    killed = fresh_broker.nodes[0].pid
    await asyncio.to_thread(fresh_broker.kill)
    assert not alive(killed)
    assert not listens(fresh_kafka.bootstrap_servers)
    await asyncio.to_thread(fresh_broker.start)
    assert fresh_broker.settings == fresh_kafka  # clients find it where it was
    assert await read(fresh_kafka, topic, 100) == [b"%d" % number for number in range(100)]


async def test_a_consumer_can_be_stopped_while_its_broker_is_gone(
    fresh_kafka, fresh_broker, caplog
):
    await write(fresh_kafka, CALLS.name, b"first")
    async with new_consumer(fresh_kafka, CALLS.name) as consumer:
        await consumer.getone()  # hence it fetches
        await asyncio.to_thread(fresh_broker.kill)
        # the library tells nobody but its log that it now waits to try again
        while "Failed fetch messages" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await asyncio.to_thread(fresh_broker.start)


async def test_two_live_side_by_side_and_know_nothing_of_each_other(fresh_kafka, installation):
    async with Broker(installation=installation) as other:
        await create_topics(other.settings, [CALLS])
        await write(other.settings, CALLS.name, b"mine")
        await write(fresh_kafka, CALLS.name, b"theirs")
        assert await read(other.settings, CALLS.name, 1) == [b"mine"]


def test_nothing_is_left_at_the_end(installation, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Broker(installation=installation) as broker:
        address, pid = broker.bootstrap_servers, broker.nodes[0].pid
        assert listens(address)
        assert list(tmp_path.iterdir())
    assert not alive(pid)
    assert not listens(address)
    assert not list(tmp_path.iterdir())


async def test_a_given_folder_keeps_the_data_and_its_size(installation, tmp_path):
    async with Broker(data=tmp_path / "kept", installation=installation) as broker:
        await create_topics(broker.settings, [CALLS])
        await write(broker.settings, CALLS.name, b"kept")
    async with Broker(data=tmp_path / "kept", installation=installation) as broker:
        assert await read(broker.settings, CALLS.name, 1) == [b"kept"]
    note = tmp_path / "kept" / "cluster"
    note.write_text(note.read_text().replace(" 1\n", " 3\n"))
    with pytest.raises(ConfigError, match=r"data of 3 node\(s\), not of 1: start 3"):
        await Broker(data=tmp_path / "kept", installation=installation).__aenter__()


def test_an_id_may_begin_with_a_dash(installation, tmp_path):
    # as one random id in sixty-four does
    (tmp_path / "cluster").write_text("-u3NLsKlTEaqhQYMWpFGIQ 1\n")
    with Broker(data=tmp_path, installation=installation) as broker:
        assert listens(broker.bootstrap_servers)


async def test_a_start_that_is_cancelled_leaves_nothing(installation, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    broker = Broker(installation=installation)
    starting = asyncio.create_task(broker.__aenter__())
    await asyncio.sleep(0)  # let it begin
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert broker.nodes == ()
    assert not list(tmp_path.iterdir())


def test_a_taken_port_is_named(fresh_broker, installation):
    port = fresh_broker.nodes[0].address.port
    with (
        pytest.raises(ConfigError, match=f"port {port} is taken"),
        Broker(port=port, installation=installation),
    ):
        pass
