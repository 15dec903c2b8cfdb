"""The door to aiohttp: an application that listens, says where, and drains; and its client."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientError, ClientSession, ClientTimeout, web

__all__ = ["ClientError", "ClientSession", "ClientTimeout", "serve", "web"]


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
