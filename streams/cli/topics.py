"""`callstreams topics`: the catalogue of topics, and whether a cluster agrees with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from connectors.kafka import (
    KafkaSettings,
    TopicState,
    alter_topic_configs,
    create_topics,
    describe_topics,
    topic_configs,
)
from schemas.topics import ALL, Topic
from streams.cli.console import Config, out, plain_errors
from streams.settings import load_settings

app = typer.Typer(no_args_is_help=True)

Servers = Annotated[
    str | None,
    typer.Option(
        "--bootstrap-servers",
        envvar="KAFKA_BOOTSTRAP_SERVERS",
        help="Where Kafka is: host:port, separated by commas.",
    ),
]
Partitions = Annotated[
    int | None, typer.Option(min=1, help="Of each topic that is read in parallel; all alike.")
]
Replication = Annotated[
    int | None, typer.Option(min=1, help="Copies of each message: 3 in production.")
]


@dataclass(frozen=True, slots=True)
class Difference:
    """One point in which the cluster differs from the catalogue.

    Attributes:
        alterable: `callstreams topics check --mend` can set it right.
    """

    topic: str
    what: str
    mend: str
    alterable: bool = False


def register(parent: typer.Typer) -> None:
    """Add `topics` to the command."""
    parent.add_typer(app, name="topics", help="List, create and check the Kafka topics.")


def differences(
    topic: Topic, state: TopicState | None, settings: KafkaSettings
) -> list[Difference]:
    """Compare a topic of the catalogue with what the cluster has (None: nothing)."""
    if state is None:
        return [Difference(topic.name, "is missing", "callstreams topics create")]
    found = []
    partitions = settings.partitions if topic.partitioned else 1
    if state.partitions != partitions:
        choice = f", or give --partitions {state.partitions}" if topic.partitioned else ""
        found.append(
            Difference(
                topic.name,
                f"has {state.partitions} partitions, not {partitions}",
                # more partitions later would part the messages of a key
                f"stop callstreams, delete the topic, callstreams topics create{choice}",
            )
        )
    if state.replication < settings.replication:
        found.append(
            Difference(
                topic.name,
                f"has {state.replication} copies, not {settings.replication}",
                f"kafka-reassign-partitions.sh, or check with --replication {state.replication}",
            )
        )
    for name, wanted in topic_configs(settings, topic).items():
        actual = state.configs.get(name)
        if actual != wanted:
            found.append(
                Difference(
                    topic.name,
                    f"has {name}={actual}, not {wanted}",
                    "callstreams topics check --mend",
                    alterable=True,
                )
            )
    return found


@app.command("list")
def list_topics() -> None:
    """List the topics of the catalogue: what is in them, by what key, for how long."""
    table = Table(Column("topic", no_wrap=True), "what is in it", "key", "kept", box=None)
    for topic in ALL:
        kept = "newest of each key" if topic.cleanup == "compact" else f"{topic.retention.days} d"
        table.add_row(topic.name, topic.purpose, topic.key, kept)
    out.print(table)


@app.command()
@plain_errors()
def create(
    config: Config = None,
    bootstrap_servers: Servers = None,
    partitions: Partitions = None,
    replication: Replication = None,
) -> None:
    """Create the topics that are missing; those that exist stay as they are."""
    settings = _kafka(config, bootstrap_servers, partitions, replication)
    created = asyncio.run(create_topics(settings, ALL))
    for name in created:
        out.print(f"created {name}")
    out.print(f"{len(created)} topics created, {len(ALL) - len(created)} were there.")


@app.command()
@plain_errors()
def check(
    config: Config = None,
    bootstrap_servers: Servers = None,
    partitions: Partitions = None,
    replication: Replication = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Set differing configurations as the catalogue has them.")
    ] = False,
) -> None:
    """Compare the cluster with the catalogue; ends with status 1 where they differ."""
    settings = _kafka(config, bootstrap_servers, partitions, replication)
    found = asyncio.run(_check(settings, mend=mend))
    if not found:
        out.print(f"All {len(ALL)} topics are as the catalogue has them.")
        return
    table = Table(Column("topic", no_wrap=True), "differs", "mend", box=None)
    for one in found:
        table.add_row(one.topic, one.what, one.mend)
    out.print(table)
    raise typer.Exit(1)


async def _check(settings: KafkaSettings, *, mend: bool) -> list[Difference]:
    states = await describe_topics(settings, [topic.name for topic in ALL])
    found = []
    for topic in ALL:
        state = states.get(topic.name)
        differing = differences(topic, state, settings)
        if mend and state is not None and any(one.alterable for one in differing):
            await alter_topic_configs(settings, state, topic)
            differing = [one for one in differing if not one.alterable]
        found += differing
    return found


def _kafka(
    config: Path | None, servers: str | None, partitions: int | None, replication: int | None
) -> KafkaSettings:
    """Take the configuration's Kafka, with what the command line says instead."""
    said = {
        "bootstrap_servers": servers,
        "partitions": partitions,
        "replication": replication,
    }
    return load_settings(config).kafka.model_copy(
        update={name: value for name, value in said.items() if value is not None}
    )
