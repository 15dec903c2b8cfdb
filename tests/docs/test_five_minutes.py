"""docs/five-minute-start.md, typed command by command into four shells as it stands there."""

import json
import os
import signal
import subprocess
import sys
import threading
from queue import Empty, Queue

import pytest

from connectors.broker.ports import free_ports
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "five-minute-start.md"
_DONE = "--- the command has ended:"
_PATIENCE = 90


class Terminal:
    """A shell, and what is printed in it."""

    def __init__(self, folder, environment):
        self._shell = subprocess.Popen(
            ["bash"], cwd=folder, env=environment, text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._lines = Queue()
        self.printed = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._shell.stdout:
            self._lines.put(line.rstrip("\n"))

    def type(self, command):
        """Give a command that goes on until Ctrl-C."""
        self._shell.stdin.write(f"{command}\n")
        self._shell.stdin.flush()

    def run(self, command):
        """Give a command that ends well, and what it printed."""
        self.type(f'{command}\necho "{_DONE} $?"')
        before = len(self.printed)
        assert self.until(_DONE).endswith(" 0"), "\n".join(self.printed)
        return "\n".join(self.printed[before:-1])

    def until(self, text):
        """Read until a line holds the text; give the line."""
        while True:
            try:
                line = self._lines.get(timeout=_PATIENCE)
            except Empty:
                pytest.fail(f"{text!r} never came; there came:\n" + "\n".join(self.printed))
            self.printed.append(line)
            if text in line:
                return line

    def message(self):
        """Read one JSON document, printed with indentation."""
        self.until("{")
        start = len(self.printed) - 1
        while self.until("}") != "}":
            pass
        return json.loads("\n".join(self.printed[start:]))

    def close(self):
        """Close the window."""
        self._shell.stdin.close()
        try:
            os.killpg(self._shell.pid, signal.SIGTERM)
            self._shell.wait(30)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self._shell.pid, signal.SIGKILL)
            self._shell.wait()
        self._reader.join()
        self._shell.stdout.close()


@pytest.fixture
def commands():
    """The blocks of the page; on ports that are free instead of those that it names."""
    kafka, hook, ingress, board = free_ports(4)
    changes = {
        "callstreams broker": f"callstreams broker --port {kafka}",
        "callstreams simulators": "callstreams simulators --port 0",
        "examples/webhook.py": f"examples/webhook.py {hook}",
        "127.0.0.1:9000/": f"127.0.0.1:{hook}/",
        "127.0.0.1:8088/": f"127.0.0.1:{ingress}/",
    }
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{kafka}",
        "CALLSTREAMS_INGRESS__PORT": str(ingress),
        "CALLSTREAMS_BOARD__PORT": str(board),
        "CALLSTREAMS_TELEMETRY__PORT": "0",
    }
    found = []
    for block in blocks(PAGE, "bash"):
        text = block.text
        for here, there in changes.items():
            text = text.replace(here, there)
        found.append(text)
    return found, environment


@pytest.fixture
def terminals(tmp_path, commands, installation):
    """Four terminals in a folder that looks like a fresh checkout after `make install`."""
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    command = binaries / "callstreams"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m streams.cli "$@"\n')
    command.chmod(0o755)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    environment = {
        **os.environ,
        **commands[1],
        "PYTHONPATH": str(ROOT),
        "XDG_STATE_HOME": str(tmp_path),
        "COLUMNS": "200",
    }
    opened = [Terminal(tmp_path, environment) for _ in range(4)]
    yield opened
    for each in reversed(opened):
        each.close()


def _expected():
    """What the page says is printed, without what differs each time."""
    return [block.text for block in blocks(PAGE, "text")]


@pytest.mark.timeout(400)
def test_a_newcomer_gets_an_alert_into_a_webhook_of_theirs(commands, terminals):
    blocks_left = iter(commands[0])
    kafka, vendors, webhook, mine = terminals
    assert next(blocks_left) == "make install\n"  # what `terminals` stands for

    kafka.type(next(blocks_left))
    kafka.until("Apache Kafka is running")
    kafka.until("╰")

    vendors.type(next(blocks_left))
    vendors.until("callstreams.yaml")

    webhook.type(next(blocks_left))
    webhook.until("waiting for alerts")

    mine.run(next(blocks_left))
    mine.run(next(blocks_left))
    told = mine.run(next(blocks_left))
    assert told.split() == _expected()[2].split()
    test = webhook.message()
    assert test["data"]["rule"] == "callstreams-test"

    mine.run(next(blocks_left))  # the services
    firing = webhook.message()
    shown = json.loads(blocks(PAGE, "json")[0].text)
    _has(firing, shown)
    assert firing["type"] == "alert.firing"
    assert firing["data"]["rule"] == "number-not-answered"

    looked = mine.run(next(blocks_left))
    assert "3 accounts, every secret found" in looked
    assert "metrics.answer-rate" in looked

    mine.run(next(blocks_left))  # another threshold
    resolved = webhook.message()
    assert resolved["type"] == "alert.resolved"
    assert resolved["data"]["fingerprint"] == firing["data"]["fingerprint"]

    mine.run(next(blocks_left) + "wait")
    assert list(blocks_left) == []


def _has(message, shown):
    """See that all that is shown of a message is there; what it says may be something else."""
    for name, value in shown.items():
        assert type(message[name]) is type(value), name
        if isinstance(value, dict):
            _has(message[name], value)
