"""The door to prometheus_client: what a process counts of itself, by Prometheus' conventions.

Names begin with `callstreams_`, units stand in the name, counters end in `_total`, and no label
holds a phone number unless `telemetry.display_numbers` asks for them. What is counted is counted
where it happens, at the edge; what can be read at any time is read when it is asked for.

docs/monitoring.md tells what each metric means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder

__all__ = ["REGISTRY", "Reading", "Sampled", "exposition"]

# A series of its own for each counter, which says when the process started: that is known.
disable_created_metrics()  # type: ignore[no-untyped-call] # it has no annotations

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

Reading = Iterable[tuple[Sequence[str], float]]
"""Values with the labels of each, in the order of the gauge's label names."""

_BATCH = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_ANSWER = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_RECOVERY = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_DELIVERY = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


class Sampled:
    """A gauge that holds nothing: its values are read where they stand when it is asked for.

    So there are no values of partitions, sources or campaigns that have gone elsewhere.

    Args:
        name: with its unit.
        text: what it means.
        labels: their names.
    """

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self._name = name
        self._text = text
        self._labels = labels
        self._readers: list[Callable[[], Reading]] = []
        REGISTRY.register(self)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Give the metric without its values."""
        yield GaugeMetricFamily(self._name, self._text, labels=self._labels)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the metric as it is now."""
        for family in self.describe():
            for read in self._readers:
                for labels, value in read():
                    family.add_metric(labels, value)
            yield family

    @contextmanager
    def reading(self, read: Callable[[], Reading]) -> Iterator[None]:
        """Read the values by `read` while the context is open; it must be quick, and not raise."""
        self._readers.append(read)
        try:
            yield
        finally:
            self._readers.remove(read)


def exposition(accept: str = "") -> tuple[bytes, str]:
    """Give all metrics as text, in the format that `accept` asks for, and its content type."""
    encode, content_type = choose_encoder(accept)
    return encode(REGISTRY), content_type


READY = Gauge(
    "callstreams_ready",
    "Whether the process can do its work: 1 or 0, as /readyz says",
    ["service"],
    registry=REGISTRY,
)

# The worker

RECORDS = Counter(
    "callstreams_records_total",
    "Records that a stage has taken in and acknowledged",
    ["stage", "topic"],
    registry=REGISTRY,
)
BATCHES = Counter(
    "callstreams_batches_total",
    "Batches that a stage has taken in and acknowledged",
    ["stage", "topic"],
    registry=REGISTRY,
)
MESSAGES = Counter(
    "callstreams_messages_total",
    "Messages that a stage has written",
    ["stage", "topic"],
    registry=REGISTRY,
)
CALLS = Counter(
    "callstreams_calls_total",
    "Calls that were normalised; one that a vendor tells twice is there twice",
    ["vendor"],
    registry=REGISTRY,
)
LATE_CALLS = Counter(
    "callstreams_late_calls_total",
    "Calls that came too late for every window and stand in topic calls alone",
    registry=REGISTRY,
)
FOLD_SECONDS = Histogram(
    "callstreams_fold_duration_seconds",
    "How long a stage computed over one batch",
    ["stage"],
    buckets=_BATCH,
    registry=REGISTRY,
)
RECOVERY_SECONDS = Histogram(
    "callstreams_recovery_duration_seconds",
    "How long a worker read its state after a rebalance, before records flowed",
    buckets=_RECOVERY,
    registry=REGISTRY,
)
PARTITIONS = Sampled(
    "callstreams_partitions_held",
    "Partitions of a table that are restored and this worker's",
    ["table"],
)
LAG = Sampled(
    "callstreams_consumer_lag_records",
    "Records of a partition that are not acknowledged yet, by the process that reads it",
    ["topic", "partition"],
)
WATERMARK_DELAY = Sampled(
    "callstreams_watermark_delay_seconds",
    "How far the event time of the windows stands behind the clock",
    ["partition"],
)
ALERT_TRANSITIONS = Counter(
    "callstreams_alert_transitions_total",
    "Transitions of alerts that were told",
    ["rule", "severity", "state"],
    registry=REGISTRY,
)

OPEN_ALERTS = Sampled(
    "callstreams_open_alerts",
    "Alerts that are pending or firing now",
    ["rule", "severity", "state"],
)

_SCOPE = ["basis", "vendor", "account", "kind", "value", "window"]
ANSWER_RATIO = Sampled(
    "callstreams_answer_ratio",
    "Answer rate of a scope over a window, 0 to 1; none where there were no attempts",
    _SCOPE,
)
ATTEMPTS = Sampled("callstreams_window_attempts", "Attempts of a scope in a window", _SCOPE)
MISSED = Sampled("callstreams_window_missed_calls", "Missed calls of a scope in a window", _SCOPE)
LAST_EVENT = Sampled(
    "callstreams_last_event_timestamp_seconds",
    "When the newest event happened that counts for a vendor, Unix time",
    ["basis", "vendor"],
)

# All

DEAD_LETTERS = Counter(
    "callstreams_dead_letters_total",
    "Records that could not be used and went to dead-letters",
    ["stage", "code"],
    registry=REGISTRY,
)

# The poller

_SOURCE = ["vendor", "account", "feed"]
POLLS = Counter(
    "callstreams_polls_total",
    "Polls of a source by where it stands after them: ok, degraded or stopped",
    [*_SOURCE, "outcome"],
    registry=REGISTRY,
)
POLLED_RECORDS = Counter(
    "callstreams_polled_records_total",
    "Records of a source that were published; what was read again is not among them",
    _SOURCE,
    registry=REGISTRY,
)
SOURCE_STATE = Sampled(
    "callstreams_source_state",
    "Where a source stands: 1 for its state, 0 for the others",
    [*_SOURCE, "state"],
)
SOURCE_SUCCESS = Sampled(
    "callstreams_source_last_success_timestamp_seconds",
    "When a source was last polled and published by this process, Unix time",
    _SOURCE,
)
FOUND_BY_SEARCH = Sampled(
    "callstreams_found_by_search_records",
    "Records that the vendor's pushes should have brought and only the search found",
    _SOURCE,
)
QUOTA_LEFT = Sampled(
    "callstreams_quota_left_ratio",
    "Share of an account's request budget that was not used in its last period, 0 to 1",
    ["vendor", "account"],
)

# The ingress

INGRESS_SECONDS = Histogram(
    "callstreams_ingress_request_duration_seconds",
    "From a push's arrival until it was answered",
    ["status"],
    buckets=_ANSWER,
    registry=REGISTRY,
)

# The hooks

HOOK_ATTEMPTS = Histogram(
    "callstreams_hook_attempt_duration_seconds",
    "One attempt to tell a receiver, by how it ended: ok, retryable or fatal",
    ["receiver", "outcome"],
    buckets=_ANSWER,
    registry=REGISTRY,
)
HOOK_DELIVERIES = Histogram(
    "callstreams_hook_delivery_duration_seconds",
    "From when a message could be sent until it was delivered, given up or refused",
    ["receiver", "outcome"],
    buckets=_DELIVERY,
    registry=REGISTRY,
)
