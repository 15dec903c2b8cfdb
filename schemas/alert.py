"""What the rules say."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from schemas.base import Message, Moment


class AlertState(StrEnum):
    """Where an alert stands, as Prometheus names it, and `resolved` as Alertmanager does.

    `INACTIVE` a pending alert whose condition ended before it fired: nobody is told.
    """

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How loud an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class BaselineEvidence(Message):
    """What was usual, where a rule compares with that.

    Attributes:
        value: the metric over the same weekday and hour of the last `weeks`.
        successes, attempts: the counts behind it.
        hour: the weekday and hour in the account's zone, such as `Monday 10:00`.
        tolerance: how far from it is trouble, as a share of it.
    """

    value: float
    attempts: int | None = None
    successes: int | None = None
    weeks: int
    hour: str
    tolerance: float


class Evidence(Message):
    """The numbers that a transition was decided on.

    Attributes:
        window: the window's name, such as `15m` or `last 50`.
        successes, attempts: the counts behind `value` for a rate; None for a plain count.
        value: what was measured; `low` and `high` its interval where the rule tests a rate.
        threshold: what it was held against; with a baseline what followed from that.
    """

    window: str
    window_start: Moment
    window_end: Moment
    attempts: int | None = None
    successes: int | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    threshold: float
    last_event_at: Moment | None = None
    baseline: BaselineEvidence | None = None


class Alert(Message):
    """One transition of one alert. Topic `alerts`, keyed by `fingerprint`, compacted.

    The topic is also the state of the rules: the newest record of a fingerprint is all that is
    needed to go on after a restart. A record whose `id` was seen before is no new transition.

    Attributes:
        fingerprint: the same for one rule and one group, always.
        starts_at: when it began to fire (when pending: when the condition began to hold).
        ends_at: when it was resolved (or stopped pending), else None.
        clear_since: firing, but its condition has cleared since then and `keep_firing_for`
            has not passed.
        at: the event time of this transition.
        annotations: texts to be read out: `summary`, `description` … in English, the same
            with `_zh` in Chinese.
        resolves_when: what would end it, in words.
    """

    fingerprint: str = Field(min_length=1)
    rule: str
    state: AlertState
    severity: Severity
    starts_at: Moment
    ends_at: Moment | None = None
    clear_since: Moment | None = None
    at: Moment
    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    metric: str
    scope: str
    evidence: Evidence
    resolves_when: str | None = None

    @property
    def id(self) -> str:
        """Name this transition: receivers may see it twice and know it by this."""
        return f"{self.fingerprint}-{int(self.starts_at.timestamp() * 1000)}-{self.state}"

    @property
    def key(self) -> bytes:
        """Give the Kafka key."""
        return self.fingerprint.encode()
