"""The messages as they come off the topics, decoded by compiled structs.

The models in schemas/ are the contract; here stand the fields that the board uses, since at
1,000 calls a second thousands of metrics come every second.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class Window(msgspec.Struct, frozen=True, gc=False):
    """A stretch of event time: `start` ≤ event < `end`."""

    name: str
    start: datetime
    end: datetime


class Rate(msgspec.Struct, frozen=True, gc=False):
    """A rate with its Wilson 95 % interval: all in 0..1."""

    value: float
    low: float
    high: float


class _Counted(msgspec.Struct, frozen=True, kw_only=True):
    scope: str
    window: Window
    watermark: datetime
    revision: int
    final: bool
    last_event_at: datetime | None = None

    @property
    def version(self) -> tuple[datetime, int]:
        """Order the messages of one key."""
        return self.window.end, self.revision


class AnswerRate(_Counted, frozen=True, kw_only=True):
    """schemas.metric.AnswerRate."""

    attempts: int
    answered: int
    connected: int | None = None
    abandoned: int | None = None
    talk_seconds: int | None = None
    answer_rate: Rate | None = None
    connect_rate: Rate | None = None
    abandon_rate: Rate | None = None
    average_talk_seconds: float | None = None


class MissedCalls(_Counted, frozen=True, kw_only=True):
    """schemas.metric.MissedCalls."""

    missed: int
    wait_seconds: int
    average_wait_seconds: float | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """schemas.alert.Evidence: the numbers that a transition was decided on."""

    window: str
    window_start: datetime
    window_end: datetime
    threshold: float
    attempts: int | None = None
    successes: int | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    last_event_at: datetime | None = None


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """schemas.alert.Alert: where one alert stands."""

    fingerprint: str
    rule: str
    state: str
    severity: str
    starts_at: datetime
    at: datetime
    labels: dict[str, str]
    metric: str
    scope: str
    evidence: Evidence
    annotations: dict[str, str] = {}
    ends_at: datetime | None = None
    clear_since: datetime | None = None
    resolves_when: str | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """schemas.call.Call."""

    vendor: str
    account: str
    call_id: str
    direction: str
    outcome: str
    caller: str | None = None
    callee: str | None = None
    display_number: str | None = None
    campaign: str | None = None
    queue: str | None = None
    rep: str | None = None
    region: str | None = None
    carrier: str | None = None
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ring_seconds: int | None = None
    wait_seconds: int | None = None
    talk_seconds: int | None = None
    hung_up_by: str | None = None


class Campaign(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """schemas.campaign.Campaign."""

    vendor: str
    account: str
    campaign: str
    name: str
    read_at: datetime
    description: str | None = None
    numbers_total: int | None = None
    reps_total: int | None = None
    created_at: datetime | None = None


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """schemas.source_status.SourceStatus: how one source fares."""

    name: str
    vendor: str
    account: str
    state: str
    at: datetime
    process: str
    feed: str | None = None
    reason: str | None = None
    last_success_at: datetime | None = None
    last_records: int = 0
    records_published: int = 0
    polls: int = 0
    found_by_search: int = 0


decode_answer_rate = msgspec.json.Decoder(AnswerRate).decode
decode_missed_calls = msgspec.json.Decoder(MissedCalls).decode
decode_alert = msgspec.json.Decoder(Alert).decode
decode_call = msgspec.json.Decoder(Call).decode
decode_campaign = msgspec.json.Decoder(Campaign).decode
decode_source = msgspec.json.Decoder(SourceStatus).decode
