"""A Faust transport that hands a fetch on whole, and commits only what has been acknowledged."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, cast

from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from connectors.kafka import lag_of

_MAX_REQUEST = 16 * 1024 * 1024
_FETCH_SECONDS = 0.25


class CommittedOnlyThread(driver.AIOKafkaConsumerThread):
    """The consumer thread, reading what has been committed.

    Faust reads uncommitted records unless its own exactly_once is on; the pollers write in
    transactions, and what they abort must not be counted.
    """

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        return consumer


class BatchConsumer(driver.Consumer):
    """A consumer whose every message is one fetch of one partition.

    Faust's work per message costs 60-70 µs; per batch it costs nothing that can be measured.
    The message's value is the list of aiokafka records, its offset that of the last of them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_flight: defaultdict[TP, deque[int]] = defaultdict(deque)
        self._epoch = 0
        self.fetching = asyncio.Lock()

    def _new_consumer_thread(self) -> CommittedOnlyThread:
        return CommittedOnlyThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Fetch, and give each partition's records as one message.

        What is fetched is delivered only in the epoch that it was fetched in: an epoch begins
        with a seek, under the lock that a fetch holds, so that the seek reads again what is
        dropped here. Outside a rebalance nothing is dropped.
        """
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        async with self.fetching:
            if not self.flow_active or self.should_stop:
                return
            epoch, generation = self._epoch, self.app.consumer_generation_id
            # A copy: the set changes while the consumer's thread reads it, and an empty one
            # would mean all partitions to aiokafka.
            active = set(self._get_active_partitions())
            records = await self._getmany(active, min(timeout, _FETCH_SECONDS)) if active else {}
        if not active:
            await self.sleep(_FETCH_SECONDS)
        for raw_tp, fetched in records.items():
            if self._epoch != epoch or not self.flow_active:
                return
            tp = ensure_TP(raw_tp)
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            yield tp, self._batch(tp, fetched, generation)

    def _batch(self, tp: TP, fetched: list[Any], generation: int) -> ConsumerMessage:
        last = fetched[-1]
        if self.app.topics.acks_enabled_for(tp.topic):
            self._in_flight[tp].append(last.offset)
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000,
            last.timestamp_type,
            (),
            None,
            fetched,
            None,
            0,
            len(fetched),
            tp,
            generation_id=generation,
        )

    def _new_offset(self, tp: TP) -> int | None:
        """Give the offset to commit: the end of the longest acknowledged prefix.

        Faust's own is off by one and may pass a message in flight (faust-streaming #606).
        """
        flying, acked = self._in_flight[tp], self._acked_index[tp]
        committable: int | None = None
        while flying and flying[0] in acked:
            offset = flying.popleft()
            acked.discard(offset)
            committable = offset + 1
        self._acked[tp].clear()
        return committable

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Keep no gaps: the longest acknowledged prefix needs none."""

    def begin_epoch(self) -> None:
        """Forget what was delivered before a seek: it is delivered again."""
        self._epoch += 1
        self._in_flight.clear()
        self._acked_index.clear()
        self._acked.clear()

    async def seek_to_committed_or_first(self, tps: Iterable[TP]) -> Mapping[TP, int]:
        """Seek partitions to their committed offsets, or to the first where there is none.

        aiokafka's seek_to_committed leaves a partition without a commit where it is, past what
        was fetched and dropped during the rebalance.

        Returns:
            The committed offset of each partition, 0 for none.
        """
        wanted = set(tps)
        if not wanted:
            return {}  # there are more workers than partitions; aiokafka would refuse
        found = await self._thread.seek_to_committed()
        committed = {ensure_TP(tp): offset or 0 for tp, offset in found.items()}
        never = [tp for tp in wanted if not committed.get(tp)]
        if never:
            await self._thread.seek_to_beginning(*(self._new_topicpartition(*tp) for tp in never))
        for tp in wanted:
            offset = committed.get(tp, 0)
            # Faust drops what is below the read offset; None lets the first record through.
            self._read_offset[tp] = offset or None
            self._committed_offset[tp] = offset or None
        return {tp: committed.get(tp, 0) for tp in wanted}

    def committed(self, tp: TP) -> int:
        """Tell up to where a partition's records need never be delivered again."""
        return cast(int, self._committed_offset[tp] or 0)

    def lag(self) -> dict[TP, int]:
        """Tell how many records of each source partition are not acknowledged, as far as known."""
        consumer = self._thread._consumer
        found: dict[TP, int] = {}
        for raw_tp, unread in ({} if consumer is None else lag_of(consumer)).items():
            tp = ensure_TP(raw_tp)
            flying = self._in_flight.get(tp)
            # From the last commit to the last record given out; a transaction's mark has an
            # offset too, and is no record that anybody waits for.
            waiting = flying[-1] + 1 - self.committed(tp) if flying else 0
            if self.app.topics.acks_enabled_for(tp.topic):
                found[tp] = unread + max(0, waiting)
        return found

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget what was in flight on partitions that are taken away."""
        for tp in revoked:
            self._in_flight.pop(tp, None)
        await super().on_partitions_revoked(revoked)


class IdempotentProducer(driver.Producer):
    """A producer that neither loses, repeats nor reorders (KIP-98), without transactions.

    Whoever writes waits for what was written, so nobody need wait for everything: Faust flushes
    at every commit and revocation, and one partition that cannot be written would hold up the
    whole group.
    """

    async def flush(self) -> None:
        """Do nothing."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True, "max_request_size": _MAX_REQUEST}


class Transport(driver.Transport):
    """The transport made of these."""

    Consumer = BatchConsumer
    Producer = IdempotentProducer
