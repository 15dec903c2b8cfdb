"""What happens is told: real processes, real Kafka, over HTTP."""

import re
import socket
import time
from urllib.parse import urlsplit

import pytest

from connectors.broker.ports import free_ports
from tests.telemetry.house import CUSTOMER, NUMBER, House
from tests.telemetry.scrape import scrape, until

SERVICES = ("poll", "ingress", "worker", "hooks", "board")


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_says_that_it_is_ready(metric, service):
    assert metric(service, "callstreams_ready", service=service) == 1


def test_pushes_are_counted_by_what_they_were_answered(metric):
    name = "callstreams_ingress_request_duration_seconds_count"
    assert metric("ingress", name, status="200") == 21
    assert metric("ingress", name, status="400") == 1


def test_records_are_counted_by_stage_and_topic(metric, house):
    name = "callstreams_records_total"
    until(lambda: metric("worker", name, stage="normalise", topic="raw.icsoc.cdr") == 21)
    until(lambda: metric("worker", name, stage="count-calls", topic="calls") == 20)
    assert metric("worker", "callstreams_calls_total", vendor="icsoc") == 20
    written = scrape(house.address("worker"))
    assert written.sum("callstreams_messages_total", stage="normalise", topic="calls") == 20
    assert metric("worker", name, stage="sum", topic="callstreams.partials") > 0
    assert metric("worker", "callstreams_batches_total", stage="normalise") <= 21
    assert metric("worker", "callstreams_fold_duration_seconds_count", stage="sum") > 0


def test_a_record_that_cannot_be_used_is_counted_by_stage_and_code(metric):
    labels = {"stage": "normalise", "code": "unknown-callresult"}
    assert metric("worker", "callstreams_dead_letters_total", **labels) == 1


def test_the_worker_tells_of_its_partitions_and_its_recovery(metric):
    assert metric("worker", "callstreams_partitions_held", table="totals") == 4
    assert metric("worker", "callstreams_recovery_duration_seconds_count") >= 1


def test_nothing_waits_once_everything_is_counted(metric, house):
    metric("worker", "callstreams_window_attempts", kind="vendor")

    def lags():
        worker = scrape(house.address("worker"))
        found = worker.found("callstreams_consumer_lag_records")
        raw = worker.found("callstreams_consumer_lag_records", topic="raw.icsoc.cdr")
        return len(raw) == 4 and not any(found)

    until(lags)


def test_windows_keep_up_with_the_clock(house):
    delays = scrape(house.address("worker")).found("callstreams_watermark_delay_seconds")
    assert len(delays) == 4
    assert all(0 <= delay < 60 for delay in delays)


def test_answer_rates_are_told_of_vendors_accounts_and_campaigns_alone(metric, house):
    labels = {"basis": "calls", "vendor": "icsoc", "window": "day"}
    until(lambda: metric("worker", "callstreams_window_attempts", kind="vendor", **labels) == 20)
    worker = scrape(house.address("worker"))
    assert worker.found("callstreams_answer_ratio", kind="vendor", account="", **labels) == [0]
    assert worker.found("callstreams_answer_ratio", kind="account", account="main", **labels)
    assert worker.found(
        "callstreams_answer_ratio", kind="campaign", account="main", value="10195/7", **labels
    ) == [0]
    kinds = {
        sample.labels["kind"]
        for sample in worker.samples
        if sample.name == "callstreams_window_attempts"
    }
    assert kinds == {"vendor", "account", "campaign"}
    (newest,) = worker.found("callstreams_last_event_timestamp_seconds", vendor="icsoc")
    assert abs(time.time() - newest) < 600


def test_an_alert_is_counted_open_and_delivered(metric, house):
    about = {"rule": "low", "severity": "warning", "state": "firing"}
    assert metric("worker", "callstreams_alert_transitions_total", **about) == 1
    wall = {"receiver": "wall"}
    name = "callstreams_hook_delivery_duration_seconds_count"
    assert metric("hooks", name, outcome="delivered", **wall) >= 1
    assert metric("hooks", "callstreams_hook_attempt_duration_seconds_count", outcome="ok") >= 1
    assert scrape(house.address("hooks")).found("callstreams_consumer_lag_records", topic="alerts")


def test_a_vendor_that_does_not_answer_is_told_by_its_source(metric, house):
    source = {"vendor": "7moor", "account": "main", "feed": "dialout-task"}
    assert metric("poll", "callstreams_polls_total", outcome="degraded", **source) >= 1
    metric("poll", "callstreams_source_state", state="degraded", **source)
    poll = scrape(house.address("poll"))
    assert poll.found("callstreams_source_state", state="ok", **source) == [0]
    assert not poll.found("callstreams_source_last_success_timestamp_seconds")
    (left,) = poll.found("callstreams_quota_left_ratio", vendor="7moor", account="main")
    assert 0 <= left < 1


def test_no_label_holds_a_phone_number(scrapes, metric):
    metric("worker", "callstreams_window_attempts", kind="campaign")
    for told in scrapes.values():
        assert NUMBER not in told.text
        assert CUSTOMER not in told.text
        for sample in told.samples:
            for name, value in sample.labels.items():
                assert name == "le" or not re.search(r"\d{7}", value), sample


def test_promtool_finds_nothing_to_say(scrapes, promtool):
    for told in scrapes.values():
        assert promtool("check", "metrics", text=told.text) == ""


def test_probes_are_answered_before_kafka_is_there(tmp_path):
    (nobody,) = free_ports(1)
    with House(f"127.0.0.1:{nobody}", tmp_path) as house:
        house.start("worker")
        alive = until(lambda: house.ask("worker", "/healthz"))
        assert alive.json() == {"status": "ok"}
        answer = house.ask("worker", "/readyz")
        assert (answer.status_code, answer.json()["reason"]) == (503, "it is starting")
        assert scrape(house.address("worker")).found("callstreams_ready") == [0]


def test_a_service_that_ends_is_ready_no_more_while_it_finishes_its_work(fresh_kafka, tmp_path):
    with House(fresh_kafka.bootstrap_servers, tmp_path) as house:
        house.start("ingress")
        until(lambda: house.is_ready("ingress"))
        with socket.create_connection(("127.0.0.1", urlsplit(house.ingress).port)) as pushing:
            pushing.sendall(
                b"POST /push/icsoc/main HTTP/1.1\r\nHost: a\r\n"
                b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"
            )
            assert b" 100 " in pushing.recv(100)  # so it waits for the body
            child = house.terminate("ingress")
            until(lambda: not house.is_ready("ingress"))
            ending = house.ask("ingress", "/readyz")
            assert (ending.status_code, ending.json()["reason"]) == (503, "it is stopping")
            assert house.ask("ingress", "/healthz").status_code == 200
        child.wait(20)
        assert child.returncode == 0
