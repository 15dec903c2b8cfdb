"""Deliver one alert to one receiver: try again what may pass, give up on what will not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import stamina

from connectors.hooks.receivers.base import Receiver
from schemas.alert import Alert
from schemas.dead_letter import DeadLetter
from schemas.errors import FatalError, RetryableError


class Refusal(NamedTuple):
    """Why an alert could not be delivered."""

    code: str
    reason: str


class Patience(NamedTuple):
    """How long to go on trying, and the waits between."""

    give_up_after: timedelta
    first_wait: timedelta
    longest_wait: timedelta


class Record(Protocol):
    """A Kafka record, as far as a dead letter needs it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


async def deliver(receiver: Receiver, alert: Alert, patience: Patience) -> Refusal | None:
    """Deliver an alert, and give None; or the reason why it cannot be delivered.

    It is tried at least once, also where patience has run out while it waited its turn.
    """
    spent = patience.give_up_after <= timedelta(0)

    def when(error: Exception) -> bool | timedelta:
        if spent or not isinstance(error, RetryableError):
            return False
        if error.retry_after is None:
            return True
        return error.retry_after if error.retry_after < patience.give_up_after else False

    try:
        async for attempt in stamina.retry_context(
            on=when,
            attempts=None,
            timeout=None if spent else patience.give_up_after,
            wait_initial=patience.first_wait,
            wait_max=patience.longest_wait,
            wait_jitter=patience.first_wait,
        ):
            with attempt:
                await receiver.deliver(alert)
    except RetryableError as error:
        return Refusal("gave-up", f"given up after trying again: {error}")
    except FatalError as error:
        return Refusal("refused", str(error))
    return None


def dead_letter(record: Record, stage: str, refusal: Refusal, now: datetime) -> DeadLetter:
    """Make the dead letter of an alert; `stage` is `hooks`, or `hooks/` and the receiver."""
    return DeadLetter(
        stage=stage,
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
