"""How patient the poller is, and how much it does at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class PollerSettings(BaseModel):
    """The poller's settings.

    Attributes:
        group: the consumer group that the poller processes share.
        session_timeout: after this much silence a process counts as dead, and another takes
            its accounts over. The broker allows 6 s to 30 min by default.
        first_wait, longest_wait: the wait after a retryable fault grows from one to the other,
            doubling, half of it random. A vendor's longer Retry-After is obeyed.
        bug_wait: the same, where an unexpected exception says that the fault is ours.
        denied_pause: the wait after 401 or 403; each attempt may lock the address for longer.
        fatal_pause: the wait after any other fault that a person must mend.
        transaction_records: a poll with more records is published in several transactions, the
            cursor in the last.
        publish_timeout: for one transaction; Kafka itself aborts it after 60 s.
        restore_timeout: for reading cursor and memory. A transaction that a dead process left
            open on the same topics holds the reading back, 60 s at most.
        drain_timeout: how long a transaction may go on when its source must stop.
        tell_every: so often each source's status is told, beside at each change.
        memory_margin: how much longer than a source's `lookback` its records are remembered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str = "callstreams-pollers"
    session_timeout: timedelta = timedelta(seconds=10)
    first_wait: timedelta = timedelta(seconds=1)
    longest_wait: timedelta = timedelta(minutes=5)
    bug_wait: timedelta = timedelta(seconds=30)
    denied_pause: timedelta = timedelta(minutes=30)
    fatal_pause: timedelta = timedelta(minutes=5)
    transaction_records: int = Field(default=20_000, ge=1)
    publish_timeout: timedelta = timedelta(seconds=55)
    restore_timeout: timedelta = timedelta(seconds=120)
    drain_timeout: timedelta = timedelta(seconds=5)
    tell_every: timedelta = Field(default=timedelta(seconds=15), gt=timedelta(0))
    memory_margin: timedelta = timedelta(minutes=10)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not timedelta(0) < self.first_wait <= self.bug_wait <= self.longest_wait:
            raise ValueError(
                "poller: set 0 < first_wait <= bug_wait <= longest_wait "
                f"(now {self.first_wait}, {self.bug_wait}, {self.longest_wait})"
            )
        return self

    @property
    def fenced_pause(self) -> timedelta:
        """Give the wait after another process took a source's place.

        Within two session timeouts a process that lost its accounts has learned so from the
        group; whoever still holds the account then is its owner and may go on.
        """
        return 2 * self.session_timeout
