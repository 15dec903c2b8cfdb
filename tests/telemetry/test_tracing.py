"""From a push to the alert's webhook: one trace, carried always, and exported where asked for."""

import json
import time

import httpx
import pytest

from connectors import tracing
from connectors.tracing import HEADER
from tests.telemetry.collector import Collector
from tests.telemetry.house import House, call
from tests.telemetry.scrape import until

OURS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SERVICES = ("ingress", "worker", "hooks")


def push(house, number, traceparent=None, **of):
    headers = {} if traceparent is None else {HEADER: traceparent}
    body = call(number, time.time(), **of)
    return httpx.post(house.ingress, content=body, headers=headers, trust_env=False)


def up(house):
    house.start(*SERVICES)
    for name in SERVICES:
        until(lambda name=name: house.is_ready(name))


def webhook(house):
    """Wait for the alert, and give the trace id of the request that brought it."""
    headers, body = until(lambda: next(iter(house.delivered), None))
    assert body["alerts"][0]["labels"]["alertname"] == "low"
    found = tracing.read({name.lower(): text for name, text in headers.items()}[HEADER])
    return found.split("-")[1]


@pytest.fixture(scope="module")
def traced(fresh_kafka, tmp_path_factory):
    """Six pushes and an alert, with a collector: the spans, and the webhook's trace."""
    with Collector() as collector:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
        with House(
            fresh_kafka.bootstrap_servers, tmp_path_factory.mktemp("a"), **environment
        ) as house:
            up(house)
            for number in range(6):
                assert push(house, number, OURS if number == 5 else None).status_code == 200
            told = webhook(house)
        yield collector, told  # the house has ended: all spans were sent


def test_a_push_and_the_webhook_of_its_alert_are_one_trace(traced):
    collector, told = traced
    pushes = {each.trace_id for each in collector.spans("push", "callstreams-ingress")}
    assert len(pushes) == 6
    assert OURS.split("-")[1] in pushes  # who pushes may begin the trace
    assert told in pushes
    (alert,) = [
        each for each in collector.spans("alert", "callstreams-worker") if each.trace_id == told
    ]
    (delivery,) = [
        each for each in collector.spans("deliver", "callstreams-hooks") if each.trace_id == told
    ]
    assert delivery.parent_id == alert.span_id
    assert alert.parent_id in {each.span_id for each in collector.spans("push")}
    assert alert.attributes["callstreams.alert.rule"] == "low"


def test_batches_are_spans_that_are_linked_to_their_records_traces(traced):
    collector, _ = traced
    pushes = {each.trace_id for each in collector.spans("push")}
    for name in ("normalise raw.icsoc.cdr", "count-calls calls"):
        spans = collector.spans(name, "callstreams-worker")
        assert set().union(*(each.links for each in spans)) == pushes
        assert sum(each.attributes["messaging.batch.message_count"] for each in spans) == 6
    sums = collector.spans("sum callstreams.partials")
    assert set().union(*(each.links for each in sums)) <= pushes
    assert not any(each.failed for each in collector.spans())


def test_the_trace_is_carried_where_nothing_is_exported(fresh_kafka, tmp_path):
    with House(fresh_kafka.bootstrap_servers, tmp_path, CALLSTREAMS_LOG_FORMAT="json") as house:
        up(house)
        for number in range(10, 17):
            pushed = push(house, number, OURS, display_number="075512345679")
            assert pushed.status_code == 200
        assert webhook(house) == OURS.split("-")[1]


def test_the_log_says_which_trace_a_line_belongs_to(fresh_kafka, tmp_path):
    with House(fresh_kafka.bootstrap_servers, tmp_path, CALLSTREAMS_LOG_FORMAT="json") as house:
        house.start("ingress")
        until(lambda: house.is_ready("ingress"))
        httpx.post(house.ingress, content=b"x", headers={HEADER: OURS}, trust_env=False)
        lines = [json.loads(line) for line in house.log("ingress").splitlines()]
    (refused,) = [each for each in lines if "was answered 400" in each["message"]]
    assert refused["trace_id"] == OURS.split("-")[1]
    assert "trace_id" not in lines[0]
