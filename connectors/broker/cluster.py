"""Kafka brokers for a demo, a test, a developer: one, or several that replicate."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import uuid
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from connectors.broker.installation import Installation, install
from connectors.broker.node import Node
from connectors.broker.ports import free_ports, is_free
from connectors.broker.properties import Address
from connectors.kafka import KafkaSettings
from schemas.errors import ConfigError


class Cluster:
    """Kafka nodes, each broker and controller, on loopback.

    With three, every topic is on all of them, and is written while two live. The calls block for
    seconds: under asyncio use `async with`, and `asyncio.to_thread` for the rest.

    ```python
    async with Cluster() as cluster:
        await create_topics(cluster.settings, topics.ALL)
        await asyncio.to_thread(cluster.nodes[0].kill)
        await asyncio.to_thread(cluster.start)  # starts what does not run
    ```

    Args:
        size: how many nodes.
        port: of the first node, the others' follow it; None takes free ones.
        data: a folder that is kept; None makes one that goes at the end.
        installation: Java and Kafka; None finds and fetches them at the first start.
    """

    def __init__(
        self,
        size: int = 3,
        *,
        port: int | None = None,
        data: Path | None = None,
        installation: Installation | None = None,
    ) -> None:
        self.nodes: tuple[Node, ...] = ()
        self._size = size
        self._port = port
        self._data = data
        self._installation = installation
        self._temporary: Path | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Give `host:port` of all nodes, separated by commas; empty before the first start."""
        return ",".join(node.address.bootstrap for node in self.nodes)

    @property
    def settings(self) -> KafkaSettings:
        """Give the settings for clients."""
        return KafkaSettings(
            bootstrap_servers=self.bootstrap_servers, replication=min(3, self._size)
        )

    def start(self) -> None:
        """Start what does not run, and wait until all of it serves.

        Raises:
            CallstreamsError: it cannot be fetched or does not start; the text names the mend.
        """
        if not self.nodes:
            self.nodes = self._make_nodes()
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(Node.spawn, self.nodes))
        for node in self.nodes:
            node.wait_ready()

    def stop(self) -> None:
        """End all nodes in good order (SIGTERM, after 15 s SIGKILL); the data stays."""
        for node in self.nodes:
            node.terminate()
        for node in self.nodes:
            node.join()

    def kill(self) -> None:
        """End all nodes at once (SIGKILL), as a power cut does; the data stays."""
        for node in self.nodes:
            node.kill()

    def restart(self) -> None:
        """Stop what runs, and start all nodes on the same data and ports."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End all nodes, and remove their folder unless it was given."""
        if self._data is not None:
            self.stop()
            return
        self.kill()  # nobody will read the data again: no need for good order
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
        self.nodes, self._temporary = (), None

    def _make_nodes(self) -> tuple[Node, ...]:
        installation = self._installation or install()
        everyone = self._addresses()
        if self._data is None:
            folder = self._temporary = Path(tempfile.mkdtemp(prefix="callstreams-kafka-"))
        else:
            folder = self._data.absolute()
        cluster_id = _cluster_id(folder, self._size)
        return tuple(
            Node(installation, folder / f"node-{address.node_id}", address, everyone, cluster_id)
            for address in everyone
        )

    def _addresses(self) -> tuple[Address, ...]:
        ports = free_ports(2 * self._size)
        if self._port is not None:
            ports[: self._size] = range(self._port, self._port + self._size)
        for port in ports:
            if not is_free(port):
                raise ConfigError(f"port {port} is taken: end what holds it, or choose another")
        pairs = zip(ports[: self._size], ports[self._size :], strict=True)
        return tuple(Address(number, *pair) for number, pair in enumerate(pairs, start=1))

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        starting = asyncio.ensure_future(asyncio.to_thread(self.__enter__))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # a thread cannot be cancelled: let it come to its end, then undo what it did
            await asyncio.wait([starting])
            if starting.exception() is None:
                await asyncio.to_thread(self.close)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.close)


class Broker(Cluster):
    """One Kafka broker: a cluster of a single node.

    ```python
    async with Broker() as broker:
        await create_topics(broker.settings, topics.ALL)
    ```

    Args:
        port: None takes a free one.
        data: a folder that is kept; None makes one that goes at the end.
        installation: Java and Kafka; None finds and fetches them at the first start.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        data: Path | None = None,
        installation: Installation | None = None,
    ) -> None:
        super().__init__(1, port=port, data=data, installation=installation)


def _cluster_id(folder: Path, size: int) -> str:
    """Read which cluster the folder holds, or note a new one in it."""
    note = folder / "cluster"
    if not note.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        note.write_text(f"{fresh} {size}\n", encoding="utf-8")
    known, nodes = note.read_text(encoding="utf-8").split()
    if int(nodes) != size:
        raise ConfigError(
            f"{folder} holds the data of {nodes} node(s), not of {size}: "
            f"start {nodes}, or choose another folder"
        )
    return known
