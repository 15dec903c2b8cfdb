"""Whose trace something belongs to, by W3C Trace Context."""

import subprocess
import sys

import pytest

from connectors import tracing
from schemas.errors import ConfigError
from tests.telemetry.collector import Collector

OURS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
THEIRS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "nonsense",
        OURS[:-1],
        OURS.upper(),
        OURS.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        b"\xff" * 55,
    ],
)
def test_what_is_no_traceparent_counts_as_missing(text):
    assert tracing.read(text) is None


def test_a_traceparent_is_read_from_a_record_as_it_stands():
    headers = [("ce_id", b"1"), (tracing.HEADER, OURS.encode())]
    assert tracing.read(tracing.carried(headers)) == OURS
    assert tracing.carried(headers[:1]) is None


def test_the_newest_stand_first_and_each_once():
    found = tracing.newest([OURS.encode(), None, THEIRS.encode(), b"nonsense", OURS.encode()])
    assert found == [OURS, THEIRS]


def test_without_a_collector_the_parent_is_passed_on():
    with tracing.span("a", parent=OURS) as own:
        assert own == tracing.current() == OURS
        assert tracing.trace_id() == OURS[3:35]
        with tracing.span("b") as inner:
            assert inner == OURS
        assert tracing.headers() == [(tracing.HEADER, OURS.encode())]
    assert tracing.current() is None
    assert tracing.headers() == []


def test_a_trace_begins_where_there_is_no_parent():
    with tracing.span("a") as one:
        pass
    with tracing.span("a") as other:
        pass
    assert tracing.read(one) == one != other
    assert one.endswith("-00")  # nobody records it


def test_opentelemetry_is_not_loaded_where_nobody_asks_for_it():
    program = "import sys, streams.cli.main; sys.exit('opentelemetry' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_it_is_off_unless_the_standard_variables_ask_for_it(environment):
    with tracing.exporting("worker", environment):
        assert not tracing.is_on()


def test_another_protocol_is_refused_with_the_mend():
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    }
    with (
        pytest.raises(ConfigError, match=r"OTEL_EXPORTER_OTLP_PROTOCOL: .*leave it out"),
        tracing.exporting("worker", environment),
    ):
        pass


def test_a_failure_is_told_by_its_kind_and_not_by_its_text(monkeypatch):
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        with tracing.exporting("hooks"):
            with pytest.raises(ValueError, match="13800138000"), tracing.span("a", links=[OURS]):
                raise ValueError("13800138000")
            with tracing.span("b", parent=THEIRS) as own:
                assert own.split("-")[1] == THEIRS.split("-")[1]
                assert own.endswith("-00")  # its parent is not recorded, so it is not either
        assert not tracing.is_on()
        (told,) = collector.spans()
    assert (told.name, told.service, told.failed) == ("a", "callstreams-hooks", True)
    assert told.links == {OURS.split("-")[1]}
    assert b"13800138000" not in collector.requests[0].SerializeToString()
