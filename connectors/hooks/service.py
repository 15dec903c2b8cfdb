"""The hooks' loop, in two steps, both on topics that the processes of one group share out.

1. Each transition on `alerts` becomes a notice per receiver on `callstreams.notices`, and its
   offset is committed when Kafka has them.
2. All notices of a receiver are on one partition, and so with one process: there they are
   grouped, silenced, held to the rate budget and sent. A notice stays until its receiver has it.

So a killed process loses nothing: its successor reads the notices anew. What was sent, but not
yet noted, is sent twice under the same id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import Any

from connectors import telemetry, tracing
from connectors.health import Health
from connectors.hooks.intake import Record, take
from connectors.hooks.knowledge import keep_informed
from connectors.hooks.measured import Measured
from connectors.hooks.outbox import OnDelivered, Outbox
from connectors.hooks.pipeline.muting import Muting
from connectors.hooks.receivers import Receiver
from connectors.hooks.settings import HooksSettings
from connectors.kafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    KafkaError,
    KafkaSettings,
    TopicPartition,
    create_topics,
    lag_of,
    new_consumer,
    new_producer,
)
from connectors.telemetry import Reading
from schemas.topics import ALERTS, DEAD_LETTERS, NOTICES, SILENCES

__all__ = ["OnDelivered", "run_hooks"]

_POLL_MS = 200
_TAKEN_OVER_MS = 6_000
"""After so long a killed process's work is another's: the least that brokers allow by default."""
_DRAIN_SECONDS = 10
_log = logging.getLogger(__name__)


class _Hooks(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka is untyped
    """What one process has in hand."""

    def __init__(
        self,
        settings: HooksSettings,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        outbox: Outbox,
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._producer = producer
        self._outbox = outbox
        # of the notices' partitions that are ours: where to read on, and where loading ends
        self._next: dict[TopicPartition, int] = {}
        self._loading: dict[TopicPartition, int | None] = {}
        self._is_member = False

    async def why_not_ready(self) -> str | None:
        """Tell why it delivers nothing yet; None where it does."""
        if not self._is_member:
            return "the group is giving out the partitions"
        return "the notices are still being read" if self._loading else None

    def lag(self) -> Reading:
        """Give how many records of each partition were not read yet."""
        return (
            ((place.topic, str(place.partition)), count)
            for place, count in lag_of(self._consumer).items()
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Read and deliver until `stop` is set; then finish what can be finished soon."""
        async with asyncio.TaskGroup() as group:
            sender = group.create_task(self._send(group))
            while not stop.is_set():
                batch = await self._consumer.getmany(timeout_ms=_POLL_MS)
                await self._take(batch)
                await self._look_whether_loaded()
                self._outbox.send_what_is_due(group)
            sender.cancel()
            await self._outbox.drain(_DRAIN_SECONDS)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Keep what we have until it is known who has it next: mostly it is us."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take up the partitions: notices that are new to us are read from their beginning."""
        self._is_member = True
        mine = {each for each in assigned if each.topic == NOTICES.name}
        whole = {each for each in mine & self._next.keys() if each not in self._loading}
        self._next = {each: self._next[each] if each in whole else 0 for each in mine}
        self._loading = dict.fromkeys(mine - whole)
        for each in mine:
            self._consumer.seek(each, self._next[each])
        await self._outbox.drop(each.partition for each in whole)

    async def _send(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._outbox.nudged()
            self._outbox.send_what_is_due(group)

    async def _take(self, batch: Mapping[TopicPartition, list[Record]]) -> None:
        for partition, records in batch.items():
            if partition.topic != NOTICES.name:
                await self._take_alerts(partition, records)
            elif partition in self._next:
                for record in records:
                    self._outbox.take(partition.partition, record)
                self._next[partition] = records[-1].offset + 1

    async def _take_alerts(self, partition: TopicPartition, records: list[Record]) -> None:
        taken = [take(record, self._settings, datetime.now(UTC)) for record in records]
        letters = [each.dead_letter for each in taken if each.dead_letter is not None]
        try:
            await asyncio.gather(
                *(
                    self._outbox.write(notice, by_me=False, trace=tracing.carried(record.headers))
                    for record, each in zip(records, taken, strict=True)
                    for notice in each.notices
                ),
                *(
                    self._producer.send_and_wait(
                        DEAD_LETTERS.name, each.value, key=each.key, headers=each.headers()
                    )
                    for each in letters
                ),
            )
        except KafkaError as error:
            _log.warning(
                "Kafka does not take alerts over, they are read again: %s", type(error).__name__
            )
            if partition in self._consumer.assignment():
                self._consumer.seek(partition, records[0].offset)
            return
        for letter in letters:
            telemetry.DEAD_LETTERS.labels(letter.stage, letter.code).inc()
        try:
            await self._consumer.commit({partition: records[-1].offset + 1})
        except KafkaError as error:
            # Not lost: it is committed with the next, or taken again by the next owner.
            _log.warning("offsets not committed: %s", type(error).__name__)

    async def _look_whether_loaded(self) -> None:
        for partition, end in list(self._loading.items()):
            with suppress(KafkaError):  # it was taken from us meanwhile, or the broker is gone
                if end is None:
                    ends = await self._consumer.end_offsets([partition])
                    if partition in self._loading:
                        self._loading[partition] = ends[partition]
                    continue
                reached = await self._consumer.position(partition) >= end
                if reached and self._loading.get(partition) == end:
                    del self._loading[partition]
                    self._outbox.loaded(partition.partition)


async def run_hooks(
    kafka: KafkaSettings,
    settings: HooksSettings,
    stop: asyncio.Event,
    on_delivered: OnDelivered | None = None,
    *,
    health: Health | None = None,
) -> None:
    """Deliver alerts until `stop` is set.

    Args:
        kafka: where the topics stand.
        settings: who is told of what.
        stop: set it to end; what is being delivered has a few seconds to finish.
        on_delivered: called with each transition and the name of the receiver that has taken it.
        health: is told how to find out whether it delivers.

    Raises:
        RetryableError: Kafka cannot be reached.
    """
    # stamina says neither who is tried again nor why: `delivery` does
    logging.getLogger("stamina").setLevel(logging.ERROR)
    await create_topics(kafka, [ALERTS, SILENCES, NOTICES, DEAD_LETTERS])
    async with AsyncExitStack() as stack:
        receivers: dict[str, Receiver] = {}
        for each in settings.receivers:
            receivers[each.name] = receiver = Measured(each.name, each.open())
            stack.push_async_callback(receiver.close)
        muting = Muting(settings.inhibit)
        informed = asyncio.Event()
        informing = asyncio.create_task(keep_informed(kafka, settings, muting, informed))
        stack.push_async_callback(_end, informing)
        await _while(informing, informed.wait())
        producer = new_producer(kafka)
        await producer.start()
        stack.push_async_callback(producer.stop)
        partitions = len(await producer.partitions_for(NOTICES.name))
        outbox = Outbox(settings, producer, receivers, muting, partitions, on_delivered)
        consumer = new_consumer(kafka, group=settings.group, session_timeout_ms=_TAKEN_OVER_MS)
        await consumer.start()
        stack.push_async_callback(consumer.stop)
        hooks = _Hooks(settings, consumer, producer, outbox)
        stack.enter_context(telemetry.LAG.reading(hooks.lag))
        if health is not None:
            health.ready_unless(hooks.why_not_ready)
        consumer.subscribe([ALERTS.name, NOTICES.name], listener=hooks)
        await _while(informing, hooks.run(stop))


async def _while(watched: asyncio.Task[None], work: Coroutine[None, None, object]) -> None:
    """Do the work, and raise what the watched task raises should it end first."""
    doing = asyncio.create_task(work)
    try:
        await asyncio.wait({doing, watched}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            watched.result()
        await doing
    finally:
        await _end(doing)


async def _end(task: asyncio.Future[Any]) -> None:
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
