"""The door to aiokafka: clients that are set up alike, and the topics of the catalogue."""

from __future__ import annotations

import asyncio
import random
import ssl
import struct
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from aiokafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    TopicPartition,
)
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    KafkaConnectionError,
    KafkaError,
    ProducerFenced,
    TopicAlreadyExistsError,
    for_code,
)
from pydantic import BaseModel, ConfigDict

from connectors.secrets import Secret
from schemas.errors import ConfigError, RetryableError
from schemas.topics import Topic

__all__ = [
    "AIOKafkaConsumer",
    "AIOKafkaProducer",
    "ConsumerRebalanceListener",
    "GroupState",
    "KafkaError",
    "KafkaSettings",
    "ProducerFenced",
    "TopicPartition",
    "TopicState",
    "alter_topic_configs",
    "create_topics",
    "describe_groups",
    "describe_topics",
    "lag_of",
    "live_brokers",
    "new_consumer",
    "new_producer",
    "partition_of",
]

_LEADER_ATTEMPTS = 150
_LEADER_PAUSE = 0.2


class KafkaSettings(BaseModel):
    """Where Kafka is and how to speak to it.

    Attributes:
        bootstrap_servers: `host:port`, several separated by commas.
        partitions: of each partitioned topic when it is created; all alike, so that the
            streams can join them.
        replication: of each topic when it is created: 3 in production.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_servers: str = "127.0.0.1:9092"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str | None = None
    sasl_password: Secret | None = None
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    partitions: int = 4
    replication: int = 1

    def ssl_context(self) -> ssl.SSLContext | None:
        """Make the TLS context, or None where the connection is plain."""
        if "SSL" not in self.security_protocol:
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context

    def client_options(self) -> dict[str, Any]:
        """Give the connection options that every aiokafka client takes."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol,
        }
        context = self.ssl_context()
        if context is not None:
            options["ssl_context"] = context
        if "SASL" in self.security_protocol:
            if self.sasl_username is None or self.sasl_password is None:
                raise ConfigError(
                    "kafka.security_protocol asks for SASL: "
                    "set kafka.sasl_username and kafka.sasl_password"
                )
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password.get_secret_value(),
            }
        return options


def new_producer(
    settings: KafkaSettings, *, transactional_id: str | None = None, linger_ms: int = 5
) -> AIOKafkaProducer:
    """Make a producer that is idempotent and waits for all replicas."""
    return _Producer(
        **settings.client_options(),
        acks="all",
        enable_idempotence=True,
        transactional_id=transactional_id,
        linger_ms=linger_ms,
        partitioner=_choose_partition,
        max_batch_size=128 * 1024,  # aiokafka's 16 KiB hold a dozen calls
        max_request_size=16 * 1024 * 1024,
    )


class _Producer(AIOKafkaProducer):  # type: ignore[misc] # aiokafka has no types
    async def start(self) -> None:
        """Start, and see to it that an end which cannot be mended is told once.

        aiokafka 0.14 fails all that was still to be sent, such as when another process has taken
        the transactional id, and asyncio then logs a traceback for each future that nobody awaits.
        Whoever sends is told by its own future, and by the next call.
        """
        await super().start()
        self._sender.sender_task.add_done_callback(self._quieten)

    def _quieten(self, sender: asyncio.Task[None]) -> None:
        if sender.cancelled():
            return
        accumulator = self._message_accumulator
        batches = set(accumulator._pending_batches).union(*accumulator._batches.values())
        futures = [future for one in batches for future in (one.future, one._drain_waiter)]
        if self._txn_manager is not None:
            futures.append(self._txn_manager._transaction_waiter)
        for future in futures:
            if future is not None and future.done() and not future.cancelled():
                future.exception()  # asked for, it is not logged


