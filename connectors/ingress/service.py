"""The ingress as a service: settings in, Kafka behind, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from connectors import tracing
from connectors.accounts import AccountSettings
from connectors.health import Health
from connectors.ingress.app import make_app
from connectors.ingress.contract import PushedAccount, Receiver
from connectors.ingress.settings import IngressSettings
from connectors.ingress.telling import PushBook, telling
from connectors.kafka import (
    AIOKafkaProducer,
    KafkaError,
    KafkaSettings,
    create_topics,
    new_producer,
)
from connectors.web import serve
from schemas.dead_letter import DeadLetter
from schemas.envelope import Headers, RawRecord
from schemas.errors import ConfigError, RetryableError
from schemas.topics import DEAD_LETTERS, RAW, SOURCES, raw_topic

_PROBE_SECONDS = 3


async def run_ingress(
    settings: IngressSettings,
    accounts: Iterable[AccountSettings],
    kafka: KafkaSettings,
    *,
    ready: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
    health: Health | None = None,
) -> None:
    """Take pushes until `stop` is set, then let the open ones end.

    Args:
        settings: where to listen, and the limits.
        accounts: all accounts; those that take no pushes are passed over.
        kafka: where the records go.
        ready: is told the base address once it listens.
        stop: without it, it serves until it is cancelled.
        health: is told how to find out whether Kafka is reached.

    Raises:
        ConfigError: no account takes pushes, or a TLS file cannot be used.
        RetryableError: Kafka cannot be reached at the start.
    """
    receivers = receivers_of(accounts)
    context = settings.tls.context("ingress.tls") if settings.tls else None
    producer = new_producer(kafka)
    outlet = _Outlet(producer)
    book = PushBook(receivers)
    app = make_app(receivers, outlet.publish, outlet.bury, settings, ready=outlet.ready, book=book)
    stop = stop or asyncio.Event()
    try:
        await _start(producer, kafka.bootstrap_servers)
        await create_topics(kafka, (*RAW, DEAD_LETTERS, SOURCES))
        async with (
            telling(book, producer, kafka, every=settings.tell_every, now=_utc_now),
            serve(
                app,
                host=settings.host,
                port=settings.port,
                ssl_context=context,
                drain_seconds=settings.drain_timeout.total_seconds(),
            ) as address,
        ):
            if health is not None:
                health.ready_unless(outlet.why_not_ready)
            # What is there by now stays: a collector that walks through all of it again and
            # again would hold up pushes for tens of milliseconds.
            gc.collect()
            gc.freeze()
            if ready is not None:
                ready(address)
            await stop.wait()
    finally:
        await producer.stop()


def _utc_now() -> datetime:
    return datetime.now(UTC)


def receivers_of(accounts: Iterable[AccountSettings]) -> list[Receiver]:
    """Make the receivers of the accounts that take pushes.

    Raises:
        ConfigError: none does.
    """
    made = [account.receiver() for account in accounts if isinstance(account, PushedAccount)]
    receivers = [receiver for receiver in made if receiver is not None]
    if not receivers:
        raise ConfigError("no account takes pushes: give an icsoc account a `push` section")
    return receivers


async def _start(producer: AIOKafkaProducer, servers: str) -> None:
    try:
        await producer.start()
    except KafkaError as error:
        raise RetryableError(
            f"no Kafka at {servers}: start one with `callstreams broker`, "
            "or set KAFKA_BOOTSTRAP_SERVERS"
        ) from error


class _Outlet:
    """Where pushes go: a producer that is idempotent and waits for all replicas."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def publish(self, record: RawRecord) -> None:
        topic = raw_topic(record.vendor, record.feed).name
        await self._send(topic, record.key, record.data, record.headers() + tracing.headers())

    async def bury(self, letter: DeadLetter) -> None:
        await self._send(DEAD_LETTERS.name, letter.key, letter.value, letter.headers())

    async def ready(self) -> bool:
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await self._producer.client.fetch_all_metadata()
        except (KafkaError, TimeoutError):
            return False
        return True

    async def why_not_ready(self) -> str | None:
        return None if await self.ready() else "Kafka is not reached"

    async def _send(self, topic: str, key: bytes, value: bytes | None, headers: Headers) -> None:
        try:
            await self._producer.send_and_wait(topic, value, key=key, headers=headers)
        except KafkaError as error:
            raise RetryableError(f"Kafka did not take it: {type(error).__name__}") from error
