"""The hooks' loop: read `alerts`, hand each to its receivers, commit what is done.

Every receiver has lanes of its own, so that a slow one holds up nobody else. An alert's
fingerprint chooses the lane, so that firing and resolved arrive in their order.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pydantic import ValidationError

from connectors.hooks.delivery import Patience, Record, Refusal, dead_letter, deliver
from connectors.hooks.pipeline import Seen, is_announced, receivers_of
from connectors.hooks.progress import Progress
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
    new_consumer,
    new_producer,
)
from schemas.alert import Alert
from schemas.topics import ALERTS, DEAD_LETTERS

OnDelivered = Callable[[Alert, str], None]

_LANES = 8
_POLL_MS = 200
_DRAIN_SECONDS = 10
_log = logging.getLogger(__name__)


class _Job(NamedTuple):
    alert: Alert
    record: Record
    progress: Progress
    taken_at: float


class _Hooks(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka is untyped
    """What one process has in hand."""

    def __init__(
        self,
        settings: HooksSettings,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        receivers: dict[str, Receiver],
        on_delivered: OnDelivered | None,
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._producer = producer
        self._receivers = receivers
        self._on_delivered = on_delivered
        self._seen = {name: Seen() for name in receivers}
        self._progress: dict[TopicPartition, Progress] = {}
        self._lanes: dict[tuple[str, int], asyncio.Queue[_Job]] = {
            (name, lane): asyncio.Queue() for name in receivers for lane in range(_LANES)
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Read and deliver until `stop` is set; then finish what can be finished soon."""
        async with asyncio.TaskGroup() as group:
            workers = [
                group.create_task(self._work(name, queue))
                for (name, _), queue in self._lanes.items()
            ]
            while not stop.is_set():
                self._pause_or_resume()
                batch = await self._consumer.getmany(timeout_ms=_POLL_MS)
                await self._take(batch)
                await self._commit(self._progress)
            try:
                async with asyncio.timeout(_DRAIN_SECONDS):
                    for queue in self._lanes.values():
                        await queue.join()
            except TimeoutError:
                _log.warning("stopping before every alert was delivered: they are sent again")
            for worker in workers:
                worker.cancel()
        await self._commit(self._progress)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Commit what is done, and leave the rest to the partitions' next owner."""
        mine = {each: self._progress[each] for each in revoked if each in self._progress}
        await self._commit(mine)
        for partition, progress in mine.items():
            progress.revoked = True
            del self._progress[partition]

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Begin with a clean slate: Kafka knows where."""

    def _pause_or_resume(self) -> None:
        waiting = sum(map(len, self._progress.values()))
        if waiting >= self._settings.read_ahead:
            self._consumer.pause(*self._consumer.assignment())
        else:
            self._consumer.resume(*self._consumer.paused())

    async def _take(self, batch: dict[TopicPartition, list[Record]]) -> None:
        # No await before all are taken in: a rebalance would come between read and remembered.
        bad = []
        for partition, records in batch.items():
            progress = self._progress.setdefault(partition, Progress())
            for record in records:
                alert = self._read(record)
                if isinstance(alert, Refusal):
                    progress.begin(record.offset, 1)
                    bad.append((record, progress, alert))
                elif alert is None or not is_announced(alert):
                    progress.begin(record.offset, 0)
                else:
                    self._queue(record, progress, alert)
        for record, progress, refusal in bad:
            await self._bury(record, "hooks", refusal)
            progress.finish(record.offset)

    def _queue(self, record: Record, progress: Progress, alert: Alert) -> None:
        names = receivers_of(alert, self._settings.routes, self._settings.names)
        progress.begin(record.offset, len(names))
        job = _Job(alert, record, progress, asyncio.get_running_loop().time())
        lane = zlib.crc32(alert.key) % _LANES
        for name in names:
            self._lanes[name, lane].put_nowait(job)

    @staticmethod
    def _read(record: Record) -> Alert | Refusal | None:
        if record.value is None:
            return None
        try:
            return Alert.model_validate_json(record.value)
        except ValidationError as error:
            where = ", ".join(".".join(map(str, each["loc"])) or "it" for each in error.errors())
            return Refusal("bad-alert", f"this is no alert of ours: see {where}")

    async def _work(self, name: str, queue: asyncio.Queue[_Job]) -> None:
        while True:
            job = await queue.get()
            if not job.progress.revoked:
                await self._hand_over(name, job)
                job.progress.finish(job.record.offset)
            queue.task_done()

    async def _hand_over(self, name: str, job: _Job) -> None:
        alert = job.alert
        if alert.id in self._seen[name]:
            return
        # Counted from when it was read: behind a dead receiver all give up after one such time.
        waited = timedelta(seconds=asyncio.get_running_loop().time() - job.taken_at)
        patience = Patience(
            self._settings.give_up_after - waited,
            self._settings.first_wait,
            self._settings.longest_wait,
        )
        refusal = await deliver(self._receivers[name], alert, patience)
        if refusal is not None:
            _log.warning("alert %s not delivered to %s: %s", alert.id, name, refusal.reason)
            await self._bury(job.record, f"hooks/{name}", refusal)
            return
        self._seen[name].add(alert.id)
        if self._on_delivered is not None:
            self._on_delivered(alert, name)

    async def _bury(self, record: Record, stage: str, refusal: Refusal) -> None:
        letter = dead_letter(record, stage, refusal, datetime.now(UTC))
        await self._producer.send_and_wait(
            DEAD_LETTERS.name, letter.value, key=letter.key, headers=letter.headers()
        )

    async def _commit(self, of: dict[TopicPartition, Progress]) -> None:
        done = [
            (partition, progress, offset)
            for partition, progress in of.items()
            if (offset := progress.to_commit()) is not None
        ]
        if not done:
            return
        try:
            await self._consumer.commit({partition: offset for partition, _, offset in done})
        except KafkaError as error:
            # Not lost: it is tried again with the next, or delivered again by the next owner.
            _log.warning("offsets not committed: %s", type(error).__name__)
            return
        for _, progress, offset in done:
            progress.committed(offset)


async def run_hooks(
    kafka: KafkaSettings,
    settings: HooksSettings,
    stop: asyncio.Event,
    on_delivered: OnDelivered | None = None,
) -> None:
    """Deliver alerts until `stop` is set.

    Args:
        kafka: where the topic stands.
        settings: who is told of what.
        stop: set it to end; what is being delivered has a few seconds to finish.
        on_delivered: called with each alert and the name of the receiver that has taken it.

    Raises:
        RetryableError: Kafka cannot be reached.
    """
    await create_topics(kafka, [ALERTS, DEAD_LETTERS])
    async with AsyncExitStack() as stack:
        receivers: dict[str, Receiver] = {}
        for each in settings.receivers:
            receivers[each.name] = receiver = each.open()
            stack.push_async_callback(receiver.close)
        producer = new_producer(kafka)
        await producer.start()
        stack.push_async_callback(producer.stop)
        consumer = new_consumer(kafka, group=settings.group)
        await consumer.start()
        stack.push_async_callback(consumer.stop)
        hooks = _Hooks(settings, consumer, producer, receivers, on_delivered)
        consumer.subscribe([ALERTS.name], listener=hooks)
        await hooks.run(stop)
