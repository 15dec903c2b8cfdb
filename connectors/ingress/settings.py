"""How the ingress is configured."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network

from pydantic import BaseModel, ConfigDict, Field

from connectors.web import TlsFiles

Network = IPv4Network | IPv6Network


class IngressSettings(BaseModel):
    """The push ingress.

    Attributes:
        largest_body: bytes; a larger push is answered 413.
        read_timeout: for the whole body; a slower one is answered 408.
        publish_timeout: for Kafka to acknowledge; then 503.
        in_flight: pushes worked on at one time; one more is answered 503.
        retry_after: what a 503 asks for.
        tell_every: so often each account's status is told, beside soon after each change.
        allow: networks that may push; empty allows all. Probes are answered to everybody.
        trusted_proxies: networks whose X-Forwarded-For is believed.
        drain_timeout: how long open pushes may go on after the stop.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8088, ge=0, le=65535)
    largest_body: int = Field(default=1024 * 1024, gt=0)
    read_timeout: timedelta = timedelta(seconds=10)
    publish_timeout: timedelta = timedelta(seconds=10)
    in_flight: int = Field(default=256, gt=0)
    retry_after: timedelta = timedelta(seconds=15)
    drain_timeout: timedelta = timedelta(seconds=15)
    tell_every: timedelta = Field(default=timedelta(seconds=15), gt=timedelta(0))
    allow: tuple[Network, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    tls: TlsFiles | None = None
