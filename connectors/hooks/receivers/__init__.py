"""The receivers by their `type` in the configuration."""

from __future__ import annotations

from connectors.hooks.receivers.base import Receiver
from connectors.hooks.receivers.webhook import WebhookSettings

__all__ = ["Receiver", "ReceiverSettings"]

ReceiverSettings = WebhookSettings
"""The settings of any receiver; with a second kind a union, told apart by `type`."""
