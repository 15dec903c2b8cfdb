"""The door to aiohttp: an application that listens, says where, and drains; and its client."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from pydantic import BaseModel, ConfigDict

from schemas.errors import ConfigError

__all__ = ["ClientError", "ClientSession", "ClientTimeout", "TlsFiles", "serve", "web"]


class TlsFiles(BaseModel):
    """The server's certificate chain and its key, PEM."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate_file: Path
    key_file: Path

    def context(self, setting: str) -> ssl.SSLContext:
        """Make the server's TLS context.

        Args:
            setting: what it is called in the configuration.

        Raises:
            ConfigError: a file cannot be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate_file, self.key_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"{setting}: {self.certificate_file} and {self.key_file} cannot be used "
                f"({error}); give a PEM chain and its key"
            ) from error
        return context


@asynccontextmanager
async def serve(
    app: web.Application,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    ssl_context: ssl.SSLContext | None = None,
    drain_seconds: float = 10,
) -> AsyncIterator[str]:
    """Serve `app` while the context is open, and give its base address.

    Args:
        app: the application.
        host: where to listen; loopback by default.
        port: 0 takes a free one.
        ssl_context: serve TLS with it.
        drain_seconds: how long open requests may go on when it stops.
    """
    runner = web.AppRunner(app, shutdown_timeout=drain_seconds, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=ssl_context)
        await site.start()
        bound = runner.addresses[0]
        scheme = "http" if ssl_context is None else "https"
        yield f"{scheme}://{bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()
