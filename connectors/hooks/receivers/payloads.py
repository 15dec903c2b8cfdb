"""The bodies that webhooks and Alertmanager take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.hooks.notification import Notification, prometheus_time
from schemas.alert import Alert, AlertState

_ENDS = "resolves_when"
_NEVER = "0001-01-01T00:00:00Z"


def standard(notification: Notification) -> bytes:
    """Write an event by the Standard Webhooks rules: `type`, `timestamp` and `data`.

    One transition is `alert.firing` or `alert.resolved`; a group is `alerts.group` with `news`
    (what is told with it) and `still` (what fires still), each with the id of its transition.

    Source: standardwebhooks.com, "Webhook payload structure".
    """
    single = notification.single
    if single is not None:
        told = _told(single)
        return encode({"type": f"alert.{single.state}", "timestamp": told["at"], "data": told})
    newest = max(each.at for each in notification.transitions)
    return encode(
        {
            "type": "alerts.group",
            "timestamp": prometheus_time(newest),
            "data": {
                "id": notification.id,
                "group": notification.group,
                "labels": dict(notification.labels),
                "status": _status(notification),
                "ids": [each.id for each in notification.transitions],
                "news": [_told(each) for each in notification.news],
                "still": [_told(each) for each in notification.still],
            },
        }
    )


def alertmanager(notification: Notification) -> bytes:
    """Write what Prometheus Alertmanager's webhook_config sends, version 4.

    `ids` is ours: the transitions that are in it, since version 4 has no place for them.

    Source: prometheus.io/docs/alerting/latest/configuration, "webhook_config".
    """
    alerts = notification.alerts
    single = notification.single
    labels = {"alertname": single.rule} if single is not None else dict(notification.labels)
    key = f"{{}}:{{fingerprint={json.dumps(single.fingerprint)}}}" if single is not None else None
    return encode(
        {
            "version": "4",
            "groupKey": key or notification.group,
            "truncatedAlerts": 0,
            "status": _status(notification),
            "receiver": notification.receiver,
            "groupLabels": labels,
            "commonLabels": _common([each.labels for each in alerts]),
            "commonAnnotations": _common([each.annotations for each in alerts]),
            "externalURL": "",
            "alerts": [
                {
                    "status": str(each.state),
                    **_posted(each),
                    "endsAt": prometheus_time(each.ends_at) if each.ends_at else _NEVER,
                    "fingerprint": each.fingerprint,
                }
                for each in alerts
            ],
            "ids": [each.id for each in notification.transitions],
        }
    )


def postable(notification: Notification, until: datetime) -> bytes:
    """Write what Alertmanager takes at POST /api/v2/alerts.

    Args:
        notification: what is told.
        until: when Alertmanager is to take a firing alert for resolved by itself, should
            nobody send it again.

    Source: Alertmanager's api/v2/openapi.yaml, `postableAlerts`.
    """
    return encode(
        [
            _posted(each) | {"endsAt": prometheus_time(_end(each, until))}
            for each in notification.alerts
        ]
    )


def encode(body: object) -> bytes:
    """Write JSON, short and in UTF-8."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _end(alert: Alert, until: datetime) -> datetime:
    if alert.state is AlertState.FIRING:
        return until
    return alert.ends_at or alert.at


def _posted(alert: Alert) -> dict[str, Any]:
    return {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": prometheus_time(alert.starts_at),
        "generatorURL": "",
    }


def _told(alert: Alert) -> dict[str, Any]:
    told = {"id": alert.id, **alert.model_dump(mode="json", exclude_none=True)}
    if alert.resolves_when == alert.annotations.get(_ENDS):
        told["annotations"] = {k: v for k, v in alert.annotations.items() if k != _ENDS}
    return told


def _status(notification: Notification) -> str:
    return "firing" if notification.is_firing else "resolved"


def _common(of: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = of
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }
