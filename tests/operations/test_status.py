import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.broker import Broker
from connectors.broker.node import in_own_loop
from connectors.kafka import GroupState, TopicPartition, new_consumer
from schemas import topics
from schemas.alert import Alert, AlertState, Evidence, Severity
from schemas.base import Vendor
from schemas.dead_letter import DeadLetter
from schemas.source_status import SourceState, SourceStatus
from streams.cli.status import ago
from streams.status import lag, open_alerts, read_sources, silent

from .conftest import write_all

NOW = datetime.now(UTC)
SOURCE = SourceStatus(
    name="icsoc/main/cdr", vendor=Vendor.ICSOC, account="main", feed="cdr", state=SourceState.OK,
    last_success_at=NOW, records_published=1234, at=NOW, process="host:1",
)  # fmt: skip
ALERT = Alert(
    fingerprint="f1", rule="low", state=AlertState.FIRING, severity=Severity.WARNING,
    starts_at=NOW - timedelta(minutes=12), at=NOW, labels={}, metric="answer_rate", scope="s",
    annotations={"summary": "075512345678 is answered by 3.0%"},
    evidence=Evidence(window="15m", window_start=NOW, window_end=NOW, threshold=0.1),
)  # fmt: skip
LETTER = DeadLetter(
    stage="normalise", code="bad-json", reason="?", topic="raw.icsoc.cdr", partition=0, offset=1,
    failed_at=NOW, value=b"{",
)  # fmt: skip


def alert(number, **changes):
    return ALERT.model_copy(update={"fingerprint": f"f{number}", **changes})


def test_lag_is_what_a_group_has_yet_to_read():
    one, two = TopicPartition("calls", 0), TopicPartition("calls", 1)
    assert lag(GroupState("g", 1, {one: 3, two: 9}), {one: 10, two: 9}) == 7
    assert lag(GroupState("g", 1, {one: 12}), {one: 10}) == 0
    assert lag(GroupState("g", 0, {}), {one: 10}) is None


def test_a_source_is_silent_after_three_beats():
    every = timedelta(seconds=15)
    assert silent([SOURCE], every, NOW + 3 * every) == frozenset()
    assert silent([SOURCE], every, NOW + 3 * every + timedelta(seconds=1)) == {SOURCE.name}


def test_open_alerts_are_the_loudest_first_and_the_oldest_of_these():
    found = open_alerts(
        [
            each.to_json()
            for each in (
                alert(1, severity=Severity.INFO),
                alert(2, state=AlertState.PENDING, severity=Severity.CRITICAL),
                alert(3),
                alert(4, starts_at=NOW - timedelta(hours=1)),
                alert(5, state=AlertState.RESOLVED),
                alert(6, severity=Severity.CRITICAL),
            )
        ]
        + [b"no alert"]
    )
    assert [each.fingerprint for each in found] == ["f6", "f4", "f3", "f1", "f2"]


def test_a_status_of_another_version_harms_nobody():
    assert read_sources([b"{}", SOURCE.to_json()]) == (SOURCE,)


@pytest.mark.parametrize(
    ("past", "told"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d"), (-5, "0 s")],
)
def test_ago(past, told):
    assert ago(NOW - timedelta(seconds=past), NOW) == told
    assert ago(None, NOW) == "-"


def commit(kafka, group, topic, offset):
    async def join():
        consumer = new_consumer(kafka, group=group)
        await consumer.start()
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        await consumer.commit({place: offset})
        await consumer.stop()

    in_own_loop(join())


@pytest.fixture(scope="module")
def busy(fresh_kafka):
    now = datetime.now(UTC)  # the module's own may be minutes old by now
    good = SOURCE.model_copy(update={"at": now})
    degraded = good.model_copy(
        update={"name": "7moor/sh/answer-report", "state": SourceState.DEGRADED, "reason": "503"}
    )
    gone = good.model_copy(update={"name": "huawei/bj/x", "at": now - timedelta(hours=3)})
    today = replace(LETTER, failed_at=now)
    old = replace(LETTER, offset=2, failed_at=now - timedelta(days=3))
    firing = alert(1, starts_at=now - timedelta(hours=3))
    resolved = alert(2, state=AlertState.RESOLVED)
    letters = topics.DEAD_LETTERS.name
    write_all(
        fresh_kafka,
        *((topics.SOURCES.name, each.name.encode(), each.to_json(), (), None)
          for each in (good, degraded, gone)),
        *((topics.ALERTS.name, each.key, each.to_json(), (), 0)
          for each in (alert(2), firing, resolved)),
        *((letters, each.key, each.value, each.headers(), None) for each in (today, old)),
        *((topics.CALLS.name, b"k", b"{}", (), 0) for _ in range(9)),
    )  # fmt: skip
    commit(fresh_kafka, "callstreams", topics.CALLS.name, 2)
    return fresh_kafka


def test_everything_is_on_one_screen(busy, call, config):
    # a source is silent after half an hour, however slow this machine is
    result = call("status", "-c", config(poller={"tell_every": 600}), kafka=busy)
    assert result.exit_code == 0, result.stderr
    lines = [" ".join(line.split()) for line in result.output.splitlines()]

    def line(start):
        return next(each for each in lines if each.startswith(start))

    assert "ok" in line("icsoc/main/cdr")
    assert "1,234" in line("icsoc/main/cdr")
    assert line("7moor/sh/answer-report").endswith("503")
    assert "no poller" in line("huawei/bj/x")
    assert line("callstreams workers") == "callstreams workers 0 7"
    assert line("callstreams-hooks") == "callstreams-hooks hooks 0 -"
    assert line("warning firing 3 h") == "warning firing 3 h 075512345678 is answered by 3.0%"
    assert sum("firing" in each for each in lines) == 1
    assert line("1 normalise") == "1 normalise bad-json raw.icsoc.cdr"
    assert "1 older than a day" in lines
    assert line("alerts") == "alerts 3"


def test_it_goes_on_until_it_is_stopped(busy):
    command = [sys.executable, "-m", "streams.cli", "status", "--watch", "--every", "1"]
    environment = {
        **os.environ, "KAFKA_BOOTSTRAP_SERVERS": busy.bootstrap_servers, "COLUMNS": "200",
        "FORCE_COLOR": "1",
    }  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        looks = 0
        while looks < 2:
            shown = running.stdout.readline()
            assert shown
            looks += "callstreams" in shown and "UTC" in shown
        running.send_signal(signal.SIGINT)
        running.communicate()
    assert running.returncode in (0, 130)


def test_a_new_cluster_has_nothing_to_show_and_says_so(installation, call):
    with Broker(installation=installation) as empty:
        result = call("status", kafka=empty.settings)
    assert result.exit_code == 0, result.stderr
    assert "no poller has told of any" in result.output


def test_no_kafka_is_told_with_the_mend(call, unused_port):
    result = call("status", KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{unused_port}")
    assert result.exit_code == 1
    assert "start one with `callstreams broker`" in result.stderr
