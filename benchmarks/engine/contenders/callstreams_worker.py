"""callstreams as shipped: one worker's topology, from `calls` on."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from benchmarks.engine.contenders.apart import enter
from benchmarks.engine.contenders.meter import Job, Meter, read_job, resident_bytes
from connectors.kafka import KafkaSettings, create_topics

TABLES = ("calls", "tallies", "totals", "alerts")


class Watched:
    """Counts what goes through the folds; costs once a batch."""

    def __init__(self, topology: Any, partials: str, meter: Meter) -> None:  # noqa: ANN401
        self.seen = self.sent = self.received = self.batches = self.sums = 0
        count, total = topology.calls.fold, topology.totals.fold

        def count_fold(batch: Any) -> Any:  # noqa: ANN401
            meter.first()
            effects = count(batch)
            self.seen += len(batch.records)
            self.batches += 1
            self.sent += sum(output.topic == partials for output in effects.outputs)
            return effects

        def total_fold(batch: Any) -> Any:  # noqa: ANN401
            effects = total(batch)
            self.received += len(batch.records)
            self.sums += 1
            return effects

        topology.calls.fold, topology.totals.fold = count_fold, total_fold


async def run(job: Job) -> None:
    """Serve until killed; tell when the job's calls are counted, summed and told."""
    enter(job.run, job.topic)
    from schemas import topics
    from streams.core.rules import Rule
    from streams.settings import StreamsSettings
    from streams.topology import build, changelogs
    from streams.worker import spare_the_collector

    spare_the_collector()
    meter = Meter()
    rule = Rule.model_validate(
        {"name": "low", "metric": "answer_rate", "select": {"kind": "display_number"},
         "window": "15m", "below": 0.2, "min_attempts": 30}
    )  # fmt: skip
    settings = StreamsSettings(group=job.run, **job.options.get("streams", {}))
    kafka = KafkaSettings(bootstrap_servers=job.servers)
    topology = build(settings, kafka, zones={}, rules=(rule,), data_dir=job.folder)
    await create_topics(kafka, changelogs(settings))
    watched = Watched(topology, topics.PARTIALS.name, meter)
    await topology.app.start()
    await _report(job, topology, watched, meter)


async def _report(job: Job, topology: Any, watched: Watched, meter: Meter) -> None:  # noqa: ANN401
    tables = topology.app.tables
    last: tuple[object, ...] = ()
    done = False
    while True:
        await asyncio.sleep(0.02)
        held = min(len(tables[name].held) for name in TABLES)
        now = (held, watched.seen, watched.sent, watched.received)
        if now != last:
            if not last or held != last[0]:
                meter.tell("ready", held=held, rss=resident_bytes())
            meter.tell(
                "at",
                seen=watched.seen,
                sent=watched.sent,
                received=watched.received,
                cpu=time.process_time(),
            )
            last = now
        if not done and watched.seen >= job.calls > 0 and watched.received == watched.sent:
            done = True
            await topology.teller.tell(lambda: time.time_ns() // 1_000_000)
            meter.done(partials=watched.sent, batches=watched.batches, sums=watched.sums)


if __name__ == "__main__":
    asyncio.run(run(read_job()))
