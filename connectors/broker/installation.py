"""What a broker is run with: a Java, and Kafka's jars."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from connectors.broker import artifacts
from connectors.broker.artifacts import Progress
from connectors.broker.java import find_java

# A development broker: the start matters more than the throughput after an hour.
_JVM = ("-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class Installation:
    """A Java, and Kafka's jars."""

    java: Path
    jars: tuple[Path, ...]

    def command(self, main: str, *arguments: str | Path, log4j: Path) -> list[str]:
        """Write the command line that runs one of Kafka's classes."""
        classpath = ":".join(map(str, self.jars))
        logging = f"-Dlog4j2.configurationFile={log4j}"
        return [str(self.java), *_JVM, logging, "-cp", classpath, main, *map(str, arguments)]


def install(progress: Progress = artifacts.silent) -> Installation:
    """Find Java, and fetch Kafka where it is not here yet.

    Raises:
        CallstreamsError: one of the two cannot be had; the text names the mend.
    """
    java = find_java()
    jars = artifacts.fetch(artifacts.packaged_lock(), artifacts.cache_folder(), progress=progress)
    return Installation(java, tuple(jars))
