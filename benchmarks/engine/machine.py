"""Where it was measured, and with what."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_OURS = ("faust-streaming", "mode-streaming", "aiokafka", "msgspec", "pydantic")
_PEERS = ("quixstreams", "bytewax", "confluent-kafka", "py-spy")


def describe(peers: Mapping[str, str], kafka: str) -> dict[str, object]:
    """Give processor, cores, memory, system, load and versions.

    Args:
        peers: versions in the peers' environment.
        kafka: the broker's version.
    """
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _OURS}
        | {name: peers[name] for name in _PEERS if name in peers}
        | {"Apache Kafka": kafka},
    }


def _first(path: str, field: str) -> str | None:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(field)), None)
