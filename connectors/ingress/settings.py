"""How the ingress is configured."""

from __future__ import annotations

import ssl
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import ConfigError

Network = IPv4Network | IPv6Network


class TlsFiles(BaseModel):
    """The server's certificate chain and its key, PEM."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate_file: Path
    key_file: Path

    def context(self) -> ssl.SSLContext:
        """Make the server's TLS context.

        Raises:
            ConfigError: a file cannot be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate_file, self.key_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"ingress.tls: {self.certificate_file} and {self.key_file} cannot be used "
                f"({error}); give a PEM chain and its key"
            ) from error
        return context


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
