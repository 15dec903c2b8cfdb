"""From `alerts` to notices: who is to be told of each transition."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol

from pydantic import ValidationError

from connectors.hooks.delivery import Refusal
from connectors.hooks.pipeline.routing import is_announced, receivers_of
from connectors.hooks.settings import HooksSettings
from connectors.kafka import partition_of
from schemas.alert import Alert
from schemas.dead_letter import DeadLetter
from schemas.notice import Notice


class Record(Protocol):
    """A Kafka record, as far as it is used here."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Taken(NamedTuple):
    """What a record comes to."""

    notices: tuple[Notice, ...] = ()
    dead_letter: DeadLetter | None = None


def take(record: Record, settings: HooksSettings, now: datetime) -> Taken:
    """Turn a record of `alerts` into a notice for each receiver, or into a dead letter."""
    if record.value is None:
        return Taken()
    alert = read_alert(record.value)
    if isinstance(alert, Refusal):
        return Taken(dead_letter=_letter(record, alert, now))
    if not is_announced(alert):
        return Taken()
    return Taken(
        tuple(
            Notice(
                group=settings.group,
                receiver=name,
                alert=alert,
                partition=record.partition,
                offset=record.offset,
                received_at=now,
            )
            for name in receivers_of(alert, settings)
        )
    )


def read_alert(value: bytes) -> Alert | Refusal:
    """Read a record's value; a refusal names the fields that are wrong, and no content."""
    try:
        return Alert.model_validate_json(value)
    except ValidationError as error:
        where = ", ".join(".".join(map(str, each["loc"])) or "it" for each in error.errors())
        return Refusal("bad-alert", f"this is no alert of ours: see {where}")


def partition_for(notice: Notice, partitions: int) -> int:
    """Give the partition of a notice: all of a receiver are on one."""
    return partition_of(f"{notice.group}|{notice.receiver}".encode(), partitions)


def _letter(record: Record, refusal: Refusal, now: datetime) -> DeadLetter:
    return DeadLetter(
        stage="hooks",
        code=refusal.code,
        reason=refusal.reason,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        failed_at=now,
        value=record.value,
        record_key=record.key,
        record_headers=tuple(record.headers),
    )
