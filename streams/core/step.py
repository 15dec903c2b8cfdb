"""What a stage of the pipeline is: state by partition, a batch in, effects out.

A step decides and never acts. The engine reads a batch, asks `fold`, makes the state durable,
then the outputs, and acknowledges last (streams/engine/stage.py). Two rules make that exact:

- `fold` is deterministic: the same records at the same offsets on the same restored state give
  the same state, wherever the batches begin and end.
- `fold` is idempotent: records that were folded before (their offsets say so) change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Record(Protocol):
    """A Kafka record as a step sees it (aiokafka's ConsumerRecord is one)."""

    @property
    def offset(self) -> int:
        """Give the offset in its partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Give the record's own time, Unix ms."""
        ...

    @property
    def key(self) -> bytes | None:
        """Give the key."""
        ...

    @property
    def value(self) -> bytes | None:
        """Give the value."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Give the headers."""
        ...


class Batch(NamedTuple):
    """The records of one fetch of one partition, in order.

    Attributes:
        committed: everything below this offset is durable and will not be delivered again.
    """

    topic: str
    partition: int
    records: Sequence[Record]
    committed: int


class Output(NamedTuple):
    """One message to send on. `timestamp` is Unix ms; None lets the producer say now."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int | None = None
    partition: int | None = None


@dataclass(slots=True)
class Effects:
    """What a fold asks the engine to do: write state first, then send.

    Attributes:
        late: how many records came too late for every window, and counted nowhere.
    """

    state: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    late: int = 0


class Step(Protocol):
    """One stage's decisions over its own state, which is kept by partition."""

    def forget(self, partition: int) -> None:
        """Drop the state of a partition that is no longer ours."""
        ...

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back; in order, possibly more than once."""
        ...

    def fold(self, batch: Batch) -> Effects:
        """Take a batch into the state, and say what follows."""
        ...
