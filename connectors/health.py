"""The little server beside every service: `/metrics`, `/healthz` and `/readyz`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from pydantic import BaseModel, ConfigDict, Field

from connectors import telemetry
from connectors.web import serve, web
from schemas.errors import ConfigError

_log = logging.getLogger("callstreams")

PORTS = {"poll": 9470, "ingress": 9471, "worker": 9472, "hooks": 9473, "board": 9474}
"""Where each service is asked, unless it is told otherwise: all may run on one machine."""

_CHECK_SECONDS = 5


class TelemetrySettings(BaseModel):
    """What every service tells of itself, to Prometheus and to whoever restarts it.

    Attributes:
        host: where to listen; loopback by default.
        port: None for each service's own, 0 for none.
        display_numbers: give the answer rate of each display number too. It is the only label
            that holds phone numbers, and there may be many.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=0, le=65535)
    display_numbers: bool = False


WhyNot = Callable[[], Awaitable[str | None]]
"""Tells why a service cannot do its work now; None where it can."""


class Health:
    """What a service says when it is asked whether it is ready.

    Args:
        service: its name.
        why_not: until it knows better.
    """

    def __init__(self, service: str, why_not: str = "it is starting") -> None:
        self.service = service
        self._stopping = False

        async def starting() -> str | None:
            return why_not

        self._why_not: WhyNot = starting

    def ready_unless(self, why_not: WhyNot) -> None:
        """Ask this from now on."""
        self._why_not = why_not

    def stop(self) -> None:
        """Be ready no more: what is under way ends, and nothing new is to come."""
        self._stopping = True

    async def why_not(self) -> str | None:
        """Tell why it is not ready, or None; who does not answer in time is not ready."""
        if self._stopping:
            return "it is stopping"
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                return await self._why_not()
        except TimeoutError:
            return f"it did not find out within {_CHECK_SECONDS} s"


def make_app(health: Health) -> web.Application:
    """Make the application that answers for a service."""

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})  # whoever answers turns

    async def readyz(_: web.Request) -> web.Response:
        why_not = await health.why_not()
        if why_not is None:
            return web.json_response({"status": "ready"})
        return web.json_response({"status": "not ready", "reason": why_not}, status=503)

    async def metrics(request: web.Request) -> web.Response:
        telemetry.READY.labels(health.service).set(await health.why_not() is None)
        body, content_type = telemetry.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app


@asynccontextmanager
async def answering(
    health: Health, settings: TelemetrySettings, *, port: int | None = None
) -> AsyncIterator[str | None]:
    """Answer for a service while the context is open, and give the base address.

    Args:
        health: the service's.
        settings: where to listen.
        port: stands above the settings' own; there may be no other.

    Raises:
        ConfigError: `port` cannot be had. Where the port was not asked for by name, as when
            two workers run on one machine, that is said in the log alone.
    """
    asked = (port, settings.port, PORTS[health.service])
    chosen = next(each for each in asked if each is not None)
    async with AsyncExitStack() as stack:
        address = None
        if chosen:
            server = serve(make_app(health), host=settings.host, port=chosen, drain_seconds=1)
            try:
                address = await stack.enter_async_context(server)
            except OSError as error:
                mend = (
                    f"telemetry cannot listen at {settings.host}:{chosen} ({error.strerror}): "
                    "give this process another port by --telemetry-port, or 0 for none"
                )
                if port is not None:
                    raise ConfigError(mend) from error
                _log.warning("%s; it runs without", mend)
        yield address
