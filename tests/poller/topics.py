"""What stands on a topic, as a consumer of ours sees it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.kafka import KafkaSettings
from schemas.topics import RAW_ICSOC_CDR


def new_account(prefix: str = "t") -> str:
    """Name an account that no other test has, so that tests can share topics."""
    return f"{prefix}{uuid4().hex[:10]}"


@contextlib.asynccontextmanager
async def _reading(kafka: KafkaSettings, isolation: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        RAW_ICSOC_CDR.name,
        **kafka.client_options(),
        group_id=None,
        auto_offset_reset="earliest",
        isolation_level=isolation,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


def _ids(batches: dict[TopicPartition, list[object]], account: str) -> list[str]:
    source = f"/icsoc/{account}/cdr".encode()
    headers = [dict(m.headers) for messages in batches.values() for m in messages]
    return [h["ce_id"].decode() for h in headers if h["ce_source"] == source]


async def committed_ids(kafka: KafkaSettings, account: str) -> list[str]:
    """Give the `ce_id` of all that an account's readers see, sorted."""
    ids: list[str] = []
    async with _reading(kafka, "read_committed") as consumer:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        while [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
            ids += _ids(await consumer.getmany(timeout_ms=100), account)
    return sorted(ids)


class Progress:
    """Counts what an account's sources have written, committed or not."""

    def __init__(self, kafka: KafkaSettings, account: str) -> None:
        self._kafka = kafka
        self._account = account
        self.seen: list[str] = []

    async def until(self, done: Callable[[list[str]], bool]) -> None:
        """Read on until what was seen since the beginning satisfies `done`."""
        self.seen = []
        async with _reading(self._kafka, "read_uncommitted") as consumer:
            while not done(self.seen):
                self.seen += _ids(await consumer.getmany(timeout_ms=100), self._account)
