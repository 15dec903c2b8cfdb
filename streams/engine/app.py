"""The Faust app, set up to be exact."""

from __future__ import annotations

from typing import Any

import faust
from yarl import URL

from connectors.kafka import KafkaSettings
from schemas.topics import Cleanup, Topic
from streams.engine.fenced import FencedWriter
from streams.engine.recovery import ExactTableManager
from streams.engine.sender import Sender
from streams.engine.table import StepTable
from streams.engine.transport import Transport


def new_app(name: str, kafka: KafkaSettings, *, data_dir: str, **overrides: Any) -> faust.App:
    """Make an app whose consumer, producer and tables are those of this folder.

    Args:
        name: the consumer group and the prefix of its changelogs; never change it lightly.
        kafka: where Kafka is.
        data_dir: a folder for Faust's own files; nothing of ours is in it.
        overrides: Faust settings for tests and benches, such as shorter time-outs.
    """
    url = [URL(f"kafka://{server}") for server in kafka.bootstrap_servers.split(",")]
    settings: dict[str, Any] = {
        "broker": url,
        "broker_credentials": _credentials(kafka),
        "datadir": data_dir,
        "topic_partitions": kafka.partitions,
        "topic_replication_factor": kafka.replication,
        "topic_disable_leader": True,
        "web_enabled": False,
        "broker_commit_interval": 1.0,
        "broker_max_poll_records": 10_000,
        "consumer_max_fetch_size": 4 * 1024 * 1024,
        "broker_session_timeout": 10.0,
        "broker_heartbeat_interval": 3.0,
        "broker_rebalance_timeout": 30.0,
        "broker_request_timeout": 30.0,
        "consumer_auto_offset_reset": "earliest",
        "producer_linger": 0.0,  # the sender makes the batches
        "producer_max_batch_size": 512 * 1024,
        "producer_request_timeout": 30.0,
        "stream_wait_empty": False,
        "stream_recovery_delay": 0.0,
        "table_standby_replicas": 0,
        "TableManager": ExactTableManager,
        "Table": StepTable,
    }
    app = faust.App(name, **(settings | overrides))
    app.kafka_settings = kafka  # recovery reads the changelogs with a consumer of its own
    app.sender = Sender(app)
    app.transport = Transport(url, app)
    app.producer_transport = Transport(url, app)
    return app


def _credentials(kafka: KafkaSettings) -> faust.SSLCredentials | faust.SASLCredentials | None:
    options = kafka.client_options()
    context = options.get("ssl_context")
    if "SASL" in kafka.security_protocol:
        return faust.SASLCredentials(
            mechanism=kafka.sasl_mechanism,
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context=context)


def new_table(
    app: faust.App,
    name: str,
    *,
    step: Any,
    changelog: str | None = None,
    partitions: int,
    told_once: bool = False,
) -> StepTable:
    """Make the table of a step's state.

    Args:
        app: the app.
        name: of the table.
        step: holds the state.
        changelog: the topic that is its changelog; by default one of its own.
        partitions: as many as its source topics have.
        told_once: its changelog is public, and a worker that has been replaced must not write it.
    """
    writer = FencedWriter(app.kafka_settings, f"{app.conf.id}-{name}") if told_once else None
    topic = app.topic(
        changelog or changelog_name(app.conf.id, name),
        key_type=bytes,
        value_type=bytes,
        partitions=partitions,
        compacting=True,
        acks=False,
        internal=False,  # the catalogue creates it
        maxsize=131_072,
        allow_empty=True,
    )
    table: StepTable = app.Table(
        name, step=step, writer=writer, partitions=partitions, changelog_topic=topic
    )
    return table


def changelog_name(group: str, table: str) -> str:
    """Name the changelog of a table."""
    return f"{group}-{table}-changelog"


def changelog(group: str, table: str) -> Topic:
    """Describe the changelog of a table, to be created like every topic of the catalogue."""
    return Topic(
        changelog_name(group, table),
        f"internal: the state of table {table}",
        key="internal",
        cleanup=Cleanup.COMPACT,
    )
