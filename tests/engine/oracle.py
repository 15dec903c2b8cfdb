"""Compare what was told with what SQL counts from the raw topics."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from connectors.kafka import KafkaSettings, new_consumer
from schemas import topics

_SQL = Path(__file__).with_name("oracle.sql").read_text(encoding="utf-8")
_CALLS = ("attempts", "answered", "connected", "abandoned", "talk_seconds")


@dataclass
class Told:
    """Everything on the topics, read to its end again and again."""

    kafka: KafkaSettings
    raw: list = field(default_factory=list)
    metrics: dict = field(default_factory=dict)
    alerts: list = field(default_factory=list)
    dead: set = field(default_factory=set)
    _consumer: object = None

    async def __aenter__(self):
        self._consumer = new_consumer(
            self.kafka,
            *(topic.name for topic in topics.RAW),
            topics.ANSWER_RATE.name,
            topics.MISSED_CALL_COUNTS.name,
            topics.ALERTS.name,
            topics.DEAD_LETTERS.name,
        )
        await self._consumer.start()
        return self

    async def __aexit__(self, *_):
        await self._consumer.stop()

    async def read(self):
        """Take in what is new."""
        fetched = await self._consumer.getmany(timeout_ms=300)
        for tp, messages in fetched.items():
            for message in messages:
                self._take(tp.topic, message)

    def _take(self, topic, message):
        if topic.startswith("raw."):
            self.raw.append((topic, dict(message.headers).get("ce_form"), message.value))
        elif topic.startswith("metrics."):
            metric = json.loads(message.value)
            known = self.metrics.get((topic, message.key))
            new = (metric["window"]["end"], metric["revision"])
            if known is None or (known["window"]["end"], known["revision"]) <= new:
                self.metrics[topic, message.key] = metric
        elif topic == topics.ALERTS.name:
            self.alerts.append(json.loads(message.value))
        else:
            self.dead.add(message.key)

    def differences(self, poison):
        """Give every metric that is not what SQL says, and every scope that was not told."""
        base = duckdb.connect()
        base.execute("create table raw(topic text, form text, value json)")
        rows = [
            (topic, (form or b"").decode(), value.decode())
            for topic, form, value in self.raw
            if not value.endswith(b":")
        ]
        base.executemany("insert into raw values (?, ?, ?)", rows)
        base.execute(
            "create table metric(topic text, scope text, name text, start bigint, finish bigint)"
        )
        told = [
            (topic, m["scope"], m["window"]["name"], _epoch(m, "start"), _epoch(m, "end"))
            for (topic, _), m in self.metrics.items()
        ]
        if told:
            base.executemany("insert into metric values (?, ?, ?, ?, ?)", told)
        base.execute(_SQL)
        off = [*self._calls(base), *self._missed(base), *self._tallies(base)]
        if len(self.dead) != poison:
            off.append(("dead letters", len(self.dead), poison))
        return off

    def _calls(self, base):
        right = {
            (scope, name, start): counts
            for scope, name, start, *counts in base.execute("select * from expected").fetchall()
        }
        told_days = {}
        for (topic, _), metric in self.metrics.items():
            if topic != topics.ANSWER_RATE.name or not metric["scope"].startswith("calls:"):
                continue
            key = (metric["scope"], metric["window"]["name"], _epoch(metric, "start"))
            counted = [metric.get(name, 0) for name in _CALLS]
            if counted != right[key]:
                yield key, counted, right[key]
            if metric["window"]["name"].startswith("day"):
                day = told_days.setdefault(metric["scope"], [0] * 5)
                told_days[metric["scope"]] = [a + b for a, b in zip(day, counted, strict=True)]
        whole = base.execute(
            "select scope, count(*), count(*) filter (result > 0), count(*) filter (result = 2),"
            " count(*) filter (result = 1), sum(talk) from scoped group by 1"
        ).fetchall()
        for scope, *counts in whole:
            if told_days.get(scope) != counts:
                yield (scope, "all days"), told_days.get(scope), counts

    def _missed(self, base):
        for queue, count, wait in base.execute(
            "select queue, count(*), sum(wait) from missed group by 1"
        ).fetchall():
            told = [
                (metric["missed"], metric["wait_seconds"])
                for (topic, _), metric in self.metrics.items()
                if topic == topics.MISSED_CALL_COUNTS.name
                and metric["scope"] == f"calls:huawei/main/queue/{queue}"
                and metric["window"]["name"].startswith("day")
            ]
            if (sum(m for m, _ in told), sum(w for _, w in told)) != (count, wait):
                yield ("queue", queue), told, (count, wait)

    def _tallies(self, base):
        for number, attempts, answered in base.execute("select * from reading").fetchall():
            told = [
                (metric["attempts"], metric["answered"])
                for (topic, _), metric in self.metrics.items()
                if metric["scope"] == f"tallies:7moor/main/display_number/{number}"
                and metric["window"]["name"].startswith("day")
            ]
            if (sum(a for a, _ in told), sum(b for _, b in told)) != (attempts, answered):
                yield ("7moor", number), told, (attempts, answered)

    def repeated_transitions(self):
        """Give the ids of alert transitions that stand on the topic more than once."""
        seen, again = {}, []
        for alert in self.alerts:
            name = (alert["fingerprint"], alert["starts_at"], alert["state"])
            content = {k: v for k, v in alert.items() if k != "clear_since"}
            if name in seen and seen[name] == content and "clear_since" not in alert:
                again.append(name)
            seen[name] = content
        return again


def _epoch(metric, edge):
    return int(datetime.fromisoformat(metric["window"][edge]).timestamp())
