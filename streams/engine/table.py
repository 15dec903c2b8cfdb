"""A Faust table in front of a step's own state.

Faust assigns and recovers the table and owns its changelog; what is in it lives in the step,
decoded once, by partition. Nothing is kept twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any

from faust.stores import base
from faust.tables.table import Table
from faust.types import TP
from yarl import URL

from streams.core.step import Output, Record, Step
from streams.engine.fenced import FencedWriter

STORE_URL = "callstreams://"


class StepStore(base.Store):
    """A table store that gives what it recovers to a step."""

    table: StepTable

    def apply_changelog_batch(
        self,
        batch: Iterable[Any],
        to_key: Callable[[Any], Any],
        to_value: Callable[[Any], Any],
    ) -> None:
        """Refuse: what recovers comes through `StepTable.restore`."""
        if any(True for _ in batch):
            raise NotImplementedError

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Drop all state: it may be half a batch ahead, or behind whoever had it meanwhile."""
        for partition in range(self.table.partitions or 0):
            self.table.step.forget(partition)
        self.table.held = set()

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Remember which partitions are ours, and that they are whole."""
        topic = self.table.changelog_topic_name
        self.table.held = {tp.partition for tp in active_tps if tp.topic == topic}

    def persisted_offset(self, tp: TP) -> int | None:
        """Give None: what is in memory is gone after a restart."""
        return None

    def reset_state(self) -> None:
        """Do nothing: there is no file."""

    def _unused(self, *_: object) -> Any:
        raise NotImplementedError("a step's state is read through the step")

    __getitem__ = __setitem__ = __delitem__ = __contains__ = _unused

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def clear(self) -> None:
        """Drop all state."""

    async def backup_partition(
        self,
        tp: TP | int,
        flush: bool = True,
        purge: bool = False,
        keep: int = 1,
    ) -> None:
        """Do nothing: there is no file."""

    def restore_backup(self, tp: TP | int, latest: bool = True, backup_id: int = 0) -> None:
        """Do nothing: there is no file."""


class StepTable(Table):
    """A table that a stage writes through, and can wait for.

    Attributes:
        step: holds the state.
        held: the partitions that are restored and ours.
        writer: writes the changelog where it is a public topic too, whose messages stand once.
    """

    step: Step
    held: set[int]
    writer: FencedWriter | None

    def __init__(
        self, app: Any, *, step: Step, writer: FencedWriter | None = None, **options: Any
    ) -> None:
        super().__init__(app, key_type=bytes, value_type=bytes, store=URL(STORE_URL), **options)
        self.step = step
        self.held = set()
        self.writer = writer

    async def on_stop(self) -> None:
        """Let go of what is written."""
        await super().on_stop()
        if self.writer is not None:
            await self.writer.close()

    async def claim(self, partitions: Iterable[int]) -> None:
        """Become the one who writes these partitions, before their state is read."""
        if self.writer is not None:
            await self.writer.claim(partitions)

    async def publish(self, partition: int, outputs: Sequence[Output]) -> bool:
        """Write a partition of the changelog and say whether it was done: by no other worker.

        Where it was not, the partition is another worker's, and the rebalance that says so is
        under way: its state here is worth nothing, and nothing more is told of it.
        """
        if self.writer is None:
            raise TypeError(f"table {self.name} has no writer of its own")
        written = not outputs or await self.writer.write(partition, outputs)
        if not written:
            self.held.discard(partition)
        return written

    def restore(self, partition: int, records: Iterable[Record]) -> None:
        """Give changelog records to the step, in order."""
        restore = self.step.restore
        for record in records:
            if record.key is not None:
                restore(partition, record.key, record.value)

    def _new_store(self) -> StepStore:
        return StepStore(STORE_URL, self.app, self, table_name=self.name, loop=self.loop)

    async def write(
        self, partition: int, changes: Iterable[tuple[bytes, bytes | None]]
    ) -> list[Awaitable[Any]]:
        """Send changes to the changelog; what it gives can be awaited for their durability."""
        topic = self.changelog_topic_name
        sent: list[Awaitable[Any]] = await self.app.sender.send(
            Output(topic, key, value, partition=partition) for key, value in changes
        )
        return sent


async def durable(sent: Iterable[Awaitable[Any]]) -> None:
    """Wait until Kafka has everything.

    Raises:
        KafkaError: it has not; nothing may be acknowledged then.
    """
    await asyncio.gather(*sent)
