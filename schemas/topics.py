"""The catalogue of topics: name, key, value, partitions and retention, once.

Everything that creates, reads or writes a topic takes it from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel

from schemas.alert import Alert
from schemas.base import Feed, Vendor
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


def _raw(vendor: Vendor, feed: Feed) -> Topic:
    return Topic(
        f"raw.{vendor}.{feed.name}",
        feed.purpose,
        key=f"vendor/account/{feed.subject}",
        retention=14 * _DAY,
    )


RAW = tuple(_raw(vendor, feed) for vendor in Vendor for feed in vendor.feeds)
_RAW_BY_NAME = {topic.name: topic for topic in RAW}


def raw_topic(vendor: Vendor, feed: str) -> Topic:
    """Find the raw topic of a feed.

    Raises:
        KeyError: no such feed.
    """
    return _RAW_BY_NAME[f"raw.{vendor}.{feed}"]


RAW_SEVENMOOR_REPORT = raw_topic(Vendor.SEVENMOOR, "answer-report")
RAW_SEVENMOOR_TASK = raw_topic(Vendor.SEVENMOOR, "dialout-task")
RAW_HUAWEI_STATISTICS = raw_topic(Vendor.HUAWEI, "campaign-statistics")
RAW_HUAWEI_MISSED = raw_topic(Vendor.HUAWEI, "missed-call")
RAW_ICSOC_CDR = raw_topic(Vendor.ICSOC, "cdr")
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
    "internal: absolute counts of panes over one input partition",
    "input partition",
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
