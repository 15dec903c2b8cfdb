"""Recovery after a rebalance, in an order that loses nothing.

Faust 0.15.3 resumes the source partitions, then seeks them, then clears the queues: what was
fetched in between is dropped and yet passed (faust-streaming #596). Here a partition is sought
while it is still paused and flows only when everything behind it is ready.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP

if TYPE_CHECKING:
    from streams.engine.transport import BatchConsumer


class ExactRecovery(Recovery):
    """Faust's recovery with its last step in the right order."""

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Read all changelogs from their beginning: what is in memory may be half a batch."""
        self.active_offsets.clear()
        for buffer in self.buffers.values():
            buffer.clear()
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Seek while paused, then let the records flow."""
        app = self.app
        consumer: BatchConsumer = app.consumer
        await app.on_rebalance_complete.send()
        self._set_recovery_ended()
        await asyncio.gather(
            *(
                table.on_recovery_completed(
                    self.actives_for_table[table], self.standbys_for_table[table]
                )
                for table in self.tables.values()
            )
        )
        if app.consumer_generation_id != generation_id:
            return  # rebalanced again: that recovery will complete instead
        sources = {tp for tp in consumer.assignment() if not self._is_changelog_tp(tp)}
        consumer.drop_in_flight()
        await self._wait(
            consumer.seek_to_committed_or_first(sources), timeout=app.conf.broker_request_timeout
        )
        if app.consumer_generation_id != generation_id:
            return
        self.completed.set()
        app.flow_control.resume()  # clears the queues; nothing of these partitions is in them
        consumer.resume_partitions(sources)
        consumer.resume_flow()
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
