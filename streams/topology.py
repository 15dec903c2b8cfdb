"""The picture of docs/architecture.md as code: which step reads which topic and writes which.

```
raw.* ──normalise──> calls ────count────┐
                 ├─> tallies ──count────┴─> callstreams.partials ──sum──> totals ──tell──> metrics.*
                 ├─> missed-calls                                                     └──> alerts
                 ├─> campaigns
                 └─> dead-letters
```
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import faust

from connectors.kafka import KafkaSettings
from connectors.vendors.listed import Mapper
from connectors.vendors.registry import MAPPERS
from schemas import topics
from schemas.errors import FatalError
from schemas.topics import Topic
from streams.agents.normalise import Normaliser
from streams.agents.pace import Pace
from streams.agents.tell import Teller
from streams.agents.told import Told
from streams.agents.traced import Traced, Traces
from streams.core.alerting import AlertBook
from streams.core.calls import CallCounter, Contribution
from streams.core.ledger import Store, in_memory
from streams.core.rules import Rule
from streams.core.step import Step
from streams.core.tallies import TallyCounter
from streams.core.totals import Totals
from streams.engine.app import changelog, new_app, new_table
from streams.engine.disk import on_disk
from streams.engine.liveness import Liveness
from streams.engine.stage import add_stage, die
from streams.engine.table import StepTable
from streams.settings import State, StreamsSettings
from streams.steps import new_baselines, new_steps

_ALIVE_SHARE = 0.8
_BEAT_SECONDS = 0.5
_TABLES = ("calls", "tallies", "totals", "baselines")


def changelogs(settings: StreamsSettings) -> tuple[Topic, ...]:
    """Give the changelog topics of a group of workers; they must exist before a worker starts."""
    return tuple(changelog(settings.group, table) for table in _TABLES)


@dataclass(frozen=True, slots=True)
class Topology:
    """A worker's parts, for whoever runs or inspects it."""

    app: faust.App
    calls: CallCounter
    tallies: TallyCounter
    totals: Totals
    alerts: AlertBook
    teller: Teller
    tables: tuple[StepTable, ...]
    liveness: Liveness

    def told_partitions(self) -> set[int]:
        """Give the partitions that this worker tells metrics and alerts of."""
        return self.teller.held()


def build(
    settings: StreamsSettings,
    kafka: KafkaSettings,
    *,
    zones: Mapping[tuple[str, str], ZoneInfo],
    rules: tuple[Rule, ...],
    data_dir: str,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    mappers: Mapping[str, Mapper] | None = None,
    display_numbers: bool = False,
    **overrides: object,
) -> Topology:
    """Wire the agents, tables and timers of one worker.

    Args:
        settings: how to count.
        kafka: where Kafka is, and how many partitions its topics have.
        zones: the time zone of each account, by vendor and name.
        rules: the rules in force.
        data_dir: a folder for Faust's own files.
        now_ms: the clock that idle windows follow (Unix ms).
        mappers: vendors' mappers by raw topic; all that are registered by default.
        display_numbers: show Prometheus each display number's answer rate too.
        overrides: Faust settings for tests and benches.
    """
    app = new_app(settings.group, kafka, data_dir=data_dir, **overrides)
    mappers = MAPPERS if mappers is None else mappers
    partitions = kafka.partitions
    steps = new_steps(
        settings, zones, partitions=partitions, rules=rules, store=_store(settings, data_dir)
    )
    calls, tallies, totals = steps
    alerts = AlertBook()
    liveness = Liveness(app.conf.broker_session_timeout * _ALIVE_SHARE)
    traces = Traces()

    def run(
        name: str,
        sources: list[str],
        step: Step,
        *,
        table: StepTable | None,
        seen: Traces | None = None,
    ) -> None:
        add_stage(app, name, sources, Traced(name, step, seen), table=table, liveness=liveness)

    run("normalise", list(mappers), Normaliser(mappers), table=None)
    calls_table = new_table(app, "calls", step=calls, partitions=partitions)
    run("count-calls", [topics.CALLS.name], calls, table=calls_table)
    tallies_table = new_table(app, "tallies", step=tallies, partitions=partitions)
    run("count-tallies", [topics.TALLIES.name], tallies, table=tallies_table)
    totals_table = new_table(app, "totals", step=totals, partitions=partitions)
    run("sum", [topics.PARTIALS.name], totals, table=totals_table, seen=traces)
    alerts_table = new_table(
        app,
        "alerts",
        step=alerts,
        partitions=partitions,
        changelog=topics.ALERTS.name,
        told_once=True,
    )
    baselines = new_baselines(settings, zones)
    baselines_table = new_table(app, "baselines", step=baselines, partitions=partitions)
    pace = Pace(settings.tell_share)
    teller = Teller(
        app,
        totals=totals,
        alerts=alerts,
        baselines=baselines,
        totals_table=totals_table,
        alerts_table=alerts_table,
        baselines_table=baselines_table,
        window_names=settings.windows,
        late_seconds=settings.late,
        keep_seconds=settings.keep,
        idle_ms=settings.idle_after * 1000,
        rules=rules,
        also_follow=steps.follow,
        told=Told(display_numbers=display_numbers),
        pace=pace,
        traces=traces,
    )

    @app.timer(_BEAT_SECONDS, name="beat")
    async def beat() -> None:
        _or_die(liveness.beat)

    @app.timer(settings.tell_every, name="tell")
    async def tell() -> None:
        _or_die(liveness.check)
        if not pace.is_due():
            return
        try:
            await teller.tell(now_ms)
            pace.rest()
        except Exception as error:  # noqa: BLE001 - what is not told must be told by a successor
            die(error)

    tables = (calls_table, tallies_table, totals_table, alerts_table, baselines_table)
    return Topology(app, calls, tallies, totals, alerts, teller, tables, liveness)


def _store(settings: StreamsSettings, data_dir: str) -> Store[Contribution]:
    if settings.state is State.MEMORY:
        return in_memory
    return on_disk(settings.state_dir or Path(data_dir))


def _or_die(check: Callable[[], None]) -> None:
    try:
        check()
    except FatalError as error:
        die(error)
