"""The agent that all steps share: fold, make durable, send on, acknowledge."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import faust
from faust.types import TP

from streams.core.step import Batch, Effects, Step
from streams.engine.liveness import Liveness
from streams.engine.meter import Meter
from streams.engine.table import StepTable, durable

log = logging.getLogger(__name__)

_WAITING = 64
"""Fetches that may wait in a lane."""
_LARGEST_BATCH = 10_000
_SMALL_BATCH = 200
_GATHER_SECONDS = 0.02
"""A batch costs some 2 ms, a record some 20 µs: a small one is worth a moment's wait."""


class PassThrough(faust.Schema):
    """Leave keys and values as they are: a batch is decoded by its step, in one pass."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> Any:
        """Give the key."""
        return message.key

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        """Give the value."""
        return message.value


def die(reason: BaseException) -> None:  # pragma: no cover - ends the process
    """End this process at once, without acknowledging anything."""
    # A worker whose writes fail can prove nothing any more. It stops without acknowledging;
    # whoever takes its partitions over reads them again from the last commit.
    log.critical("stopping without acknowledging: %s", reason, exc_info=reason)
    logging.shutdown()
    os._exit(70)


def add_stage(
    app: faust.App,
    name: str,
    topics: Sequence[str],
    step: Step,
    *,
    table: StepTable | None,
    liveness: Liveness,
    on_fault: Callable[[BaseException], None] = die,
) -> None:
    """Run a step as a Faust agent over topics.

    Args:
        app: the app.
        name: of the agent, for logs and metrics.
        topics: what it reads; as many partitions each as the table has.
        step: decides.
        table: keeps the step's state; None for a step without state.
        liveness: asked before anything is written or acknowledged.
        on_fault: what to do when writing fails, or the step does: by default, end the process.
    """
    stage = _Stage(app, step, table, liveness, Meter(name))

    async def run(stream: Any) -> None:
        lanes = _Lanes(stage.handle, on_fault)
        try:
            async for event in stream.noack().events():
                await lanes.put(event)
        finally:
            await lanes.close()

    source = app.topic(*topics, schema=PassThrough(), internal=False)
    app.agent(source, name=name)(run)


class _Lanes:
    """A lane a partition: batches in order within, side by side between.

    While a lane waits for Kafka, what is fetched for it meanwhile becomes its next batch; so
    the busier it is, the larger are its batches, and the less each record costs.
    """

    def __init__(
        self,
        handle: Callable[[list[Any]], Awaitable[None]],
        on_fault: Callable[[BaseException], None],
    ) -> None:
        self._handle = handle
        self._on_fault = on_fault
        self._queues: dict[TP, asyncio.Queue[Any]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def put(self, event: Any) -> None:
        """Add an event to its lane; waits where the lane is full."""
        tp = TP(event.message.topic, event.message.partition)
        queue = self._queues.get(tp)
        if queue is None:
            queue = self._queues[tp] = asyncio.Queue(_WAITING)
            self._tasks.append(asyncio.create_task(self._run(queue)))
        await queue.put(event)

    async def close(self) -> None:
        """End the lanes; what was not acknowledged is read again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, queue: asyncio.Queue[Any]) -> None:
        while True:
            events = [await queue.get()]
            records = len(events[0].message.value)
            if records < _SMALL_BATCH:
                await asyncio.sleep(_GATHER_SECONDS)
            while not queue.empty() and records < _LARGEST_BATCH:
                events.append(queue.get_nowait())
                records += len(events[-1].message.value)
            try:
                await self._handle(events)
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001 - nothing may leave an agent unseen
                self._on_fault(error)


class _Stage:
    def __init__(
        self,
        app: faust.App,
        step: Step,
        table: StepTable | None,
        liveness: Liveness,
        meter: Meter,
    ) -> None:
        self._app = app
        self._step = step
        self._table = table
        self._liveness = liveness
        self._meter = meter

    async def handle(self, events: list[Any]) -> None:
        """Handle the events of one partition, in order, as one batch."""
        generation = self._app.consumer_generation_id
        # What a former assignment left in the queues will be delivered again.
        events = [event for event in events if event.message.generation_id == generation]
        if not events:
            return
        message = events[0].message
        records = [record for event in events for record in event.message.value]
        batch = Batch(
            message.topic,
            message.partition,
            records,
            self._app.consumer.committed(TP(message.topic, message.partition)),
        )
        self._liveness.check()
        began = time.perf_counter()
        effects = self._step.fold(batch)
        folded = time.perf_counter() - began
        await self._make_true(batch, effects)
        self._liveness.check()
        # After a rebalance the state has been read anew, perhaps from before these writes:
        # the batch will come again, and may only then be passed.
        if self._app.consumer_generation_id == generation:
            for event in events:
                event.ack()
            self._meter.count(batch, effects, folded)

    async def _make_true(self, batch: Batch, effects: Effects) -> None:
        if effects.state:
            if self._table is None:
                raise TypeError(f"{type(self._step).__name__} writes state but has no table")
            await durable(await self._table.write(batch.partition, effects.state))
        if effects.outputs:
            self._liveness.check()
            await durable(await self._app.sender.send(effects.outputs))
