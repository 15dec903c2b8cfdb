"""Which offsets of a partition are done, so that none is committed before its time."""

from __future__ import annotations


class Progress:
    """The records of one partition that were read, and the deliveries each still waits for.

    Attributes:
        revoked: the partition is another worker's now; what is left here is its work.
    """

    def __init__(self) -> None:
        self.revoked = False
        self._open: dict[int, int] = {}
        self._next = 0
        self._committed = 0

    def begin(self, offset: int, deliveries: int) -> None:
        """Take in the next record; records come in the order of their offsets."""
        self._next = offset + 1
        if deliveries:
            self._open[offset] = deliveries

    def finish(self, offset: int) -> None:
        """Count one delivery of a record as done."""
        left = self._open[offset] - 1
        if left:
            self._open[offset] = left
        else:
            del self._open[offset]

    def __len__(self) -> int:
        return len(self._open)

    def to_commit(self) -> int | None:
        """Give the offset from where a successor must read, where it is further than before."""
        reached = next(iter(self._open), self._next)
        return reached if reached > self._committed else None

    def committed(self, offset: int) -> None:
        """Remember what Kafka has."""
        self._committed = max(self._committed, offset)
