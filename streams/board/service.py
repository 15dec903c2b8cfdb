"""The wallboard as a process: Kafka behind, HTTP before, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from connectors.health import Health
from connectors.hooks.silences import write_silence
from connectors.kafka import KafkaSettings
from connectors.web import serve
from streams.board.app import make_app
from streams.board.reader import read_into
from streams.board.settings import BoardSettings
from streams.board.state import Board


async def run_board(
    kafka: KafkaSettings,
    settings: BoardSettings,
    stop: asyncio.Event,
    *,
    ready: Callable[[str], None] | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    health: Health | None = None,
) -> None:
    """Serve the wallboard until `stop` is set.

    Args:
        kafka: where Kafka is.
        settings: where to listen, and who may read.
        stop: set it to end.
        ready: is told the address once it listens; the topics are read meanwhile.
        clock: tells the time.
        health: is told how to find out whether the topics were read.

    Raises:
        ConfigError: a TLS file cannot be used.
        RetryableError: Kafka cannot be reached at the start.
    """
    context = settings.tls.context("board.tls") if settings.tls else None
    board = Board(
        int(clock().timestamp()),
        calls_per_scope=settings.calls_per_scope,
        most_scopes=settings.most_scopes,
    )

    async def why_not_ready() -> str | None:
        return None if board.ready else "the topics are still being read"

    if health is not None:
        health.ready_unless(why_not_ready)
    app = make_app(
        board, settings, clock=clock, silencer=lambda silence: write_silence(kafka, silence)
    )
    async with serve(app, host=settings.host, port=settings.port, ssl_context=context) as address:
        if ready is not None:
            ready(address)
        reading = asyncio.create_task(
            read_into(
                board,
                kafka,
                calls_read_back=settings.calls_read_back,
                forget_after=settings.forget_after,
                clock=clock,
            )
        )
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (reading, stopping):
            task.cancel()
        ended = await asyncio.gather(reading, stopping, return_exceptions=True)
        if isinstance(ended[0], Exception):
            raise ended[0]
