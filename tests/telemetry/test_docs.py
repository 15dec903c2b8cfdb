"""docs/monitoring.md tells every metric with its labels, and no other."""

import re

from prometheus_client.metrics import MetricWrapperBase

from connectors import telemetry
from connectors.health import PORTS
from tests.docs.pages import ROOT, code, read, tables

PAGE = ROOT / "docs" / "monitoring.md"


def _told():
    told, before = {}, ()
    for rows in tables(PAGE).values():
        for name, labels, meaning in (row for row in rows if len(row) == 3):
            before = before if labels == "the same" else tuple(re.findall(r"`(\w+)`", labels))
            assert meaning
            told[code(name)] = before
    return told


def _counted():
    counted = {}
    for each in vars(telemetry).values():
        if isinstance(each, MetricWrapperBase):
            (family,) = each.describe()
            suffix = "_total" if family.type == "counter" else ""
            counted[family.name + suffix] = each._labelnames
        elif isinstance(each, telemetry.Sampled):
            counted[each._name] = tuple(each._labels)
    return counted


def test_each_metric_is_told_with_its_labels():
    assert _told() == _counted()


def test_each_port_is_told():
    text = read(PAGE) + read(ROOT / "docs" / "configuration.md")
    for service, port in PORTS.items():
        assert f"`{service}` at {port}" in text
        assert f"`{service}` {port}" in text
