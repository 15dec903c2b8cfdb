"""One Kafka node as a child process: spawned, waited for, ended, killed."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from connectors import kafka
from connectors.broker.installation import Installation
from connectors.broker.process import Child, tail
from connectors.broker.properties import (
    HOST,
    Address,
    log4j_properties,
    render,
    server_properties,
)
from schemas.errors import CallstreamsError, FatalError

_START_SECONDS = 60
_STOP_SECONDS = 15

T = TypeVar("T")


def in_own_loop(coroutine: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end from synchronous code, inside a running event loop or outside."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


class Node:
    """One process of a cluster. Use `Broker` or `Cluster`.

    Args:
        installation: Java and Kafka.
        folder: where the node keeps its data, configuration and log; made if missing.
        address: its number and ports.
        everyone: the addresses of all nodes of the cluster.
        cluster_id: given to a folder without data.
    """

    def __init__(
        self,
        installation: Installation,
        folder: Path,
        address: Address,
        everyone: tuple[Address, ...],
        cluster_id: str,
    ) -> None:
        self.address = address
        self.log = folder / "server.log"
        self._console = folder / "console.log"
        self._log4j = folder / "log4j2.properties"
        self._installation = installation
        self._folder = folder
        self._everyone = everyone
        self._cluster_id = cluster_id
        self._child: Child | None = None

    @property
    def running(self) -> bool:
        """Tell whether the process lives."""
        return self._child is not None and self._child.running

    @property
    def pid(self) -> int | None:
        """Give the id of the process that was started last."""
        return None if self._child is None else self._child.pid

    def spawn(self) -> None:
        """Start the process, on a formatted folder; does nothing where it runs.

        Raises:
            FatalError: the folder cannot be formatted.
        """
        if self.running:
            return
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        config = self._folder / "server.properties"
        config.write_text(render(server_properties(self.address, self._everyone, data)))
        self._log4j.write_text(render(log4j_properties(self.log)))
        if not (data / "meta.properties").exists():
            self._format(config)
        command = self._installation.command("kafka.Kafka", config, log4j=self._log4j)
        self._child = Child(command, self._console)

    def wait_ready(self) -> None:
        """Wait until the node serves clients.

        Raises:
            FatalError: it ended, or does not serve within a minute.
        """
        deadline = time.monotonic() + _START_SECONDS
        while not self._serves():
            if not self.running:
                raise FatalError(f"Kafka ended while it started; {self.evidence()}")
            if time.monotonic() > deadline:
                self.kill()
                raise FatalError(f"Kafka does not serve after a minute; {self.evidence()}")
            time.sleep(0.05)

    def terminate(self) -> None:
        """Ask the process to end, if it lives."""
        if self._child is not None and self._child.running:
            self._child.terminate()

    def join(self) -> None:
        """Wait until the process has ended; kill it where it takes too long."""
        if self._child is not None:
            self._child.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """End the process at once (SIGKILL)."""
        if self._child is not None:
            self._child.kill()

    def evidence(self) -> str:
        """Give the end of the log, for an error."""
        return f"its log {self.log} ends:\n{tail(self.log) or tail(self._console)}"

    def _format(self, config: Path) -> None:
        # An id may begin with "-", which only this spelling does not take for an option.
        cluster_id = f"--cluster-id={self._cluster_id}"
        arguments = ("format", "--ignore-formatted", cluster_id, "-c", config)
        command = self._installation.command(
            "kafka.tools.StorageTool", *arguments, log4j=self._log4j
        )
        child = Child(command, self._console)
        child.wait(_START_SECONDS)
        if child.returncode == 0:
            return
        raise FatalError(
            f"the folder {self._folder} could not be formatted "
            f"(status {child.returncode}):\n{tail(self._console)}\n{tail(self.log)}"
        )

    def _serves(self) -> bool:
        # a plain connection first: aiokafka logs an error each time that nobody listens
        if not _listens(self.address.port):
            return False
        settings = kafka.KafkaSettings(bootstrap_servers=self.address.bootstrap)
        try:
            return self.address.node_id in in_own_loop(kafka.live_brokers(settings))
        except CallstreamsError:
            return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
