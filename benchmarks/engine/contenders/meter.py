"""What every contender measures of itself, alike; the standard library alone.

Events are lines of JSON on stdout, each with `event` and `at` (the machine's monotonic clock, s):
`ready` partitions are served; `first` the first calls are seen; `at` how far it is; `done` all
calls of the job are counted and what follows from them is written.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """What to do.

    Attributes:
        servers: Kafka's bootstrap servers.
        topic: holds the calls.
        calls: how many records to take from it.
        run: a name of this run alone, for groups and topics.
        folder: for files of this run.
        options: what else this contender knows.
    """

    servers: str
    topic: str
    calls: int
    run: str
    folder: str
    options: dict[str, Any]


def read_job() -> Job:
    """Read the job from the command line."""
    return Job(**json.loads(sys.argv[1]))


def resident_bytes() -> int:
    """Give the memory that this process has resident."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


class Meter:
    """Takes the time between the first call and the last, and tells."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None

    def tell(self, event: str, **facts: object) -> None:
        """Write one event."""
        line = json.dumps({"event": event, "at": time.monotonic(), **facts})
        # Not through sys.stdout: Faust makes a log of that.
        os.write(1, line.encode() + b"\n")

    def first(self) -> None:
        """Begin, at the first call; later ones change nothing."""
        if self._first is None:
            self._first = (time.monotonic(), time.process_time())
            self.tell("first")

    def done(self, **facts: object) -> None:
        """End: tell the seconds, the CPU seconds of all threads, and the memory."""
        now, cpu = time.monotonic(), time.process_time()
        began, cpu_began = self._first or (now, cpu)
        self.tell(
            "done",
            seconds=now - began,
            cpu_seconds=cpu - cpu_began,
            cpu=cpu,
            rss=resident_bytes(),
            peak_rss=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            **facts,
        )