class _Consumer(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka has no types
    async def stop(self) -> None:
        """Stop, whatever state the brokers are in.

        aiokafka 0.14 raises CancelledError from here, and leaves connections open, where a fetch
        just waits to try again because its broker is gone.
        """
        try:
            await super().stop()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # somebody does cancel us
            fetches = list(self._fetcher._pending_tasks)
            for fetch in fetches:
                fetch.cancel()
            await asyncio.gather(*fetches, return_exceptions=True)
            await self._client.close()


def new_consumer(
    settings: KafkaSettings,
    *topics: str,
    group: str | None = None,
    **options: Any,  # noqa: ANN401
) -> AIOKafkaConsumer:
    """Make a consumer that sees committed transactions alone and commits nothing by itself."""
    return _Consumer(
        *topics,
        **settings.client_options(),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        **options,
    )


def lag_of(consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
    """Tell how many records of each partition it was not given yet, as far as it knows.

    Nothing is asked of the broker; a partition that was not fetched from yet is left out.
    """
    subscription = consumer._subscription.subscription
    if subscription is None or subscription.assignment is None:
        return {}
    found: dict[TopicPartition, int] = {}
    for place in subscription.assignment.tps:
        state = subscription.assignment.state_value(place)
        if state.highwater is not None and state.has_valid_position:
            found[place] = max(0, state.highwater - state.position)
    return found


def _choose_partition(
    key: bytes | None, partitions: Sequence[int], available: Sequence[int]
) -> int:
    if key is None:
        return random.choice(available or partitions)  # noqa: S311 - it keeps no secret
    return partitions[partition_of(key, len(partitions))]


def partition_of(key: bytes, partitions: int) -> int:
    """Give the partition that Kafka's default partitioner chooses for a key.

    Murmur2 as in Kafka's Utils.murmur2; aiokafka's own, byte by byte, takes four times as long.
    """
    length = len(key)
    value = 0x9747B28C ^ length
    words = length >> 2
    for word in _words(words).unpack_from(key):
        word = word * 0x5BD1E995 & 0xFFFFFFFF
        word = (word ^ word >> 24) * 0x5BD1E995 & 0xFFFFFFFF
        value = value * 0x5BD1E995 & 0xFFFFFFFF ^ word
    if rest := key[words << 2 :]:
        value = (value ^ int.from_bytes(rest, "little")) * 0x5BD1E995 & 0xFFFFFFFF
    value = (value ^ value >> 13) * 0x5BD1E995 & 0xFFFFFFFF
    return ((value ^ value >> 15) & 0x7FFFFFFF) % partitions


@cache
def _words(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}I")


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the cluster has it.

    Attributes:
        replication: of the partition that has the fewest replicas.
        configs: all settings in effect, defaults included.
        overrides: names of those that are set on the topic itself.
    """

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str]
    overrides: frozenset[str]


def topic_configs(settings: KafkaSettings, topic: Topic) -> dict[str, str]:
    """Give the configuration that a topic of the catalogue should have on this cluster.

    With three copies, a write is acknowledged when two have it: the loss of a node loses nothing.
    """
    safety = {"min.insync.replicas": "2"} if settings.replication >= 3 else {}
    return topic.configs() | safety


async def create_topics(settings: KafkaSettings, topics: Iterable[Topic]) -> list[str]:
    """Create the topics that are missing, and give their names, once all can be written.

    Raises:
        RetryableError: the broker cannot be reached, or a topic does not come to life.
        ConfigError: the broker refused a topic; the text says why.
    """
    wanted = list(topics)
    async with _admin(settings) as admin:
        answer = await admin.create_topics(
            [
                NewTopic(
                    topic.name,
                    settings.partitions if topic.partitioned else 1,
                    settings.replication,
                    topic_configs=topic_configs(settings, topic),
                )
                for topic in wanted
            ]
        )
        created = []
        for name, code, *message in answer.topic_errors:
            if code == 0:
                created.append(name)
            elif code != TopicAlreadyExistsError.errno:
                raise ConfigError(f"topic {name} was refused: {for_code(code).__name__} {message}")
        if created:
            await _until_led(admin, [topic.name for topic in wanted])
    return created


async def _until_led(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """Wait until every partition has a leader: a topic is made before it can be used."""
    for _ in range(_LEADER_ATTEMPTS):
        described = await admin.describe_topics(names)
        if all(
            topic["error_code"] == 0
            and all(
                partition["error_code"] == 0 and partition["leader"] >= 0
                for partition in topic["partitions"]
            )
            for topic in described
        ):
            return
        await asyncio.sleep(_LEADER_PAUSE)
    raise RetryableError("new topics have no leader yet: the brokers are busy; try again")


async def describe_topics(settings: KafkaSettings, names: Iterable[str]) -> dict[str, TopicState]:
    """Describe those of the named topics that exist.

    Raises:
        RetryableError: the broker cannot be reached.
    """
    async with _admin(settings) as admin:
        found = {
            topic["topic"]: [len(partition["replicas"]) for partition in topic["partitions"]]
            for topic in await admin.describe_topics(list(names))
            if topic["error_code"] == 0
        }
        if not found:
            return {}
        configs: dict[str, dict[str, str]] = {}
        overrides: dict[str, frozenset[str]] = {}
        wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in found]
        for answer in await admin.describe_configs(wanted):
            for _code, _message, _type, name, entries in answer.resources:
                configs[name] = {key: value for key, value, *_ in entries}
                overrides[name] = frozenset(
                    key for key, _value, _read_only, source, *_ in entries if source == _ON_TOPIC
                )
    return {
        name: TopicState(name, len(copies), min(copies), configs[name], overrides[name])
        for name, copies in found.items()
    }


async def alter_topic_configs(settings: KafkaSettings, state: TopicState, topic: Topic) -> None:
    """Set a topic's configuration to the catalogue's; what else is set on it stays.

    Raises:
        RetryableError: the broker cannot be reached.
        ConfigError: the broker refused; the text says why.
    """
    kept = {name: state.configs[name] for name in state.overrides}
    # the protocol's call replaces all that is set on the topic, hence `kept`
    wanted = kept | topic_configs(settings, topic)
    async with _admin(settings) as admin:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, wanted)
        for answer in await admin.alter_configs([resource]):
            for code, message, *_ in answer.resources:
                if code != 0:
                    raise ConfigError(f"topic {topic.name}: {for_code(code).__name__} {message}")


async def live_brokers(settings: KafkaSettings) -> frozenset[int]:
    """Give the numbers of the brokers that the cluster counts as alive.

    Raises:
        RetryableError: none can be reached.
    """
    async with _admin(settings) as admin:
        cluster = await admin.describe_cluster()
    return frozenset(broker["node_id"] for broker in cluster["brokers"])


@dataclass(frozen=True, slots=True)
class GroupState:
    """A consumer group as the cluster has it.

    Attributes:
        members: how many processes are in it.
        offsets: where it goes on, of the partitions for which it has said so.
    """

    name: str
    members: int
    offsets: Mapping[TopicPartition, int]


async def describe_groups(settings: KafkaSettings, names: Iterable[str]) -> list[GroupState]:
    """Describe consumer groups; one that never was has no members and no offsets.

    Raises:
        RetryableError: the broker cannot be reached.
    """
    async with _admin(settings) as admin:
        return [await _describe_group(admin, name) for name in names]


async def _describe_group(admin: AIOKafkaAdminClient, name: str) -> GroupState:
    for _ in range(_LEADER_ATTEMPTS):
        try:
            (described,) = await admin.describe_consumer_groups([name])
            offsets = await admin.list_consumer_group_offsets(name)
        except GroupCoordinatorNotAvailableError:
            # a new cluster makes its topic of offsets when it is first asked
            await asyncio.sleep(_LEADER_PAUSE)
            continue
        except KafkaError as error:
            raise RetryableError(
                f"the consumer group {name} cannot be described: {type(error).__name__}"
            ) from error
        ((_code, _name, _state, _type, _protocol, members, *_),) = described.groups
        places = {place: each.offset for place, each in offsets.items()}
        return GroupState(name, len(members), places)
    raise RetryableError(f"nobody looks after the consumer group {name} yet; try again")


_ON_TOPIC = 1
"""`DYNAMIC_TOPIC_CONFIG`, Kafka's code for a setting that the topic itself has."""


@asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**settings.client_options())
    try:
        await admin.start()
    except KafkaConnectionError as error:
        raise RetryableError(
            f"no Kafka at {settings.bootstrap_servers}: start one with `callstreams broker`, "
            "or set KAFKA_BOOTSTRAP_SERVERS"
        ) from error
    try:
        yield admin
    finally:
        await admin.close()
