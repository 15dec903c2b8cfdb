"""What each receiver is still to be told, and what it was told that still fires."""

from __future__ import annotations

from schemas.alert import Alert
from schemas.base import Message, Moment


class Notice(Message):
    """One transition for one receiver. Topic `callstreams.notices`, compacted.

    The topic is the hooks' memory: a notice stands there until its receiver has it; one that
    fires stands there until its end was told too. All of a receiver are on one partition.

    Attributes:
        group: the hooks' consumer group: each group has its own receivers.
        partition, offset: where the transition stands on `alerts`.
        received_at: when the hooks first saw it, by their clock.
        attempted_at: of a transition that fires, when it was first to be sent; written before
            that, so that its end is told even where a kill left open whether it arrived.
        replayed_at: when a person had its dead letter replayed: it is told again from then on.
        told_at: when the receiver last had it; None when it has not.
    """

    group: str
    receiver: str
    alert: Alert
    partition: int
    offset: int
    received_at: Moment
    attempted_at: Moment | None = None
    replayed_at: Moment | None = None
    told_at: Moment | None = None

    @property
    def is_unheard(self) -> bool:
        """Tell whether the receiver surely knows nothing of it."""
        return self.attempted_at is None and self.told_at is None

    @property
    def key(self) -> bytes:
        """Give the Kafka key."""
        return f"{self.group}|{self.receiver}|{self.alert.id}".encode()
