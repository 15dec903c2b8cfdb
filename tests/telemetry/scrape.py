"""Metrics as Prometheus reads them: over HTTP, by its own parser."""

import time

import httpx
from prometheus_client.parser import text_string_to_metric_families

from connectors.telemetry import exposition


class Scrape:
    """The samples of one exposition."""

    def __init__(self, text):
        self.text = text
        self.families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def found(self, metric, **labels):
        """Give the values of a metric that has these labels, maybe among others."""
        return [
            sample.value
            for sample in self.samples
            if sample.name == metric and labels.items() <= sample.labels.items()
        ]

    def sum(self, metric, **labels):
        return sum(self.found(metric, **labels))


def now():
    """Read this process's own registry."""
    return Scrape(exposition()[0].decode())


def scrape(address):
    answer = httpx.get(f"{address}/metrics", trust_env=False)
    assert answer.status_code == 200
    return Scrape(answer.text)


def until(found, seconds=60):
    """Ask again and again, and give the first answer that is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError("it never came")
