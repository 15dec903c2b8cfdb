"""Send messages a batch at a time.

aiokafka's `send` costs some 25 µs a message, half of it murmur2 in Python and the way through
Faust. Here the messages of one partition are written into one produce batch, and there is one
acknowledgement for all of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from functools import lru_cache
from typing import Any

from connectors.kafka import partition_of
from streams.core.step import Output

_KEYS_KEPT = 100_000


@lru_cache(maxsize=_KEYS_KEPT)
def _partition_of(key: bytes, partitions: int) -> int:
    return partition_of(key, partitions)


class Sender:
    """Writes outputs through an app's producer.

    Args:
        app: the Faust app, whose producer runs by the time that something is sent.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._partitions: dict[str, int] = {}

    async def send(self, outputs: Iterable[Output]) -> list[Awaitable[Any]]:
        """Hand messages to the producer; what it gives can be awaited for their durability.

        Messages of one partition keep their order.

        Raises:
            KafkaError: the topic is unknown, or the producer is not able to write.
        """
        producer = self._app.producer._ensure_producer()
        groups: dict[tuple[str, int], list[Output]] = {}
        for output in outputs:
            count = self._partitions.get(output.topic) or await self._count(producer, output.topic)
            partition = output.partition
            if partition is None:
                partition = 0 if output.key is None else _partition_of(output.key, count)
            groups.setdefault((output.topic, partition), []).append(output)
        sent: list[Awaitable[Any]] = []
        for (topic, partition), group in groups.items():
            sent += await _send_group(producer, topic, partition, group)
        return sent

    async def _count(self, producer: Any, topic: str) -> int:
        count = len(await producer.partitions_for(topic))
        self._partitions[topic] = count
        return count


async def _send_group(
    producer: Any, topic: str, partition: int, group: list[Output]
) -> list[Awaitable[Any]]:
    sent = []
    batch = producer.create_batch()
    for output in group:
        while not _append(batch, output):
            if batch.record_count() == 0:
                # Larger than a batch: the producer sends it alone, or says that it is too large.
                sent.append(await _send_alone(producer, output, partition))
                break
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
    if batch.record_count():
        sent.append(await producer.send_batch(batch, topic, partition=partition))
    return sent


def _append(batch: Any, output: Output) -> bool:
    added = batch.append(
        timestamp=output.timestamp,
        key=output.key,
        value=output.value,
        headers=list(output.headers),
    )
    return added is not None


async def _send_alone(producer: Any, output: Output, partition: int) -> Awaitable[Any]:
    future: Awaitable[Any] = await producer.send(
        output.topic,
        output.value,
        key=output.key,
        partition=partition,
        timestamp_ms=output.timestamp,
        headers=list(output.headers) or None,
    )
    return future
