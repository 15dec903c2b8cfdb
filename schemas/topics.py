"""The catalogue of topics: name, key, value, partitions and retention, once.

Everything that creates, reads or writes a topic takes it from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel

from schemas.alert import Alert
from schemas.base import Vendor
from schemas.call import Call
from schemas.campaign import Campaign
from schemas.metric import AnswerRate, MissedCalls
from schemas.missed_call import MissedCall
from schemas.notice import Notice
from schemas.silence import Silence
from schemas.source_status import SourceStatus
from schemas.tally import Tally

_DAY = timedelta(days=1)
_SEGMENT_MS = str(3_600_000)


class Cleanup(StrEnum):
    """Kafka's `cleanup.policy`."""

    DELETE = "delete"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the catalogue.

    Attributes:
        key: what the message key is, in words.
        model: the pydantic model of the value; None where the value is a vendor's own bytes
            or internal to the engine.
        retention: how long messages stay, for `delete`; for `compact` how long tombstones do.
        partitioned: False for a topic that is read whole by each reader (one partition).
    """

    name: str
    purpose: str
    key: str
    model: type[BaseModel] | None = None
    cleanup: Cleanup = Cleanup.DELETE
    retention: timedelta = 7 * _DAY
    partitioned: bool = True

    def configs(self) -> dict[str, str]:
        """Give the Kafka topic configuration."""
        milliseconds = str(int(self.retention.total_seconds() * 1000))
        if self.cleanup is Cleanup.COMPACT:
            return {
                "cleanup.policy": "compact",
                "delete.retention.ms": milliseconds,
                # The newest segment is never compacted; readers restore from the beginning.
                "segment.ms": _SEGMENT_MS,
            }
        return {"cleanup.policy": "delete", "retention.ms": milliseconds}


def _raw(vendor: Vendor, feed: str, purpose: str, key: str) -> Topic:
    return Topic(
        f"raw.{vendor}.{feed}",
        purpose,
        key=f"vendor/account/{key}",
        retention=14 * _DAY,
    )


RAW_SEVENMOOR_REPORT = _raw(
    Vendor.SEVENMOOR, "answer-report", "7moor answer report rows, as they came", "display number"
)
RAW_SEVENMOOR_TASK = _raw(
    Vendor.SEVENMOOR, "dialout-task", "7moor dial-out tasks, as they came", "task id"
)
RAW_HUAWEI_STATISTICS = _raw(
    Vendor.HUAWEI, "campaign-statistics", "Huawei campaign rows, as they came", "campaign id"
)
RAW_HUAWEI_MISSED = _raw(
    Vendor.HUAWEI, "missed-call", "Huawei missed calls, as they came", "call id"
)
RAW_ICSOC_CDR = _raw(
    Vendor.ICSOC, "cdr", "icsoc call detail records, searched and pushed, as they came", "call id"
)
CALLS = Topic("calls", "call attempts in one vocabulary", "vendor/account/call id", Call)
TALLIES = Topic("tallies", "readings of vendors' counters", "series", Tally)
MISSED_CALLS = Topic(
    "missed-calls", "inbound calls that nobody answered", "vendor/account/call id", MissedCall
)
CAMPAIGNS = Topic(
    "campaigns",
    "names and sizes of campaigns and dial-out tasks",
    "vendor/account/campaign",
    Campaign,
    cleanup=Cleanup.COMPACT,
)
PARTIALS = Topic(
    "callstreams.partials",
    "internal: absolute counts of a scope's pane over one input partition",
    "scope",
    retention=2 * _DAY,
)
ANSWER_RATE = Topic(
    "metrics.answer-rate",
    "rolling answer rates",
    "scope|window",
    AnswerRate,
    cleanup=Cleanup.COMPACT,
)
MISSED_CALL_COUNTS = Topic(
    "metrics.missed-calls",
    "rolling counts of missed calls",
    "scope|window",
    MissedCalls,
    cleanup=Cleanup.COMPACT,
)
ALERTS = Topic("alerts", "transitions of alerts", "fingerprint", Alert, cleanup=Cleanup.COMPACT)
SILENCES = Topic(
    "callstreams.silences",
    "what nobody is to be told for a while",
    "silence id",
    Silence,
    cleanup=Cleanup.COMPACT,
    partitioned=False,
)
NOTICES = Topic(
    "callstreams.notices",
    "internal: what each receiver is still to be told, and what it was told that still fires",
    "group|receiver|alert id",
    Notice,
    cleanup=Cleanup.COMPACT,
)
DEAD_LETTERS = Topic(
    "dead-letters",
    "records that could not be used, with the reason",
    "topic/partition/offset",
    retention=30 * _DAY,
)
CURSORS = Topic(
    "callstreams.cursors",
    "internal: how far each source has been read",
    "vendor/account/feed",
    cleanup=Cleanup.COMPACT,
)
SOURCES = Topic(
    "callstreams.sources",
    "how each source fares, told at each change and every few seconds",
    "vendor/account/feed",
    SourceStatus,
    cleanup=Cleanup.COMPACT,
    partitioned=False,
)

RAW = (
    RAW_SEVENMOOR_REPORT,
    RAW_SEVENMOOR_TASK,
    RAW_HUAWEI_STATISTICS,
    RAW_HUAWEI_MISSED,
    RAW_ICSOC_CDR,
)
ALL = (
    *RAW,
    CALLS,
    TALLIES,
    MISSED_CALLS,
    CAMPAIGNS,
    PARTIALS,
    ANSWER_RATE,
    MISSED_CALL_COUNTS,
    ALERTS,
    SILENCES,
    NOTICES,
    DEAD_LETTERS,
    CURSORS,
    SOURCES,
)


_RAW_BY_NAME = {topic.name: topic for topic in RAW}


def raw_topic(vendor: Vendor, feed: str) -> Topic:
    """Find the raw topic of a feed.

    Raises:
        KeyError: no such feed.
    """
    return _RAW_BY_NAME[f"raw.{vendor}.{feed}"]
