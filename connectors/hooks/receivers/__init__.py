"""The receivers by their `type` in the configuration."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from connectors.hooks.receivers.alertmanager import AlertmanagerSettings
from connectors.hooks.receivers.base import Receiver
from connectors.hooks.receivers.chat import AppriseSettings
from connectors.hooks.receivers.robots import RobotSettings
from connectors.hooks.receivers.webhook import WebhookSettings

__all__ = ["Receiver", "ReceiverSettings"]

_ROBOTS = ("dingtalk", "wecom", "feishu")


def _kind(settings: Any) -> str:  # noqa: ANN401 - whatever stands in the file
    kind = settings.get("type", "webhook") if isinstance(settings, dict) else settings.type
    return "robot" if kind in _ROBOTS else str(kind)


ReceiverSettings = Annotated[
    Annotated[WebhookSettings, Tag("webhook")]
    | Annotated[AlertmanagerSettings, Tag("alertmanager")]
    | Annotated[AppriseSettings, Tag("apprise")]
    | Annotated[RobotSettings, Tag("robot")],
    Discriminator(
        _kind,
        custom_error_type="receiver_type",
        custom_error_message="there is no such type; there are: webhook, alertmanager, apprise, "
        "dingtalk, wecom, feishu",
    ),
]
"""The settings of any receiver, told apart by `type`; without it a webhook."""
