import json

import pytest
from typer.testing import CliRunner

from connectors.broker.node import in_own_loop
from connectors.broker.ports import free_ports
from connectors.kafka import new_consumer, new_producer
from streams.cli import console
from streams.cli.main import app


@pytest.fixture
def call(monkeypatch):
    """Run a command on a terminal that is wide enough to break no line of a table."""
    monkeypatch.setattr(console.out, "width", 250)
    monkeypatch.setattr(console.err, "width", 250)

    def run(*arguments, kafka=None, **environment):
        if kafka is not None:
            environment["KAFKA_BOOTSTRAP_SERVERS"] = kafka.bootstrap_servers
        return CliRunner().invoke(app, [str(each) for each in arguments], env=environment)

    return run


@pytest.fixture
def unused_port():
    return free_ports(1)[0]


@pytest.fixture
def config(tmp_path):
    """Write a configuration, and give its path."""

    def write(**sections):
        path = tmp_path / "callstreams.yaml"
        path.write_text(json.dumps(sections), encoding="utf-8")
        return path

    return write


def read_all(kafka, topic, at_least=0, where=lambda record: True):
    """Give all committed messages of a topic.

    A transaction can be seen a moment after its commit was answered, hence `at_least`.
    """
    while len(found := list(filter(where, _read_all(kafka, topic)))) < at_least:
        pass
    return found


def _read_all(kafka, topic):

    async def read():
        consumer = new_consumer(kafka, topic)
        await consumer.start()
        try:
            places = consumer.assignment()
            ends = await consumer.end_offsets(places)
            found = []
            while any([await consumer.position(each) < ends[each] for each in places]):
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += records
            return found
        finally:
            await consumer.stop()

    return in_own_loop(read())


def write_all(kafka, *messages):
    """Write (topic, key, value, headers, partition) and wait for Kafka to have them."""

    async def write():
        producer = new_producer(kafka)
        await producer.start()
        try:
            for topic, key, value, headers, partition in messages:
                await producer.send_and_wait(
                    topic, value, key=key, headers=list(headers), partition=partition
                )
        finally:
            await producer.stop()

    in_own_loop(write())
