"""Make a dead letter of a record that a step cannot use."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.dead_letter import DeadLetter
from streams.core.step import Batch, Output, Record


def refuse(topic: str, stage: str, batch: Batch, record: Record, code: str, reason: str) -> Output:
    """Give the dead letter as a message; refusing a record twice gives the same one.

    Args:
        topic: the dead letters' topic.
        stage: which step refuses.
        batch: where the record stood.
        record: the record.
        code: a short stable word to group by.
        reason: a sentence for the person who reads it.
    """
    letter = DeadLetter(
        stage=stage,
        code=code,
        reason=reason,
        topic=batch.topic,
        partition=batch.partition,
        offset=record.offset,
        failed_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        value=record.value,
        record_key=record.key,
        record_headers=tuple(record.headers),
    )
    return Output(topic, letter.key, letter.value, letter.headers())
