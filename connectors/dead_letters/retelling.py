"""What a receiver could not be told goes to it once more, and to it alone.

Not by way of `alerts`: that topic is the state of the rules, where an old transition would stand
for the newest. The transition becomes a notice again, which the hooks deliver under its own id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from connectors.dead_letters.letters import Place
from connectors.hooks.intake import read_alert
from connectors.kafka import KafkaSettings, new_consumer
from schemas.alert import Alert, AlertState
from schemas.dead_letter import DeadLetter
from schemas.notice import Notice
from schemas.topics import ALERTS

_POLL_MS = 200


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who can be told.

    Attributes:
        group: the hooks' consumer group.
        receivers: their names.
    """

    group: str
    receivers: Collection[str]


NOBODY = Hooks("", ())


class Untold(NamedTuple):
    """A letter of the hooks, with what it is about."""

    place: Place
    letter: DeadLetter
    alert: Alert


class Retold(NamedTuple):
    """What becomes of letters.

    Attributes:
        notices: in the order in which they are to be told.
        kept_back: the others, with the reason.
    """

    notices: tuple[tuple[Place, DeadLetter, Notice], ...]
    kept_back: tuple[tuple[Place, str], ...]


def retell(
    untold: Iterable[Untold], newest: Mapping[str, Alert], group: str, now: datetime
) -> Retold:
    """Make notices of what can still be told, so that nobody takes what is over for new.

    Args:
        untold: the letters that are meant.
        newest: what stands on `alerts` now, by fingerprint.
        group: the hooks' consumer group.
        now: the moment of the replay.
    """
    meant = sorted(untold, key=lambda each: (each.alert.at, each.alert.state))
    ends = {(each.letter.stage, _episode(each.alert)) for each in meant if _has_ended(each.alert)}
    notices, kept_back = [], []
    for place, letter, alert in meant:
        why = _why_not(alert, newest.get(alert.fingerprint))
        if why and (letter.stage, _episode(alert)) in ends and why is _OVER:
            why = None  # its end is told with it
        if why is None:
            notices.append((place, letter, _notice(letter, alert, group, now)))
        else:
            kept_back.append((place, why))
    return Retold(tuple(notices), tuple(kept_back))


async def newest_alerts(kafka: KafkaSettings) -> dict[str, Alert]:
    """Read how each alert stands now, by fingerprint."""
    newest: dict[str, Alert] = {}
    consumer = new_consumer(kafka, ALERTS.name)
    try:
        await consumer.start()
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                for record in records:
                    alert = read_alert(record.value or b"")
                    if isinstance(alert, Alert):
                        newest[alert.fingerprint] = alert
    finally:
        await consumer.stop()
    return newest


_OVER = "the alert has ended since: replay the letter of its end too, or leave it"
_ANEW = "the alert has fired anew since, and the receiver was told of that"


def _why_not(alert: Alert, newest: Alert | None) -> str | None:
    if newest is None or newest.starts_at < alert.starts_at or newest.id == alert.id:
        return None
    if newest.starts_at > alert.starts_at and newest.state in _TOLD:
        return _ANEW
    return None if _has_ended(alert) else _OVER


_TOLD = (AlertState.FIRING, AlertState.RESOLVED)


def _has_ended(alert: Alert) -> bool:
    return alert.state is AlertState.RESOLVED


def _episode(alert: Alert) -> tuple[str, datetime]:
    return alert.fingerprint, alert.starts_at


def _notice(letter: DeadLetter, alert: Alert, group: str, now: datetime) -> Notice:
    return Notice(
        group=group,
        receiver=letter.stage.partition("/")[2],
        alert=alert,
        partition=letter.partition,
        offset=letter.offset,
        received_at=now,
        replayed_at=now,
    )
