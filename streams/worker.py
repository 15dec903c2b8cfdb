"""One worker: a topology that runs until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from connectors.kafka import KafkaSettings
from streams.core.rules import Rule
from streams.settings import StreamsSettings
from streams.topology import build

log = logging.getLogger("callstreams")


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
        rules: the rules in force.
        data_dir: a folder for Faust's own files.
        stop: set it to end.
    """
    topology = build(settings, kafka, zones=zones, rules=rules, data_dir=data_dir)
    await topology.app.start()
    log.info("worker of group %s is up, with %d rules", settings.group, len(rules))
    try:
        await stop.wait()
    finally:
        await topology.app.stop()
