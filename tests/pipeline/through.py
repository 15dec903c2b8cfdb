"""The whole path in memory: raw records in, metrics out, by the very steps that workers run."""

from zoneinfo import ZoneInfo

from connectors.vendors.registry import MAPPERS
from schemas import topics
from schemas.metric import AnswerRate, MissedCalls
from streams.agents.normalise import Normaliser
from streams.core.calls import CallCounter
from streams.core.metrics import WindowSpec, answer_rate, missed_calls
from streams.core.step import Batch
from streams.core.tallies import TallyCounter
from streams.core.totals import Totals
from tests.core.log import Rec

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Through:
    """What came of raw records: messages by topic, and metrics by scope and window."""

    def __init__(self, *records):
        self.messages = {}
        self._normalise(records)
        self._count()

    def _normalise(self, records):
        step = Normaliser(MAPPERS)
        for offset, record in enumerate(records):
            topic = topics.raw_topic(record.vendor, record.feed).name
            at = int(record.observed_at.timestamp() * 1000)
            one = Rec(offset, record.data, record.key, at, tuple(record.headers()))
            for output in step.fold(Batch(topic, 0, [one], offset)).outputs:
                self.messages.setdefault(output.topic, []).append(output)

    def _count(self):
        common = {
            "partials": topics.PARTIALS.name,
            "partitions": 1,
            "dead_letters": topics.DEAD_LETTERS.name,
            "pane_seconds": 10,
            "zone_of": lambda _vendor, _account: SHANGHAI,
            "late_seconds": 4 * 3600,
        }
        counters = {
            topics.CALLS.name: CallCounter(
                topic=topics.CALLS.name, copies_seconds=48 * 3600, **common
            ),
            topics.TALLIES.name: TallyCounter(topic=topics.TALLIES.name, **common),
        }
        self.totals = Totals(
            pane_seconds=10, window_sizes=(300,), late_seconds=4 * 3600, keep_seconds=5 * 3600
        )
        for topic, counter in counters.items():
            sent = self.messages.get(topic, [])
            log = [
                Rec(n, output.value, output.key, output.timestamp) for n, output in enumerate(sent)
            ]
            if log:
                effects = counter.fold(Batch(topic, 0, log, 0))
                partials = [
                    Rec(n, output.value, output.key) for n, output in enumerate(effects.outputs)
                ]
                self.totals.fold(Batch(topics.PARTIALS.name, 0, partials, 0))

    def scopes(self):
        return sorted(text for text, _ in self.totals.take_changed(0))

    def metric(self, scope):
        """The calendar day's answer rate, as it stands on the topic."""
        return AnswerRate.model_validate_json(answer_rate(*self._day(scope)))

    def missed(self, scope):
        """The calendar day's missed calls, as they stand on the topic."""
        return MissedCalls.model_validate_json(missed_calls(*self._day(scope)))

    def _day(self, scope):
        found = self.totals.scope(0, scope)
        (pane,) = found.days
        window = WindowSpec("day", pane.start, pane.end, found.day(pane), final=False)
        return scope, window, self.totals.clock_ms(0), found.revision
