"""A Kafka node's configuration, as values: KRaft, each node broker and controller, on loopback."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    """A node's number and its two ports on loopback: for clients, and for the quorum."""

    node_id: int
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        """Give `host:port` for clients."""
        return f"{HOST}:{self.port}"


def server_properties(me: Address, everyone: tuple[Address, ...], data: Path) -> dict[str, str]:
    """Give the `server.properties` of one node among `everyone` (itself included).

    Every topic is on three nodes where there are three, and is written while two of them live.
    """
    copies = str(min(3, len(everyone)))
    in_sync = "2" if len(everyone) >= 3 else "1"
    voters = ",".join(f"{a.node_id}@{HOST}:{a.controller_port}" for a in everyone)
    return {
        "process.roles": "broker,controller",
        "node.id": str(me.node_id),
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{me.bootstrap},CONTROLLER://{HOST}:{me.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{me.bootstrap}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data),
        # a topic comes from the catalogue, never from a mistyped name
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        # people wait for this broker: groups form at once, a dead node is seen within seconds
        "group.initial.rebalance.delay.ms": "0",
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "num.network.threads": "2",
        "num.io.threads": "4",
    }


def log4j_properties(log: Path) -> dict[str, str]:
    """Give Log4j's configuration: one file, at most 2 x 16 MiB."""
    return {
        "status": "error",
        "appender.file.type": "RollingFile",
        "appender.file.name": "file",
        "appender.file.fileName": str(log),
        "appender.file.filePattern": f"{log}.%i",
        "appender.file.layout.type": "PatternLayout",
        "appender.file.layout.pattern": "%d{ISO8601}{UTC}Z %-5p %c{1} %m%n",
        "appender.file.policies.type": "Policies",
        "appender.file.policies.size.type": "SizeBasedTriggeringPolicy",
        "appender.file.policies.size.size": "16MB",
        "appender.file.strategy.type": "DefaultRolloverStrategy",
        "appender.file.strategy.max": "1",
        "rootLogger.level": "info",
        "rootLogger.appenderRef.file.ref": "file",
    }


def render(properties: dict[str, str]) -> str:
    """Write a Java properties file; a backslash in a value (a path) is doubled."""
    return "".join(f"{key}={value}\n".replace("\\", "\\\\") for key, value in properties.items())
