"""What this process's receivers are to be told: the desks, filled from Kafka, and the sending."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import ValidationError

from connectors import telemetry, tracing
from connectors.hooks.delivery import REFUSED, Patience, Refusal, dead_letter, deliver
from connectors.hooks.intake import Record, partition_for
from connectors.hooks.pipeline.desk import Changes, Desk, Outcome, Task
from connectors.hooks.pipeline.muting import Muting
from connectors.hooks.pipeline.routing import Grouping, grouping_of
from connectors.hooks.receivers import Receiver
from connectors.hooks.settings import HooksSettings
from connectors.kafka import AIOKafkaProducer, KafkaError
from connectors.tracing import Kind
from schemas.alert import Alert
from schemas.notice import Notice
from schemas.topics import DEAD_LETTERS, NOTICES

OnDelivered = Callable[[Alert, str], None]

_AT_ONCE = 8
"""So many messages to one receiver may be under way together."""

_KAFKA_AGAIN_SECONDS = 1
_BY = "by"
_MOST_TRACES = 10_000
_log = logging.getLogger(__name__)


class _Place(NamedTuple):
    partition: int
    receiver: str


class Outbox:
    """The desks of the partitions that are ours.

    Args:
        settings: who is told, how patiently.
        producer: writes what becomes of notices.
        receivers: by name.
        muting: what is silent.
        partitions: of the notices' topic.
        on_delivered: called with each transition that a receiver has taken.
    """

    def __init__(
        self,
        settings: HooksSettings,
        producer: AIOKafkaProducer,
        receivers: Mapping[str, Receiver],
        muting: Muting,
        partitions: int,
        on_delivered: OnDelivered | None = None,
    ) -> None:
        self._settings = settings
        self._producer = producer
        self._receivers = receivers
        self._muting = muting
        self._partitions = partitions
        self._on_delivered = on_delivered
        self._me = uuid.uuid4().bytes
        self._desks: dict[_Place, Desk] = {}
        self._loaded: set[int] = set()
        self._sending: dict[asyncio.Task[None], _Place] = {}
        self._nudged = asyncio.Event()
        self._traces: dict[bytes, bytes] = {}

    def take(self, partition: int, record: Record) -> None:
        """Take in one record of the notices' topic."""
        if dict(record.headers).get(_BY) == self._me and partition in self._loaded:
            return  # written by ourselves, and known since
        group, _, rest = (record.key or b"").decode(errors="replace").partition("|")
        name = rest.partition("|")[0]
        if group != self._settings.group or name not in self._receivers:
            return
        desk = self._desk(_Place(partition, name))
        if record.value is None:
            desk.forget(record.key or b"")
            return
        try:
            notice = Notice.model_validate_json(record.value)
        except ValidationError:
            _log.warning("passed over: the notice %s/%s cannot be read", partition, record.offset)
            return
        self._remember(notice.key, tracing.carried(record.headers))
        held = desk.put(notice)
        if held is None:
            self._nobody_needs(notice)
        elif held != notice:
            self._nudge_on(self.write(held))

    def loaded(self, partition: int) -> None:
        """Begin to tell: all that stands on the partition is known."""
        self._loaded.add(partition)

    async def drop(self, kept: Iterable[int]) -> None:
        """Forget every partition but these: the others are another process's, or read anew."""
        mine = set(kept)
        self._loaded &= mine
        gone = [task for task, place in self._sending.items() if place.partition not in mine]
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        self._desks = {each: desk for each, desk in self._desks.items() if each.partition in mine}

    def send_what_is_due(self, group: asyncio.TaskGroup) -> None:
        """Start what is to be sent now."""
        now = datetime.now(UTC)

        def muted(alert: Alert) -> bool:
            return self._muting.mutes(alert.labels, now)

        for place, desk in self._desks.items():
            if place.partition not in self._loaded:
                continue
            busy = sum(each == place for each in self._sending.values())
            tasks, changes = desk.due(now, muted, _AT_ONCE - busy)
            for notice in changes.gone:
                self._nobody_needs(notice)
            for task in tasks:
                started = group.create_task(self._send(place, desk, task))
                self._sending[started] = place
                started.add_done_callback(self._finished)

    async def nudged(self) -> None:
        """Wait until a message has gone out, so that the next may follow it at once."""
        await self._nudged.wait()
        self._nudged.clear()

    async def drain(self, seconds: float) -> None:
        """Let what is being sent come to its end, but not for longer than this."""
        if self._sending:
            _, late = await asyncio.wait(list(self._sending), timeout=seconds)
            if late:
                _log.warning("stopping; the next process sends what was not delivered yet")
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def write(
        self, notice: Notice, *, by_me: bool = True, trace: bytes | None = None
    ) -> asyncio.Future[object]:
        """Hand a notice to Kafka; await what it gives to know that Kafka has it."""
        self._remember(notice.key, trace)
        return self._put(notice, notice.to_json(), by_me=by_me)

    def _put(self, notice: Notice, value: bytes | None, *, by_me: bool) -> asyncio.Future[object]:
        headers = [(_BY, self._me)] if by_me else []
        trace = self._traces.get(notice.key)
        if value is None:
            self._traces.pop(notice.key, None)
        elif trace is not None:
            headers.append((tracing.HEADER, trace))
        return asyncio.ensure_future(
            self._acknowledged(
                notice.key,
                value,
                partition_for(notice, self._partitions),
                headers,
            )
        )

    def _remember(self, key: bytes, trace: bytes | None) -> None:
        """Keep whose trace a notice belongs to: it stands in the headers beside it."""
        if trace is not None:
            self._traces[key] = trace
            if len(self._traces) > _MOST_TRACES:
                del self._traces[next(iter(self._traces))]

    async def _acknowledged(
        self, key: bytes, value: bytes | None, partition: int, headers: list[tuple[str, bytes]]
    ) -> None:
        sent = await self._producer.send(
            NOTICES.name, value, key=key, partition=partition, headers=headers
        )
        await sent

    def _nobody_needs(self, notice: Notice) -> None:
        self._nudge_on(self._put(notice, None, by_me=True))

    @staticmethod
    def _nudge_on(future: asyncio.Future[object]) -> None:
        # where Kafka did not take it, the notice is seen again after a restart, and sent again
        future.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _desk(self, place: _Place) -> Desk:
        if place not in self._desks:
            name, settings = place.receiver, self._settings

            def grouping(alert: Alert) -> Grouping:
                return grouping_of(alert, name, settings)

            receiver = settings.receiver(name)
            self._desks[place] = Desk(
                name,
                grouping,
                rate=receiver.budget,
                batches=receiver.batches,
                opened_at=datetime.now(UTC),
            )
        return self._desks[place]

    async def _send(self, place: _Place, desk: Desk, task: Task) -> None:
        waited = datetime.now(UTC) - task.since
        patience = Patience(
            self._settings.give_up_after - waited,
            self._settings.first_wait,
            self._settings.longest_wait,
        )
        receiver = self._receivers[place.receiver]
        await self._write_surely(desk.attempt(task, datetime.now(UTC)))
        told = [notice for _, notices in task.parts for notice in notices]
        of = tracing.newest(self._traces.get(each.key) for each in (*told, *task.news))
        with tracing.span(
            "deliver",
            parent=of[0] if of else None,
            links=of[1:],
            kind=Kind.CLIENT,
            attributes={"callstreams.receiver": place.receiver},
        ):
            refusal = await deliver(receiver, task.notification, patience)
        if refusal is None:
            outcome = Outcome.DELIVERED
            if self._on_delivered is not None:
                for notice in task.news:
                    self._on_delivered(notice.alert, place.receiver)
        else:
            outcome = Outcome.REFUSED if refusal.code == REFUSED else Outcome.GAVE_UP
            await self._give_up(place.receiver, task, refusal, outcome)
        now = datetime.now(UTC)
        seconds = (now - task.since).total_seconds()
        telemetry.HOOK_DELIVERIES.labels(place.receiver, outcome.name.lower()).observe(seconds)
        # where Kafka did not take it, the message is sent again after a restart, under its id
        with suppress(KafkaError):
            await self._write(desk.done(task, outcome, now))

    async def _give_up(self, receiver: str, task: Task, refusal: Refusal, outcome: Outcome) -> None:
        told = task.notification.id
        _log.warning("%s will not have message %s: %s", receiver, told, refusal.reason)
        if outcome is Outcome.REFUSED and task.is_divisible:
            return  # each is tried by itself
        for notice in task.news:
            letter = dead_letter(notice, refusal, datetime.now(UTC))
            await self._producer.send_and_wait(
                DEAD_LETTERS.name, letter.value, key=letter.key, headers=letter.headers()
            )
            telemetry.DEAD_LETTERS.labels(letter.stage, letter.code).inc()

    async def _write(self, changes: Changes) -> None:
        writes = [self.write(each) for each in changes.kept]
        writes += [self._put(each, None, by_me=True) for each in changes.gone]
        await asyncio.gather(*writes)

    async def _write_surely(self, changes: Changes) -> None:
        while True:
            try:
                await self._write(changes)
            except KafkaError as error:
                _log.warning(
                    "alerts wait: Kafka does not take the note of them: %s", type(error).__name__
                )
                await asyncio.sleep(_KAFKA_AGAIN_SECONDS)
            else:
                return

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._sending.pop(task, None)
        self._nudged.set()
