"""A desk on a fake clock, over a Kafka topic that is a dictionary."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.hooks.pipeline.desk import Desk, Outcome
from connectors.hooks.pipeline.muting import Muting
from connectors.hooks.pipeline.routing import grouping_of
from connectors.hooks.settings import HooksSettings
from schemas.notice import Notice
from tests.hooks.alerts import alert

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
URL = "https://example.org/hook"


def seconds(number):
    return timedelta(seconds=number)


def settings(receiver=None, inhibit=(), **route):
    receiver = {"name": "one", "url": URL, "format": "alertmanager"} | (receiver or {})
    receiver = {key: value for key, value in receiver.items() if value is not None}
    routes = [{"receivers": "one", **route}] if route else []
    return HooksSettings.model_validate(
        {"receivers": [receiver], "routes": routes, "inhibit": inhibit}
    )


class Bench:
    """Puts alerts in, lets time pass, and keeps what was sent.

    Attributes:
        kept: what would stand on the topic: notices by key, in order.
        sent: the notifications that were delivered.
    """

    def __init__(self, configured=None) -> None:
        self.settings = configured or settings()
        self.now = T0
        self.kept: dict[bytes, Notice] = {}
        self.sent = []
        self.muting = Muting(self.settings.inhibit)
        self.restart()

    def restart(self):
        receiver = self.settings.receivers[0]
        self.desk = Desk(
            "one",
            lambda each: grouping_of(each, "one", self.settings),
            rate=receiver.budget,
            batches=receiver.batches,
            opened_at=self.now,
        )
        for notice in self.kept.values():
            self.desk.put(notice)

    def replay(self, name, state="firing"):
        self.put(self.made(name, state), replayed_at=self.now)

    def put(self, *alerts, replayed_at=None):
        for each in alerts:
            self.muting.know_alert(each.fingerprint, each)
            notice = Notice(
                group="g", receiver="one", alert=each, partition=0, offset=0, received_at=self.now,
                replayed_at=replayed_at,
            )  # fmt: skip
            held = self.desk.put(notice)
            if held is not None:
                self.kept[held.key] = held

    def fire(self, *names, at=0, **labels):
        self.put(*(self.made(name, "firing", at, labels) for name in names))

    def resolve(self, *names, at=0, **labels):
        self.put(*(self.made(name, "resolved", at, labels) for name in names))

    def made(self, name, state, at=0, labels=None):
        started = T0 + seconds(at)
        return alert(
            name,
            state,
            starts_at=started,
            ends_at=started + seconds(1) if state == "resolved" else None,
            labels={"alertname": "low", "value": name, **(labels or {})},
        )

    def start(self, limit=1000):
        tasks, changes = self.desk.due(
            self.now, lambda each: self.muting.mutes(each.labels, self.now), limit
        )
        self.write(changes)
        for task in tasks:
            self.write(self.desk.attempt(task, self.now))
        return tasks

    def finish(self, task, outcome=Outcome.DELIVERED):
        if outcome is Outcome.DELIVERED:
            self.sent.append(task.notification)
        self.write(self.desk.done(task, outcome, self.now))

    def write(self, changes):
        for each in changes.kept:
            self.kept.pop(each.key, None)
            self.kept[each.key] = each
        for each in changes.gone:
            self.kept.pop(each.key, None)

    def run(self, wait=0, outcome=Outcome.DELIVERED):
        """Let time pass, send all that is due, and give what was sent, by ids."""
        self.now += seconds(wait)
        before = len(self.sent)
        while tasks := self.start():
            for task in tasks:
                self.finish(task, outcome)
        return [news(each) for each in self.sent[before:]]


def news(notification):
    return [short(each) for each in notification.news]


def still(notification):
    return [short(each) for each in notification.still]


def short(each):
    return f"{each.fingerprint}{'+' if each.state == 'firing' else '-'}"
