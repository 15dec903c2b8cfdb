"""What a receiver is told in one message."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from schemas.alert import Alert, AlertState


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to one receiver.

    Attributes:
        id: the same whenever this message is sent again; for a single transition the alert's.
        receiver: the receiver's name.
        group: the key of the group; of several groups in one digest `digest`.
        labels: what all alerts of the group share by definition (`group_by`).
        news: the transitions that are told with it, in their order.
        still: the others of the group that were told before and fire still.
        grouped: False where grouping is off, and this is one transition or its repeat.
    """

    id: str
    receiver: str
    group: str
    labels: Mapping[str, str] = field(default_factory=dict)
    news: tuple[Alert, ...] = ()
    still: tuple[Alert, ...] = ()
    grouped: bool = False

    @property
    def transitions(self) -> tuple[Alert, ...]:
        """Give every transition in it: those that fire still, and the news."""
        return self.still + self.news

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Give each alert once, as it stands after the last of its transitions."""
        return tuple({each.fingerprint: each for each in self.transitions}.values())

    @property
    def is_firing(self) -> bool:
        """Tell whether any of its alerts fires."""
        return any(each.state is AlertState.FIRING for each in self.alerts)

    @property
    def single(self) -> Alert | None:
        """Give the one alert of a message that is no group."""
        return self.transitions[0] if not self.grouped and len(self.transitions) == 1 else None


def one(alert: Alert, receiver: str) -> Notification:
    """Make the message of one transition by itself."""
    return Notification(alert.id, receiver, alert.fingerprint, alert.labels, (alert,))


def stable_id(receiver: str, *parts: str) -> str:
    """Make the id of a message from what is in it: the same parts, the same id."""
    digest = hashlib.sha256("\n".join((receiver, *parts)).encode())
    return f"group-{digest.hexdigest()[:32]}"


def digest(receiver: str, of: Sequence[Notification]) -> Notification:
    """Put several messages into one."""
    if len(of) == 1:
        return of[0]
    return Notification(
        stable_id(receiver, *(each.id for each in of)),
        receiver,
        "digest",
        {},
        tuple(alert for each in of for alert in each.news),
        tuple(alert for each in of for alert in each.still),
        grouped=True,
    )


def prometheus_time(moment: datetime) -> str:
    """Write a moment as RFC 3339 with a Z."""
    return moment.isoformat().replace("+00:00", "Z")
