"""Recovery after a rebalance: all state is read anew, then the sources flow from their commits.

Faust 0.15.3 reads the changelogs through the same consumer, queues and pauses as the sources.
A fetch that was under way when the partitions changed may then deliver old records after the
seek, or drop new ones: tables come back with holes, and source records are lost
(faust-streaming #596). Here the changelogs are read by a consumer of their own, from the
beginning to the end; and the sources are sought while no fetch is under way, and flow only when
everything behind them is ready.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP
from mode import Service

from connectors import telemetry
from connectors.kafka import KafkaSettings, TopicPartition, new_consumer
from schemas.errors import FatalError
from streams.core.step import Record
from streams.engine.stage import die

if TYPE_CHECKING:
    from streams.engine.table import StepTable
    from streams.engine.transport import BatchConsumer

_POLL_MS = 200
_AT_ONCE = 10_000


def _replace(newest: dict[bytes, Record], batch: Iterable[Record]) -> None:
    """Keep the newest record of each key, as compaction would: the others are never decoded."""
    for record in batch:
        if record.key is None:
            continue
        newest.pop(record.key, None)
        if record.value is not None:
            newest[record.key] = record


class ExactRecovery(Recovery):
    """Faust's recovery service with another way to recover."""

    @Service.task
    async def _restart_recovery(self) -> None:
        while not self.should_stop:
            if await self.wait_for_stopped(self.signal_recovery_start):
                return
            self.signal_recovery_start.clear()
            generation = self._generation_id
            began = time.monotonic()
            try:
                self._set_recovery_started()
                await self._wait(self._restore(set(self.active_tps)))
                await self._wait(self.on_recovery_completed(generation))
                telemetry.RECOVERY_SECONDS.observe(time.monotonic() - began)
            except RebalanceAgain:
                continue  # the next round has been asked for
            except ServiceStopped:
                return
            except Exception as error:  # noqa: BLE001 - a worker without its state is none
                die(error)

    @Service.task
    async def _slurp_changelogs(self) -> None:
        """Do nothing: no changelog comes through Faust's consumer."""

    @Service.task
    async def _publish_stats(self) -> None:
        """Do nothing: recovery takes seconds."""

    async def _restore(self, tps: set[TP]) -> None:
        """Read changelog partitions from their beginning to their end into the tables."""
        self._see_that_all_is_assigned(tps)
        for each in self.tables.values():
            await each.claim(tp.partition for tp in tps if tp.topic == each.changelog_topic_name)
        if not tps:
            return
        settings: KafkaSettings = self.app.kafka_settings
        consumer = new_consumer(
            settings, max_partition_fetch_bytes=8 * 1024 * 1024, fetch_max_wait_ms=50
        )
        await consumer.start()
        try:
            wanted = [TopicPartition(*tp) for tp in tps]
            consumer.assign(wanted)
            await consumer.seek_to_beginning()
            ends = await consumer.end_offsets(wanted)
            newest: dict[TP, dict[bytes, Record]] = {tp: {} for tp in tps}
            records = 0
            while any([await consumer.position(tp) < ends[tp] for tp in wanted]):
                fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_AT_ONCE)
                for raw_tp, batch in fetched.items():
                    _replace(newest[TP(*raw_tp)], batch)
                    records += len(batch)
            for tp, kept in newest.items():
                table: StepTable = self.tables._changelogs[tp.topic]
                table.restore(tp.partition, kept.values())
            live = sum(map(len, newest.values()))
            self.log.info(
                "restored %s of %s records of %s changelog partitions", live, records, len(tps)
            )
        finally:
            await consumer.stop()

    def _see_that_all_is_assigned(self, tps: set[TP]) -> None:
        """See that each source partition came with the changelogs of the same number.

        Faust leaves out a changelog that its metadata does not know yet, and goes on without.
        """
        sources = {tp.partition for tp in self.app.consumer.assignment() - tps}
        for table in self.tables.values():
            topic = table.changelog_topic_name
            missing = {n for n in sources if n < table.partitions and TP(topic, n) not in tps}
            if missing:
                raise FatalError(
                    f"partitions {sorted(missing)} of {topic} are missing: "
                    "run `callstreams topics check`, then start the worker again"
                )

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Seek the sources while nothing is fetched, then let them flow."""
        app = self.app
        consumer: BatchConsumer = app.consumer
        if app.consumer_generation_id != generation_id:
            return  # rebalanced again: that recovery will complete instead
        for table in self.tables.values():
            await table.on_recovery_completed(
                self.actives_for_table[table], self.standbys_for_table[table]
            )
        self._set_recovery_ended()
        await app.on_rebalance_complete.send()
        sources = {tp for tp in consumer.assignment() if not self._is_changelog_tp(tp)}
        async with consumer.fetching:
            await consumer.seek_to_committed_or_first(sources)
            if app.consumer_generation_id != generation_id:
                return
            consumer.begin_epoch()
            app.flow_control.resume()  # clears the queues of what came before
            consumer.resume_partitions(sources)
            consumer.resume_flow()
        self.completed.set()
        await app._fetcher.maybe_start()
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        app.on_rebalance_end()
        self.log.info("ready: %s source partitions", len(sources))


class ExactTableManager(TableManager):
    """Faust's table manager with that recovery."""

    _recovery: ExactRecovery | None

    @property
    def recovery(self) -> ExactRecovery:
        """Give the recovery service."""
        if self._recovery is None:
            self._recovery = ExactRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
