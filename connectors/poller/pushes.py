"""Reads a source's raw topic along, to tell what its vendor's pushes have not brought."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Self

from connectors.kafka import AIOKafkaConsumer, KafkaSettings, TopicPartition
from connectors.poller.restore import PUSH_HEADER, Message, new_reader, offsets_since
from connectors.poller.unpushed import NONE_FOUND, Found, Unpushed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PATIENCE_MS = 100


class PushWatch:
    """The records of one source, polled and pushed, up to the topic's end. Made by `open`."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        places: Collection[TopicPartition],
        source: str,
        unpushed: Unpushed,
        keep: timedelta,
    ) -> None:
        self._consumer = consumer
        self._places = list(places)
        self._wanted = ("ce_source", source.encode())
        self._unpushed = unpushed
        self._keep = keep

    @classmethod
    async def open(
        cls,
        kafka: KafkaSettings,
        topic: str,
        partitions: Collection[int],
        *,
        source: str,
        grace: timedelta,
        keep: timedelta,
        found: Found,
        now: datetime,
    ) -> Self:
        """Begin far enough back that every push that may still be overdue is seen.

        Args:
            kafka: where.
            topic: the raw topic.
            partitions: all of it.
            source: the source's `ce_source`.
            grace: how late a push may be.
            keep: how long a record may be read again.
            found: what was counted already.
            now: the moment.
        """
        consumer = new_reader(kafka)
        await consumer.start()
        try:
            last = now if found == NONE_FOUND else min(now, found.until)
            offsets = await offsets_since(consumer, topic, partitions, last - grace - keep)
            for place, offset in offsets.items():
                consumer.seek(place, offset)
        except BaseException:
            await consumer.stop()
            raise
        return cls(consumer, offsets.keys(), source, Unpushed(grace, found), keep)

    async def count(self, now: datetime) -> Found:
        """Read on to the end of the topic, and count what is overdue."""
        ends = await self._consumer.end_offsets(self._places)
        while [place for place in ends if await self._consumer.position(place) < ends[place]]:
            batches = await self._consumer.getmany(timeout_ms=_PATIENCE_MS)
            for messages in batches.values():
                for message in messages:
                    self._note(message)
        return self._unpushed.count(now, keep=self._keep)

    def _note(self, message: Message) -> None:
        if self._wanted not in message.headers:
            return
        subject = dict(message.headers).get("ce_subject", b"").decode()
        at = _EPOCH + timedelta(milliseconds=message.timestamp)
        if PUSH_HEADER in message.headers:
            self._unpushed.pushed(subject, at)
        else:
            self._unpushed.polled(subject, at)

    async def close(self) -> None:
        """Give back the connection."""
        await self._consumer.stop()
