import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from connectors.broker.node import in_own_loop
from connectors.broker.ports import free_ports
from connectors.kafka import KafkaSettings
from connectors.web import serve, web
from schemas.errors import ConfigError
from streams.cli import doctor
from streams.cli.doctor import clock_of, writable


def marks(result):
    """Give the mark of each finding by what was looked at."""
    return dict(
        (what, mark) for mark, what in re.findall(r"^([✓✗?]) ([^:]+):", result.output, re.MULTILINE)
    )


def test_all_is_well_with_kafka_as_it_should_be(fresh_kafka, call):
    result = call("doctor", kafka=fresh_kafka)
    assert result.exit_code == 0, result.output
    assert marks(result)["configuration"] == "✓"
    assert marks(result)["Kafka"] == "✓"
    assert marks(result)["topics"] == "✓"
    assert f"1 brokers at {fresh_kafka.bootstrap_servers}" in result.output


def test_topics_that_differ_are_told_with_the_mend(fresh_kafka, call, config):
    result = call("doctor", "-c", config(kafka={"partitions": 9}), kafka=fresh_kafka)
    assert result.exit_code == 1
    assert marks(result)["topics"] == "✗"
    assert "has 4 partitions, not 9" in result.output
    assert "callstreams topics check" in result.output


def test_more_copies_than_brokers_are_told(fresh_kafka, call, config):
    result = call("doctor", "-c", config(kafka={"replication": 3}), kafka=fresh_kafka)
    assert "kafka.replication is 3, brokers are 1" in result.output


def test_without_kafka_the_rest_is_looked_at_all_the_same(call, unused_port):
    result = call("doctor", kafka=KafkaSettings(bootstrap_servers=f"127.0.0.1:{unused_port}"))
    assert result.exit_code == 1
    assert marks(result)["Kafka"] == "✗"
    assert "start one with `callstreams broker`" in result.output
    assert "Java" in marks(result)


def test_a_secret_that_is_missing_is_told(call, config):
    account = {"vendor": "7moor", "name": "a", "appkey": "1", "secret": "env:IS_NOT_SET"}
    result = call("doctor", "-c", config(accounts=[account]))
    assert result.exit_code == 1
    assert marks(result)["configuration"] == "✗"
    assert "the environment has no IS_NOT_SET: set it" in result.output


def test_an_account_is_asked_for_its_clock_and_without_credentials(call, config, unused_port):
    account = {
        "vendor": "7moor", "name": "a", "appkey": "1", "secret": "not-to-be-sent",
        "base_url": f"http://127.0.0.1:{unused_port}",
    }  # fmt: skip
    result = call("doctor", "-c", config(accounts=[account]), kafka=_nowhere())
    assert marks(result)["7moor/a clock"] == "?"
    assert "was not reached" in result.output


def _nowhere():
    return KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_ports(1)[0]}")


@pytest.mark.parametrize(
    ("ahead", "good", "words"),
    [
        (timedelta(0), True, "within"),
        (timedelta(minutes=5), False, "behind that of"),
        (timedelta(minutes=-5), False, "ahead of that of"),
    ],
)
@pytest.mark.parametrize("status", [200, 404, 503])
async def test_the_clock_is_compared_with_any_answer(ahead, good, words, status):
    asked = []

    async def answer(request):
        asked.append(request)
        date = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
        return web.Response(status=status, headers={"Date": date})

    app = web.Application()
    app.router.add_get("/", answer)
    async with serve(app) as address:
        finding = await clock_of(address)
    assert finding.good is good
    assert words in finding.words
    assert len(asked) == 1
    assert "Authorization" not in asked[0].headers


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    assert writable(tmp_path / "new" / "folder", "tokens").good
    (tmp_path / "file").write_text("")
    finding = writable(tmp_path / "file" / "folder", "tokens")
    assert finding.good is False
    assert "state_dir" in finding.mend


def test_no_java_is_a_pity_for_the_demo_alone():
    def none() -> Path:
        raise ConfigError("Kafka needs Java 17 or newer: install one")

    finding = doctor._java(none)
    assert finding.good is None
    assert "install one" in finding.words


def test_accounts_are_tried_where_that_is_asked_for(kafka, call, config, unused_port):
    account = {
        "vendor": "icsoc", "name": "a", "push": {"secrets": ["x"]},
        "base_url": f"http://127.0.0.1:{unused_port}",
    }  # fmt: skip
    result = call("doctor", "--vendors", "-c", config(accounts=[account]), kafka=kafka)
    assert marks(result)["icsoc/a cdr push"] == "?"


def test_findings_are_those_of_this_machine():
    async def gather():
        return [each async for each in doctor.examine(None, vendors=False)]

    found = {each.what.split()[0] for each in in_own_loop(gather())}
    assert {"configuration", "Kafka", "folder", "Java"} <= found
