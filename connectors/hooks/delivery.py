"""Deliver one message to one receiver: try again what may pass, give up on what will not."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import NamedTuple

import stamina

from connectors.hooks.notification import Notification
from connectors.hooks.receivers.base import PartlyRefusedError, Receiver
from schemas.dead_letter import DeadLetter
from schemas.errors import FatalError, RetryableError
from schemas.notice import Notice
from schemas.topics import ALERTS

GAVE_UP = "gave-up"
REFUSED = "refused"
PARTLY_REFUSED = "partly-refused"
_log = logging.getLogger(__name__)


class Refusal(NamedTuple):
    """Why a message could not be delivered."""

    code: str
    reason: str


class Patience(NamedTuple):
    """How long to go on trying, and the waits between."""

    give_up_after: timedelta
    first_wait: timedelta
    longest_wait: timedelta


async def deliver(
    receiver: Receiver, notification: Notification, patience: Patience
) -> Refusal | None:
    """Deliver a message, and give None; or the reason why it cannot be delivered.

    It is tried at least once, also where patience has run out while it waited its turn.
    """
    spent = patience.give_up_after <= timedelta(0)
    failures = 0

    def when(error: Exception) -> bool | timedelta:
        nonlocal failures
        failures += 1
        wait = error.retry_after if isinstance(error, RetryableError) else None
        too_long = wait is not None and wait >= patience.give_up_after
        if spent or too_long or not isinstance(error, RetryableError):
            return False
        _log.log(
            logging.WARNING if failures == 1 else logging.INFO,
            "%s does not have message %s yet, it is tried again: %s",
            notification.receiver,
            notification.id,
            error,
        )
        return True if wait is None else wait

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
                await receiver.deliver(notification)
    except RetryableError as error:
        return Refusal(GAVE_UP, f"given up after {failures} attempt{'s' * (failures > 1)}: {error}")
    except PartlyRefusedError as error:
        return Refusal(PARTLY_REFUSED, str(error))
    except FatalError as error:
        return Refusal(REFUSED, str(error))
    return None


def dead_letter(notice: Notice, refusal: Refusal, now: datetime) -> DeadLetter:
    """Make the dead letter of a transition that a receiver could not be told of."""
    return DeadLetter(
        stage=f"hooks/{notice.receiver}",
        code=refusal.code,
        reason=refusal.reason,
        topic=ALERTS.name,
        partition=notice.partition,
        offset=notice.offset,
        failed_at=now,
        value=notice.alert.to_json(),
        record_key=notice.alert.key,
    )
