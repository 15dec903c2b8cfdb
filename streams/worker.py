"""One worker: a topology that runs until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from connectors.kafka import KafkaSettings
from streams.agents.tell import Teller
from streams.core.alerting import Watch
from streams.core.rules import Rule, RuleSet
from streams.rulefile import RuleFile, check_windows
from streams.settings import StreamsSettings
from streams.topology import build

log = logging.getLogger("callstreams")

_POLL_SECONDS = 2.0
"""How often the file of rules is looked at."""


async def run_worker(
    settings: StreamsSettings,
    kafka: KafkaSettings,
    *,
    zones: Mapping[tuple[str, str], ZoneInfo],
    rules: tuple[Rule, ...],
    data_dir: str,
    stop: asyncio.Event,
) -> None:
    """Run one worker until `stop` is set; its partitions then go to the others.

    Args:
        settings: how to count.
        kafka: where Kafka is; its topics exist.
        zones: the time zone of each account, by vendor and name.
        rules: the rules at the start; a file of rules is followed as it changes.
        data_dir: a folder for Faust's own files.
        stop: set it to end.
    """
    check_windows(rules, settings)
    topology = build(settings, kafka, zones=zones, rules=rules, data_dir=data_dir)
    await topology.app.start()
    log.info("worker of group %s is up, with %d rules", settings.group, len(rules))
    try:
        await _follow(RuleFile(settings, RuleSet(rules)), topology.teller, stop)
    finally:
        await topology.app.stop()


async def _follow(file: RuleFile, teller: Teller, stop: asyncio.Event) -> None:
    """Let the teller have the rules as the file has them, until `stop` is set."""
    while not stop.is_set():
        rules = await asyncio.to_thread(file.poll)
        if rules is not None:
            # Open alerts keep their state: it belongs to the fingerprint and not to the rules.
            teller.watch = Watch(rules)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _POLL_SECONDS)
