"""What the parts share: the broker, the plan, the interpreters, a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from benchmarks.engine.children import Contender
from benchmarks.engine.contenders.meter import Job
from benchmarks.engine.plan import Plan
from connectors.kafka import KafkaSettings

PATIENCE = 300.0


@dataclass
class Bench:
    """One run of the bench.

    Attributes:
        kafka: the broker.
        plan: how much.
        folder: for logs and state.
        peers: the interpreter of the peers' environment.
        step: tells what is going on.
    """

    kafka: KafkaSettings
    plan: Plan
    folder: Path
    peers: str
    step: Callable[[str], None] = print
    _runs: count[int] = field(default_factory=lambda: count(1))

    def name(self, what: str) -> str:
        """Give a name that nothing else in this run has."""
        return f"bench-{what}-{next(self._runs)}"

    def callstreams(self, run: str, topic: str, calls: int, **streams: object) -> Contender:
        """Give a worker of callstreams; `streams` are settings that differ from the default."""
        return self.contender("callstreams_worker", run, topic, calls, streams=streams)

    def contender(
        self, module: str, run: str, topic: str, calls: int, **options: object
    ) -> Contender:
        """Give a contender of this environment, or of the peers'."""
        python = (
            self.peers if module in ("quix", "quix_grouped", "bytewax_flow") else sys.executable
        )
        folder = self.folder / run
        job = Job(self.kafka.bootstrap_servers, topic, calls, run, str(folder), dict(options))
        return Contender(python, module, job)
