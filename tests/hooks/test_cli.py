import asyncio
import json
import threading
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from typer.testing import CliRunner

from connectors.hooks.silences import expire_silence, new_silence, read_silences, write_silence
from schemas.errors import ConfigError
from schemas.silence import Silence
from streams.cli.main import app
from tests.hooks.alerts import SECRET, Inbox

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def call(*arguments):
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "250"})


@contextmanager
def serving(inbox):
    """Serve an inbox from a thread, since the command has a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = inbox.open()
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def written(tmp_path):
    def write(url):
        path = tmp_path / "callstreams.yaml"
        receivers = [{"name": "on-call", "url": url, "secret": SECRET}]
        path.write_text(yaml.safe_dump({"hooks": {"receivers": receivers}}))
        return str(path)

    return write


def test_a_receiver_is_sent_one_test_message(written):
    inbox = Inbox()
    with serving(inbox) as address:
        config = written(address)
        result = call("hooks", "test", "on-call", "--config", config)
        again = call("hooks", "--config", config, "test", "on-call", "--resolved")
    assert (result.exit_code, again.exit_code) == (0, 0), result.output + again.output
    assert "on-call has taken a test message" in result.output
    fired, resolved = (json.loads(body) for _, body in inbox.received)
    assert (fired["type"], resolved["type"]) == ("alert.firing", "alert.resolved")
    assert fired["data"]["labels"]["alertname"] == "callstreams-test"


def test_a_receiver_that_says_no_is_told_as_an_error(written):
    inbox = Inbox(always=404)
    with serving(inbox) as address:
        result = call("hooks", "test", "on-call", "--config", written(address))
    assert result.exit_code == 1
    assert "on-call was not told" in result.output
    assert "404" in result.output
    assert len(inbox.received) == 1


def test_a_wrong_name_is_answered_with_those_there_are(written):
    result = call("hooks", "test", "oncall", "--config", written("http://127.0.0.1:9"))
    assert result.exit_code == 1
    assert "there are: on-call" in result.output


def test_without_receivers_the_service_says_what_to_mend(tmp_path):
    path = tmp_path / "empty.yaml"
    path.write_text("hooks: {}")
    result = call("hooks", "--config", str(path))
    assert result.exit_code == 1
    assert "list `hooks.receivers`" in result.output


def test_silences_are_added_listed_and_expired(kafka, monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap_servers)
    mark = uuid.uuid4().hex
    added = call(
        "silences", "add", f"mark={mark}", 'value=~"0755.*"',
        "--for", "2h", "--by", "ops", "--comment", "carrier [works]",
    )  # fmt: skip
    assert added.exit_code == 0, added.output
    silence_id = added.output.strip()
    (line,) = (each for each in call("silences", "list").output.splitlines() if mark in each)
    for part in (silence_id, 'value=~"0755.*"', "active", "ops", "carrier [works]"):
        assert part in line
    assert call("silences", "expire", silence_id[:13]).exit_code == 0
    assert silence_id not in call("silences", "list").output
    assert silence_id in call("silences", "list", "--all").output


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (["add", "vendor", "--comment", "c"], 'write label="value"'),
        (["add", 'vendor=~"("', "--comment", "c"], "no regular expression"),
        (["add", 'vendor=~".*"', "--comment", "c"], "would silence everything"),
        (["add", "vendor=icsoc", "--comment", "c", "--for", "soon"], "30m, 2h or 1d"),
        (["add", "vendor=icsoc", "--comment", ""], "comment"),
    ],
)
def test_a_wrong_silence_names_the_mend(arguments, mend):
    result = call("silences", *arguments)
    assert result.exit_code == 1
    assert mend in result.output


def made(now=NOW, **changes):
    values = {"starts_at": now, "lasts": timedelta(hours=1), "created_by": "a", "comment": "b"}
    return new_silence(["value=1"], now=now, **{**values, **changes})


async def test_only_one_silence_is_expired_at_a_time(kafka):
    with pytest.raises(ConfigError, match="no silence begins with 'nobody'"):
        await expire_silence(kafka, "nobody", NOW)
    with pytest.raises(ConfigError, match="silences list"):
        await expire_silence(kafka, "", NOW)


async def test_silences_that_ended_long_ago_are_forgotten(fresh_kafka):
    old, recent, new = made(), made(NOW + timedelta(days=4)), made(NOW + timedelta(days=6))
    for each in (old, recent, new):
        await write_silence(fresh_kafka, each)
    assert set(await read_silences(fresh_kafka)) == {recent, new}


async def test_what_ended_stays_ended_and_what_has_not_begun_never_begins(fresh_kafka):
    ended, later = made(), made(starts_at=NOW + timedelta(hours=5))
    for each in (ended, later):
        await write_silence(fresh_kafka, each)
    now = NOW + timedelta(hours=2)
    assert await expire_silence(fresh_kafka, ended.id, now) == ended
    gone = await expire_silence(fresh_kafka, later.id, now)
    assert not any(gone.is_active(now + timedelta(hours=hour)) for hour in range(10))


def test_a_silence_reads_back_from_its_json():
    silence = made()
    assert Silence.model_validate_json(silence.to_json()) == silence
