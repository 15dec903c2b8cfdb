"""The topic of the sources' statuses, as a reader follows it."""

from __future__ import annotations

from collections.abc import Callable

from connectors.kafka import KafkaSettings, TopicPartition
from connectors.poller.restore import reader
from schemas.source_status import SourceStatus
from schemas.topics import SOURCES


class Statuses:
    """Reads the statuses from the topic's beginning."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka

    async def until(self, done: Callable[[SourceStatus], bool]) -> SourceStatus:
        """Read on until a status satisfies `done`."""
        async with reader(self._kafka) as consumer:
            consumer.assign([TopicPartition(SOURCES.name, 0)])
            await consumer.seek_to_beginning()
            while True:
                for messages in (await consumer.getmany(timeout_ms=100)).values():
                    for message in messages:
                        status = SourceStatus.model_validate_json(message.value)
                        assert message.key.decode() == status.name
                        if done(status):
                            return status
