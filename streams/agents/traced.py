"""Whose trace a batch belongs to: from the records through the partials to the alert.

A sum of many calls has no one trace. What is carried is the newest record's: a partial carries that
of the newest record of its batch, and an alert that of the newest partial that its partition has
taken in. Where spans are exported, each batch is one, with links to its newest records' traces.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors import tracing
from connectors.tracing import Kind
from schemas import topics
from schemas.alert import Alert
from streams.core.step import Batch, Effects, Record, Step

_MOST = 32


class Traced:
    """A step that carries its records' traces on; it decides as the step itself does.

    Args:
        name: of the agent.
        step: the step.
        traces: is told of the records that were taken in; of those that an alert may come of.
    """

    def __init__(self, name: str, step: Step, traces: Traces | None = None) -> None:
        self._name = name
        self._step = step
        self._traces = traces

    def forget(self, partition: int) -> None:
        """Drop the state of a partition that is no longer ours."""
        self._step.forget(partition)
        if self._traces is not None:
            self._traces.forget(partition)

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back."""
        self._step.restore(partition, key, value)

    def fold(self, batch: Batch) -> Effects:
        """Take a batch into the state, and say what follows."""
        effects = self._fold_as_span(batch) if tracing.is_on() else self._step.fold(batch)
        if self._traces is not None:
            self._traces.take(batch.partition, batch.records)
        carried = tracing.carried(batch.records[-1].headers)
        if carried is not None:
            headers = ((tracing.HEADER, carried),)
            effects.outputs = [
                output._replace(headers=headers) if output.topic == topics.PARTIALS.name else output
                for output in effects.outputs
            ]
        return effects

    def _fold_as_span(self, batch: Batch) -> Effects:
        links = tracing.newest(tracing.carried(record.headers) for record in batch.records)
        attributes: tracing.Attributes = {
            "messaging.system": "kafka",
            "messaging.destination.name": batch.topic,
            "messaging.destination.partition.id": str(batch.partition),
            "messaging.batch.message_count": len(batch.records),
        }
        name = f"{self._name} {batch.topic}"
        with tracing.span(name, links=links, kind=Kind.CONSUMER, attributes=attributes):
            return self._step.fold(batch)


class Traces:
    """The traces of the newest partials of each partition, for the alerts that come of them."""

    def __init__(self) -> None:
        self._newest: dict[int, dict[bytes, None]] = {}
        self._told: set[int] = set()

    def take(self, partition: int, records: Sequence[Record]) -> None:
        """Take records in; the first after an evaluation begin anew."""
        if partition in self._told:
            self._told.discard(partition)
            self.forget(partition)
        known = self._newest.setdefault(partition, {})
        for record in records[-_MOST:]:
            carried = tracing.carried(record.headers)
            if carried is not None:
                known.pop(carried, None)
                known[carried] = None
        while len(known) > _MOST:
            del known[next(iter(known))]

    def told(self, partition: int) -> None:
        """Note that the windows were evaluated with all that was taken in."""
        self._told.add(partition)

    def forget(self, partition: int) -> None:
        """Forget a partition."""
        self._newest.pop(partition, None)

    def headers(self, partition: int, alert: Alert) -> list[tuple[str, bytes]]:
        """Make a transition part of the newest record's trace, linked to the others' before it."""
        found = tracing.newest(self._newest.get(partition, ()))
        attributes = {
            "callstreams.alert.rule": alert.rule,
            "callstreams.alert.state": str(alert.state),
            "callstreams.alert.id": alert.id,
        }
        parent = found[0] if found else None
        with tracing.span("alert", parent=parent, links=found[1:], attributes=attributes):
            return tracing.headers()
