"""Who is told of an alert, and how they want it grouped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from connectors.hooks.settings import HooksSettings, Route
from schemas.alert import Alert, AlertState

_EVERY_LABEL = "..."


class Grouping(NamedTuple):
    """When a group is told, as Alertmanager defines it.

    Attributes:
        key: of the group; alerts with the same key are told together.
        labels: what they share.
        grouped: False where each transition is a message of its own.
        wait: after the first alert of a new group, for others to come.
        interval: between two messages of a group with news.
        repeat: after the last message, while it fires and nothing is new; None for never.
    """

    key: str
    labels: Mapping[str, str]
    grouped: bool = False
    wait: timedelta = timedelta(0)
    interval: timedelta = timedelta(0)
    repeat: timedelta | None = None


def is_announced(alert: Alert) -> bool:
    """Tell whether anybody is to hear of it: pending and inactive are the rules' own matter."""
    return alert.state in (AlertState.FIRING, AlertState.RESOLVED)


def receivers_of(alert: Alert, settings: HooksSettings) -> tuple[str, ...]:
    """Name who is told, each once and in the order of the receivers; all without routes."""
    if not settings.routes:
        return settings.names
    told = {
        name for route in settings.routes if route.takes(alert.labels) for name in route.receivers
    }
    return tuple(name for name in settings.names if name in told)


def grouping_of(alert: Alert, receiver: str, settings: HooksSettings) -> Grouping:
    """Tell how a receiver wants an alert: as the first route says that takes it there.

    A receiver that must be sent what fires (Alertmanager) groups by itself.
    """
    repeats = settings.receiver(receiver).repeats
    if repeats is not None:
        return Grouping(alert.fingerprint, alert.labels, repeat=repeats)
    for number, route in enumerate(settings.routes):
        if receiver in route.receivers and route.takes(alert.labels):
            return _grouping(alert, route, number)
    return Grouping(alert.fingerprint, alert.labels)


def _grouping(alert: Alert, route: Route, number: int) -> Grouping:
    repeat = route.repeat_interval
    if route.group_by is None:
        return Grouping(alert.fingerprint, alert.labels, repeat=repeat)
    names = sorted(alert.labels) if _EVERY_LABEL in route.group_by else route.group_by
    labels = {name: alert.labels.get(name, "") for name in names}
    return Grouping(
        f"route {number}: {json.dumps(labels, ensure_ascii=False, sort_keys=True)}",
        labels,
        grouped=True,
        wait=route.group_wait,
        interval=route.group_interval,
        repeat=timedelta(hours=4) if repeat is None else repeat,
    )
