"""What a service logs, run as the command that it is."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest


def lines_of(kafka, config, *options, **environment):
    """Run the ingress until it has said what it says first; give all lines of its log."""
    command = [sys.executable, "-m", "streams.cli", "ingress", "-c", str(config), *options]
    names = {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "COLUMNS": "200"}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, **names, **environment}
    ) as running:
        lines = [running.stderr.readline()]
        while "taking pushes" not in lines[-1]:
            assert lines[-1], lines
            lines.append(running.stderr.readline())
        running.send_signal(signal.SIGTERM)
        lines += running.stderr.readlines()
    return running.pid, lines


@pytest.fixture
def pushed(config):
    account = {"vendor": "icsoc", "name": "main", "push": {"secrets": ["a-secret"]}}
    return config(accounts=[account], ingress={"port": 0})


@pytest.mark.parametrize(
    ("options", "environment"),
    [(("--log-format", "json"), {}), ((), {"CALLSTREAMS_LOG_FORMAT": "json"})],
)
def test_each_line_of_a_json_log_is_an_object(kafka, pushed, options, environment):
    pid, lines = lines_of(kafka, pushed, *options, **environment)
    found = [json.loads(line) for line in lines]
    (told,) = [each for each in found if "taking pushes" in each["message"]]
    assert told["message"].startswith("taking pushes at http://127.0.0.1:")
    assert (told["level"], told["logger"], told["pid"]) == ("INFO", "callstreams", pid)
    assert datetime.fromisoformat(told["time"]).utcoffset() == UTC.utcoffset(None)
    assert set(told) == {"time", "level", "logger", "message", "pid"}


def test_the_log_is_for_people_where_nobody_asks_for_json(kafka, pushed):
    _, lines = lines_of(kafka, pushed)
    (told,) = [line for line in lines if "taking pushes" in line]
    assert "INFO" in told
    assert "{" not in told


def test_an_exception_stands_in_its_line():
    program = (
        "import logging; from streams.cli.logs import set_up, LogFormat\n"
        "set_up(LogFormat.JSON, verbose=False)\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: logging.getLogger('callstreams').exception('坏了 %d', 7)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    told = json.loads(done.stderr)
    assert told["message"] == "坏了 7"
    assert "坏了" in done.stderr
    assert "ZeroDivisionError: division by zero" in told["exc_info"]


def test_another_format_is_refused(call):
    result = call("poll", "--log-format", "xml")
    assert result.exit_code == 2
    assert "console" in result.stderr
