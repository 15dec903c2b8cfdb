"""Writes of which Kafka lets one worker at a time make each: for what is told once.

Counters may be written by a worker that has been replaced and does not know it yet: what it
writes is right, and passed over. A transition of an alert is an event, and would stand twice. So
each partition of such a topic is written in transactions under an id of its own. Whoever takes
the partition over claims the id before it reads what stands there: Kafka then aborts what the
other left open and refuses all that it still sends (KIP-98, "zombie fencing").
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from connectors.kafka import AIOKafkaProducer, KafkaSettings, ProducerFenced, new_producer
from streams.core.step import Output

log = logging.getLogger(__name__)


class FencedWriter:
    """Writes to the partitions that were claimed last.

    Args:
        kafka: where Kafka is.
        name: begins the transactional ids; the same in all workers of a group.
    """

    def __init__(self, kafka: KafkaSettings, name: str) -> None:
        self._kafka = kafka
        self._name = name
        self._producers: dict[int, AIOKafkaProducer] = {}

    async def claim(self, partitions: Iterable[int]) -> None:
        """Become the one writer of these partitions, and let go of all others.

        Raises:
            KafkaError: Kafka does not let it.
        """
        await self.close()
        for partition in partitions:
            self._producers[partition] = new_producer(
                self._kafka, transactional_id=f"{self._name}-{partition}", linger_ms=0
            )
        await asyncio.gather(*(producer.start() for producer in self._producers.values()))

    async def write(self, partition: int, outputs: Sequence[Output]) -> bool:
        """Write all outputs or none; tell whether they stand, and not another worker's instead.

        Raises:
            KafkaError: they could not be written, and nobody knows why.
        """
        producer = self._producers.get(partition)
        if producer is None:
            return False
        try:
            async with producer.transaction():
                sent = [
                    await producer.send(
                        output.topic,
                        output.value,
                        key=output.key,
                        partition=partition,
                        headers=list(output.headers),
                    )
                    for output in outputs
                ]
                await asyncio.gather(*sent)
        except ProducerFenced:
            log.info("%s-%d is another worker's by now", self._name, partition)
            return False
        return True

    async def close(self) -> None:
        """Let go of all partitions."""
        producers, self._producers = self._producers, {}
        await asyncio.gather(*(producer.stop() for producer in producers.values()))
