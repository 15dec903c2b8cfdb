"""What stands on the topics, read as any consumer would read it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

import msgspec

from connectors.kafka import KafkaSettings, new_consumer
from schemas import topics
from schemas.alert import Alert, AlertState

_READ = (
    *topics.RAW,
    topics.CALLS,
    topics.TALLIES,
    topics.MISSED_CALLS,
    topics.CAMPAIGNS,
    topics.ANSWER_RATE,
    topics.MISSED_CALL_COUNTS,
    topics.ALERTS,
    topics.DEAD_LETTERS,
)


class _Window(msgspec.Struct, frozen=True):
    name: str
    end: str


class _Rate(msgspec.Struct, frozen=True):
    value: float
    low: float
    high: float


class Metric(msgspec.Struct, frozen=True):
    """A metric as the demo shows it (schemas.metric)."""

    scope: str
    window: _Window
    revision: int
    attempts: int = 0
    answered: int = 0
    connected: int = 0
    abandoned: int = 0
    talk_seconds: int = 0
    missed: int = 0
    answer_rate: _Rate | None = None


_DECODE = msgspec.json.Decoder(Metric).decode


@dataclass(slots=True)
class Seen:
    """Everything read so far.

    Attributes:
        counts: messages by topic.
        metrics: the newest of each key, by topic.
        alerts: the newest transitions, oldest first.
        transitions: how many there were, by state.
        pushed, searched: icsoc's raw records by the way they came.
    """

    counts: Counter[str] = field(default_factory=Counter)
    metrics: dict[tuple[str, bytes], Metric] = field(default_factory=dict)
    alerts: deque[Alert] = field(default_factory=lambda: deque(maxlen=8))
    transitions: Counter[AlertState] = field(default_factory=Counter)
    pushed: int = 0
    searched: int = 0

    def take(self, topic: str, key: bytes, value: bytes, headers: dict[str, bytes]) -> None:
        """Take one message in."""
        self.counts[topic] += 1
        if topic in (topics.ANSWER_RATE.name, topics.MISSED_CALL_COUNTS.name):
            self._take_metric(topic, key, _DECODE(value))
        elif topic == topics.ALERTS.name:
            alert = Alert.model_validate_json(value)
            if alert.state in (AlertState.FIRING, AlertState.RESOLVED):
                self.transitions[alert.state] += 1
                self.alerts.append(alert)
        elif topic == topics.RAW_ICSOC_CDR.name:
            pushed = headers.get("ce_form") == b"push"
            self.pushed += pushed
            self.searched += not pushed

    def _take_metric(self, topic: str, key: bytes, metric: Metric) -> None:
        known = self.metrics.get((topic, key))
        if known is None or (known.window.end, known.revision) <= (
            metric.window.end,
            metric.revision,
        ):
            self.metrics[topic, key] = metric

    def metric(self, topic: topics.Topic, scope: str, window: str) -> Metric | None:
        """Find a scope's metric over a window."""
        return self.metrics.get((topic.name, f"{scope}|{window}".encode()))

    def days(self, topic: topics.Topic, scope: str) -> list[Metric]:
        """Give all calendar days of a scope: the demo may be run over midnight."""
        prefix = f"{scope}|day".encode()
        return [
            metric
            for (name, key), metric in self.metrics.items()
            if name == topic.name and key.startswith(prefix)
        ]


async def watch(kafka: KafkaSettings, seen: Seen) -> None:
    """Read all topics from their beginning into `seen`, until cancelled."""
    consumer = new_consumer(kafka, *(topic.name for topic in _READ))
    await consumer.start()
    try:
        async for message in consumer:
            if message.value is not None:
                seen.take(message.topic, message.key or b"", message.value, dict(message.headers))
    finally:
        await consumer.stop()
