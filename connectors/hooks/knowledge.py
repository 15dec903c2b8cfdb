"""What every hooks process must know whole: the silences, and what fires and may inhibit."""

from __future__ import annotations

import asyncio
import logging

from pydantic import ValidationError

from connectors.hooks.delivery import Refusal
from connectors.hooks.intake import Record, read_alert
from connectors.hooks.pipeline.muting import Muting
from connectors.hooks.settings import HooksSettings
from connectors.kafka import KafkaSettings, TopicPartition, new_consumer
from schemas.silence import Silence
from schemas.topics import ALERTS, SILENCES

_POLL_MS = 200
_log = logging.getLogger(__name__)


async def keep_informed(
    kafka: KafkaSettings, settings: HooksSettings, muting: Muting, ready: asyncio.Event
) -> None:
    """Follow the topics for ever; `ready` is set once all that stands there now is known."""
    topics = [SILENCES.name, *([ALERTS.name] if settings.inhibit else [])]
    consumer = new_consumer(kafka, *topics)
    await consumer.start()
    try:
        places = consumer.assignment()
        ends = await consumer.end_offsets(places)
        while True:
            if not ready.is_set():
                reached = [(await consumer.position(place), ends[place]) for place in places]
                if all(position >= end for position, end in reached):
                    ready.set()
            for partition, records in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
                for record in records:
                    learn(partition, record, muting)
    finally:
        await consumer.stop()


def learn(partition: TopicPartition, record: Record, muting: Muting) -> None:
    """Take in one record; what cannot be read silences and inhibits nothing."""
    key = (record.key or b"").decode(errors="replace")
    if partition.topic == ALERTS.name:
        alert = read_alert(record.value) if record.value is not None else None
        muting.know_alert(key, None if isinstance(alert, Refusal) else alert)
        return
    try:
        silence = Silence.model_validate_json(record.value) if record.value is not None else None
    except ValidationError:
        _log.warning("the silence %s cannot be read, and silences nothing", key)
        silence = None
    muting.know_silence(key, silence)
