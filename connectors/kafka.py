"""The door to aiokafka: clients that are set up alike, and the topics of the catalogue."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any, Literal

from aiokafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    TopicPartition,
)
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    ProducerFenced,
    TopicAlreadyExistsError,
    for_code,
)
from aiokafka.partitioner import murmur2
from pydantic import BaseModel, ConfigDict, SecretStr

from schemas.errors import ConfigError, RetryableError
from schemas.topics import Topic

__all__ = [
    "AIOKafkaConsumer",
    "AIOKafkaProducer",
    "ConsumerRebalanceListener",
    "KafkaError",
    "KafkaSettings",
    "ProducerFenced",
    "TopicPartition",
    "create_topics",
    "new_consumer",
    "new_producer",
    "partition_of",
]


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
    sasl_password: SecretStr | None = None
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
    return AIOKafkaProducer(
        **settings.client_options(),
        acks="all",
        enable_idempotence=True,
        transactional_id=transactional_id,
        linger_ms=linger_ms,
        max_request_size=16 * 1024 * 1024,
    )


def new_consumer(
    settings: KafkaSettings,
    *topics: str,
    group: str | None = None,
    **options: Any,  # noqa: ANN401
) -> AIOKafkaConsumer:
    """Make a consumer that sees committed transactions alone and commits nothing by itself."""
    return AIOKafkaConsumer(
        *topics,
        **settings.client_options(),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        **options,
    )


def partition_of(key: bytes, partitions: int) -> int:
    """Give the partition that Kafka's default partitioner chooses for a key."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


async def create_topics(settings: KafkaSettings, topics: Iterable[Topic]) -> list[str]:
    """Create the topics that are missing, and give their names.

    Raises:
        RetryableError: the broker cannot be reached.
        ConfigError: the broker refused a topic; the text says why.
    """
    admin = AIOKafkaAdminClient(**settings.client_options())
    try:
        await admin.start()
    except KafkaConnectionError as error:
        raise RetryableError(
            f"no Kafka at {settings.bootstrap_servers}: start one with `callstreams broker`, "
            "or set KAFKA_BOOTSTRAP_SERVERS"
        ) from error
    try:
        answer = await admin.create_topics(
            [
                NewTopic(
                    topic.name,
                    settings.partitions if topic.partitioned else 1,
                    settings.replication,
                    topic_configs=topic.configs(),
                )
                for topic in topics
            ]
        )
    finally:
        await admin.close()
    created = []
    for name, code, *message in answer.topic_errors:
        if code == 0:
            created.append(name)
        elif code != TopicAlreadyExistsError.errno:
            raise ConfigError(f"topic {name} was refused: {for_code(code).__name__} {message}")
    return created
