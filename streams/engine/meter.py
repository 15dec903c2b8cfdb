"""What a stage tells of its work: counted once a batch, so that it costs a record nothing."""

from __future__ import annotations

from collections import Counter
from operator import itemgetter

from connectors import telemetry
from schemas import topics
from schemas.dead_letter import read_dead_letter
from streams.core.step import Batch, Effects, Output

_topic_of = itemgetter(Output._fields.index("topic"))


class Meter:
    """The counters of one stage.

    Args:
        stage: its name.
    """

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._fold_seconds = telemetry.FOLD_SECONDS.labels(stage)

    def count(self, batch: Batch, effects: Effects, fold_seconds: float) -> None:
        """Count a batch that is acknowledged, and what it came to."""
        self._fold_seconds.observe(fold_seconds)
        telemetry.BATCHES.labels(self._stage, batch.topic).inc()
        telemetry.RECORDS.labels(self._stage, batch.topic).inc(len(batch.records))
        if effects.late:
            telemetry.LATE_CALLS.inc(effects.late)
        written = Counter(map(_topic_of, effects.outputs))
        for topic, messages in written.items():
            telemetry.MESSAGES.labels(self._stage, topic).inc(messages)
        if calls := written[topics.CALLS.name]:
            _, vendor, _ = batch.topic.split(".", 2)  # raw.<vendor>.<feed>
            telemetry.CALLS.labels(vendor).inc(calls)
        if written[topics.DEAD_LETTERS.name]:
            _count_letters(effects)


def _count_letters(effects: Effects) -> None:
    for output in effects.outputs:
        if output.topic == topics.DEAD_LETTERS.name:
            letter = read_dead_letter(output.headers, output.value)
            telemetry.DEAD_LETTERS.labels(letter.stage, letter.code).inc()
