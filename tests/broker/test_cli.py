import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from connectors.broker.node import in_own_loop
from connectors.broker.ports import is_free
from connectors.kafka import KafkaSettings, TopicState, alter_topic_configs, describe_topics
from schemas.topics import ALL, CALLS, Topic
from streams.cli import broker, topics

app = typer.Typer()
broker.register(app)
topics.register(app)

SETTINGS = KafkaSettings(replication=3)
RUN = f"from {__name__} import app; app()"


def run(*arguments: str, **environment: str):
    # wide enough that no table breaks a cell over two lines
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "250", **environment})


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setattr(topics.out, "width", 250)


def state_of(topic: Topic, **changes) -> TopicState:
    configs = {**topic.configs(), "min.insync.replicas": "2"} | changes.pop("configs", {})
    same = {"partitions": 4 if topic.partitioned else 1, "replication": 3}
    return TopicState(topic.name, configs=configs, overrides=frozenset(configs), **same | changes)


@pytest.mark.parametrize("topic", ALL, ids=lambda topic: topic.name)
def test_a_topic_as_the_catalogue_has_it_differs_in_nothing(topic):
    assert topics.differences(topic, state_of(topic), SETTINGS) == []


@pytest.mark.parametrize(
    ("state", "what", "mend"),
    [
        (None, "is missing", "callstreams topics create"),
        (state_of(CALLS, partitions=6), "has 6 partitions, not 4", "or give --partitions 6"),
        (state_of(CALLS, replication=1), "has 1 copies, not 3", "--replication 1"),
        (
            state_of(CALLS, configs={"retention.ms": "60000"}),
            "has retention.ms=60000, not 604800000",
            "check --mend",
        ),
        (
            state_of(CALLS, configs={"min.insync.replicas": "1"}),
            "has min.insync.replicas=1, not 2",
            "check --mend",
        ),
    ],
)
def test_each_difference_is_told_with_its_mend(state, what, mend):
    (found,) = topics.differences(CALLS, state, SETTINGS)
    assert found.what == what
    assert mend in found.mend


def test_list_shows_the_whole_catalogue_without_a_kafka():
    shown = run("topics", "list").output
    for topic in ALL:
        assert f"{topic.name} " in shown


def test_create_then_check_then_a_changed_retention_is_seen_and_mended(fresh_broker):
    servers = {"KAFKA_BOOTSTRAP_SERVERS": fresh_broker.bootstrap_servers}
    before = run("topics", "check", **servers)
    assert before.exit_code == 1
    assert before.output.count("is missing") == len(ALL)

    assert f"{len(ALL)} topics created, 0 were there." in run("topics", "create", **servers).output
    assert f"0 topics created, {len(ALL)} were" in run("topics", "create", **servers).output
    after = run("topics", "check", **servers)
    assert (after.exit_code, after.output) == (
        0,
        f"All {len(ALL)} topics are as the catalogue has them.\n",
    )

    state = described(fresh_broker.settings, lambda _state: True)
    another = replace(CALLS, retention=timedelta(days=1))
    in_own_loop(alter_topic_configs(fresh_broker.settings, state, another))
    described(fresh_broker.settings, lambda state: state.configs["retention.ms"] == "86400000")
    changed = run("topics", "check", **servers)
    assert changed.exit_code == 1
    assert "has retention.ms=86400000, not 604800000" in changed.output
    assert run("topics", "check", "--mend", **servers).exit_code == 0
    described(fresh_broker.settings, lambda state: state.configs["retention.ms"] == "604800000")
    assert run("topics", "check", **servers).exit_code == 0


def described(settings: KafkaSettings, hoped: Callable[[TopicState], bool]) -> TopicState:
    """Describe `calls` until it is as hoped: a broker hears of a change a moment later."""
    while not hoped(state := in_own_loop(describe_topics(settings, [CALLS.name]))[CALLS.name]):
        pass
    return state


def test_mending_keeps_what_else_is_set_on_the_topic(fresh_kafka):
    state = described(fresh_kafka, lambda _state: True)
    own = replace(
        state,
        configs={**state.configs, "max.message.bytes": "2000000", "retention.ms": "60000"},
        overrides=state.overrides | {"max.message.bytes"},
    )
    other = replace(CALLS, retention=timedelta(minutes=1))
    in_own_loop(alter_topic_configs(fresh_kafka, own, other))
    changed = described(fresh_kafka, lambda state: state.configs["retention.ms"] == "60000")
    assert changed.configs["max.message.bytes"] == "2000000"
    in_own_loop(alter_topic_configs(fresh_kafka, changed, CALLS))
    mended = described(fresh_kafka, lambda state: state.configs["retention.ms"] != "60000")
    assert mended.configs["retention.ms"] == CALLS.configs()["retention.ms"]
    assert mended.configs["max.message.bytes"] == "2000000"


def test_no_kafka_is_told_with_the_mend(unused_port):
    result = run("topics", "check", "--bootstrap-servers", f"127.0.0.1:{unused_port}")
    assert result.exit_code == 1
    assert f"no Kafka at 127.0.0.1:{unused_port}: start one with `callstreams" in result.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_broker_runs_until_it_is_stopped(installation, unused_port, stop):
    command = [sys.executable, "-c", RUN, "broker", "--port", str(unused_port)]
    environment = {**os.environ, "COLUMNS": "200"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        shown = ""
        while "Ctrl-C stops it." not in shown:
            line = running.stdout.readline()
            assert line, f"it ended: {running.stderr.read()}"
            shown += line
        assert f"KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:{unused_port}" in shown
        log = Path(re.search(r"/\S+server\.log", shown).group())
        assert log.exists()
        assert not is_free(unused_port)
        running.send_signal(stop)
        rest, errors = running.communicate()
        assert (running.returncode, errors) == (0, "")
        assert "Kafka has stopped." in rest
    assert is_free(unused_port)
    assert not log.exists()


def test_broker_that_dies_says_where_to_look(installation, unused_port):
    command = [sys.executable, "-c", RUN, "broker", "--port", str(unused_port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        while "Ctrl-C stops it." not in running.stdout.readline():
            assert running.poll() is None
        kafka = subprocess.run(
            ["pgrep", "-P", str(running.pid), "-f", "kafka.Kafka"], capture_output=True, text=True
        )
        os.kill(int(kafka.stdout), signal.SIGKILL)
        _, errors = running.communicate()
        assert running.returncode == 1
    assert "Kafka ended by itself" in errors
    assert "Kafka Server started" in errors  # the end of its log


def test_two_nodes_are_refused_with_the_reason():
    result = run("broker", "--nodes", "2")
    assert result.exit_code == 2
    assert "1 or 3" in result.stderr


def test_lock_writes_where_it_is_told(tmp_path, monkeypatch):
    from connectors.broker import artifacts

    monkeypatch.setattr(broker.kafka_lock, "make_lock", lambda _kafka: artifacts.packaged_lock())
    path = tmp_path / "new.lock"
    result = run("broker", "lock", "--kafka", "4.3.1", "--output", str(path))
    assert result.exit_code == 0, result.output
    assert artifacts.Lock.parse(path.read_text()) == artifacts.packaged_lock()
