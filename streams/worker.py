"""One worker: a topology that runs until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from connectors.health import Health
from connectors.kafka import KafkaSettings, create_topics
from schemas.errors import FatalError
from streams.agents.tell import Teller
from streams.core.rules import Rule, RuleSet
from streams.gauges import shown
from streams.rulefile import RuleFile, check_windows
from streams.settings import StreamsSettings
from streams.topology import build, changelogs

log = logging.getLogger("callstreams")

_COLLECT_AFTER = (100_000, 50, 1_000)
"""State is millions of plain values without cycles; with Python's own thresholds the collector
walks them for half of a busy worker's time, and finds nothing."""

_POLL_SECONDS = 2.0
"""How often the file of rules is looked at."""


def spare_the_collector() -> None:
    """Let Python look for cycles seldom: a worker's state is large and has none."""
    gc.set_threshold(*_COLLECT_AFTER)


async def run_worker(
    settings: StreamsSettings,
    kafka: KafkaSettings,
    *,
    zones: Mapping[tuple[str, str], ZoneInfo],
    rules: tuple[Rule, ...],
    data_dir: str,
    stop: asyncio.Event,
    health: Health | None = None,
    display_numbers: bool = False,
) -> None:
    """Run one worker until `stop` is set; its partitions then go to the others.

    Args:
        settings: how to count.
        kafka: where Kafka is; the topics of the catalogue exist.
        zones: the time zone of each account, by vendor and name.
        rules: the rules at the start; a file of rules is followed as it changes.
        data_dir: a folder for Faust's own files.
        stop: set it to end.
        health: is told when the worker can work.
        display_numbers: show Prometheus each display number's answer rate too.

    Raises:
        FatalError: it ended by itself.
    """
    spare_the_collector()
    check_windows(rules, settings)
    topology = build(
        settings,
        kafka,
        zones=zones,
        rules=rules,
        data_dir=data_dir,
        display_numbers=display_numbers,
    )
    await create_topics(kafka, changelogs(settings))
    await topology.app.start()
    log.info("worker of group %s is up, with %d rules", settings.group, len(rules))
    following = asyncio.create_task(
        _follow(RuleFile(settings, RuleSet(rules)), topology.teller, stop)
    )
    ended = asyncio.create_task(topology.app.wait_until_stopped())
    try:
        with shown(topology, health or Health("worker")):
            await asyncio.wait({following, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done() and not stop.is_set():
                raise FatalError(
                    f"the worker has crashed ({topology.app.crash_reason!r}); start it again"
                )
            await following
    finally:
        for task in (following, ended):
            task.cancel()
        await topology.app.stop()


async def _follow(file: RuleFile, teller: Teller, stop: asyncio.Event) -> None:
    """Let the teller have the rules as the file has them, until `stop` is set."""
    while not stop.is_set():
        rules = await asyncio.to_thread(file.poll)
        if rules is not None:
            # Open alerts keep their state: it belongs to the fingerprint and not to the rules.
            teller.follow(rules)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _POLL_SECONDS)
