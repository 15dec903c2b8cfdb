"""The bodies that webhooks carry."""

from __future__ import annotations

import json

from schemas.alert import Alert, AlertState

_NEVER = "0001-01-01T00:00:00Z"


def standard(alert: Alert) -> bytes:
    """Write an event by the Standard Webhooks rules: `type`, `timestamp` and `data`.

    Source: standardwebhooks.com, "Webhook payload structure".
    """
    told = alert.model_dump(mode="json", exclude_none=True)
    return _encode(
        {"type": f"alert.{alert.state}", "timestamp": told["at"], "data": {"id": alert.id, **told}}
    )


def alertmanager(alert: Alert, receiver: str) -> bytes:
    """Write what Prometheus Alertmanager's webhook_config sends, version 4, a group of one.

    Source: prometheus.io/docs/alerting/latest/configuration, "webhook_config".
    """
    told = alert.model_dump(mode="json")
    status = "resolved" if alert.state is AlertState.RESOLVED else "firing"
    one = {
        "status": status,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": told["starts_at"],
        "endsAt": told["ends_at"] or _NEVER,
        "generatorURL": "",
        "fingerprint": alert.fingerprint,
    }
    return _encode(
        {
            "version": "4",
            "groupKey": f"{{}}:{{fingerprint={json.dumps(alert.fingerprint)}}}",
            "truncatedAlerts": 0,
            "status": status,
            "receiver": receiver,
            "groupLabels": {"alertname": alert.rule},
            "commonLabels": alert.labels,
            "commonAnnotations": alert.annotations,
            "externalURL": "",
            "alerts": [one],
        }
    )


def _encode(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
