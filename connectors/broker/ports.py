"""Ports on loopback for brokers."""

from __future__ import annotations

import random
import socket

from connectors.broker.properties import HOST
from schemas.errors import ConfigError

# Below the range that the kernel takes ports of outgoing connections from (Linux 32768, macOS
# 49152): a client that reconnects to a killed broker could otherwise be given the broker's own
# port, connect to itself, and hold the port against the restart.
_RANGE = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Find different ports that nothing listens on.

    Raises:
        ConfigError: there are hardly any.
    """
    found: list[int] = []
    for port in random.sample(_RANGE, k=len(_RANGE)):
        if len(found) == count:
            return found
        if is_free(port):
            found.append(port)
    raise ConfigError(f"no free port between {_RANGE.start} and {_RANGE.stop}: end what holds them")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket() as probe:
        # as Java does: connections of an earlier broker that are still closing do not count
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
