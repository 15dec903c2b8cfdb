"""A log, a changelog and crashes, in memory: what a step lives through under Kafka."""

from dataclasses import dataclass, field

from streams.core.step import Batch


@dataclass(frozen=True)
class Rec:
    """A Kafka record."""

    offset: int
    value: bytes | None
    key: bytes | None = None
    timestamp: int = 0
    headers: tuple = ()


def log_of(messages, *, timestamp):
    """Number messages `(key, value)` as a partition does."""
    return [
        Rec(offset, value, key, timestamp(offset) if callable(timestamp) else timestamp)
        for offset, (key, value) in enumerate(messages)
    ]


@dataclass
class Life:
    """A step's life on one partition: batches, crashes in the middle of their effects, restarts.

    Args:
        make: makes a new step, as a new process does.
    """

    make: object
    topic: str = "calls"
    partition: int = 0
    changelog: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    committed: int = 0

    def __post_init__(self):
        self.step = self.make()

    def live(self, records, sizes, crashes):
        """Read the log in batches of `sizes`; `crashes` say how each batch ends.

        A crash is None, or `(written, sent)`: how many of the state writes, and how many of the
        outputs, were durable when the process died. Outputs are sent once all state is.
        """
        sizes, crashes = iter(sizes), iter(crashes)
        while self.committed < len(records):
            size = max(1, next(sizes, 7))
            batch = Batch(
                self.topic,
                self.partition,
                records[self.committed : self.committed + size],
                self.committed,
            )
            effects = self.step.fold(batch)
            crash = next(crashes, None)
            if crash is None:
                self.changelog += effects.state
                self.outputs += effects.outputs
                self.committed += len(batch.records)
                continue
            written, sent = crash
            self.changelog += effects.state[:written]
            if written >= len(effects.state):
                self.outputs += effects.outputs[:sent]
            self.restart()
        return self

    def restart(self, *, compacted=False):
        """Start a new process on what was durable."""
        changelog = dict(self.changelog).items() if compacted else self.changelog
        self.step = self.make()
        for key, value in changelog:
            self.step.restore(self.partition, key, value)
