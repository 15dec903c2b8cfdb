"""Put records on topics."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from benchmarks.engine.contenders.apart import catalogue
from benchmarks.engine.traffic import Traffic, Written, make
from connectors.kafka import AIOKafkaProducer, KafkaSettings, create_topics, new_producer
from schemas import topics
from schemas.topics import Topic


async def topics_of_run(kafka: KafkaSettings, run: str, calls: str) -> None:
    """Create the topics of one run of callstreams."""
    await create_topics(kafka, (*topics.RAW, *catalogue(run, calls).values()))


async def feed(kafka: KafkaSettings, topic: str, traffic: Traffic) -> None:
    """Create a topic, and write the calls."""
    await create_topics(kafka, [Topic(topic, "calls", key="call id")])
    producer = new_producer(kafka, linger_ms=20)
    await producer.start()
    try:
        await write(producer, topic, make(traffic), stamped=traffic.stamped)
    finally:
        await producer.stop()


class Held:
    """Calls that are written but not seen yet: a transaction that `release` commits.

    Contenders are started and ready before all calls come at once.
    """

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._producer = new_producer(kafka, transactional_id=f"held-{topic}", linger_ms=20)

    async def write(self, traffic: Traffic) -> None:
        """Write, unseen."""
        await create_topics(self._kafka, [Topic(self._topic, "calls", key="call id")])
        await self._producer.start()
        await self._producer.begin_transaction()
        await write(self._producer, self._topic, make(traffic), stamped=traffic.stamped)

    async def release(self) -> None:
        """Let them be seen."""
        await self._producer.commit_transaction()

    async def close(self) -> None:
        """End."""
        await self._producer.stop()


async def write(
    producer: AIOKafkaProducer, topic: str, records: Iterable[Written], *, stamped: bool = False
) -> None:
    """Write records, and wait until Kafka has them."""
    sent = []
    for record in records:
        stamp = record.ended_ms if stamped else None
        sent.append(await producer.send(topic, record.value, key=record.key, timestamp_ms=stamp))
        if len(sent) >= 20_000:
            await asyncio.gather(*sent)
            sent.clear()
    await asyncio.gather(*sent)
