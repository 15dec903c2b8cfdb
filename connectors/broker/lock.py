"""Write `artifacts.lock` anew: resolve Kafka, and note each jar's SHA-256."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from connectors.broker import maven
from connectors.broker.artifacts import Lock
from connectors.broker.maven import Coordinate

PATH = Path(__file__).with_name("artifacts.lock")
_LOG4J = "2.25.4"


def roots(kafka: str) -> list[Coordinate]:
    """Give what is asked for by name: Kafka, and the binding that writes its log."""
    return [
        Coordinate("org.apache.kafka", "kafka_2.13", kafka),
        Coordinate("org.apache.logging.log4j", "log4j-slf4j-impl", _LOG4J),
    ]


def make_lock(kafka: str) -> Lock:
    """Resolve one version of Kafka from an empty repository, and hash all its jars."""
    with tempfile.TemporaryDirectory(prefix="callstreams-lock-") as folder:
        jars = maven.resolve(roots(kafka), Path(folder), maven.mvn_command())
        return Lock({jar: hashlib.sha256(p.read_bytes()).hexdigest() for jar, p in jars.items()})
