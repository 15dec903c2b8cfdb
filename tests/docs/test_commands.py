"""Every command in a block of the documentation is run: here, or by a test that is named, or not
at all for a reason that is named. A new one that is none of these fails.
"""

import ast
import json
import re
import shlex
import shutil
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from textwrap import dedent

import pytest
from typer.testing import CliRunner

from connectors.broker.node import in_own_loop
from connectors.hooks.silences import write_silence
from connectors.kafka import new_producer
from schemas import topics
from schemas.base import Vendor
from schemas.call import Call, Direction, Outcome
from schemas.dead_letter import DeadLetter
from schemas.silence import Silence
from streams.cli import console
from streams.cli.main import app
from streams.core.rules import load_rules
from streams.settings import load_settings
from tests.docs.pages import PAGES, ROOT, blocks, shell_blocks, typed
from tests.docs.test_five_minutes import PAGE as FIVE_MINUTES
from tests.operations.conftest import write_all

ALL_PAGES = (*PAGES, ROOT / "examples" / "README.md")

ELSEWHERE = {
    r"broker\b": "tests/broker/test_cli.py: takes ports and goes on until Ctrl-C",
    r"(poll|ingress|worker|hooks|board) --config \S+$": "tests/docs/test_five_minutes.py",
    r"probe ": "tests/cli/test_vendors_cli.py: asks a vendor",
    r"backfill ": "tests/contract/test_backfill.py: asks a vendor",
    r"status --watch$": "tests/operations/test_status.py: goes on until Ctrl-C",
    r"kcat ": "tests/examples/test_examples.py",
    r"make (test|check)$": ".ci/run",
    r"make demo": "its parts by tests/docs/test_five_minutes.py; it takes a minute itself",
    r"docker compose ": "tests/broker/test_compose.py: needs a Docker engine",
}
"""What is not run here, and who runs it instead or why nobody does."""

OFFLINE = (
    "cp", "echo", "export", "rules", "config", "schemas export", "topics list", "hooks test",
    "backtest --rules new.yaml --calls",
)  # fmt: skip
ON_KAFKA = ("topics", "status", "doctor", "silences", "dead-letters", "backtest")
DIFFERS = {r"topics check --partitions 8": 1}
"""A broker of one node differs from what is asked for, and the status says so."""


def commands():
    """Each command of a block, once, without the folder that it stands in."""
    found = [typed(block) for page in ALL_PAGES for block in shell_blocks(page)]
    words = [" ".join(each.split()) for block in found for each in block]
    bare = [each.removeprefix(".venv/bin/").removeprefix("callstreams ") for each in words]
    return sorted(set(bare))


def _five_minutes():
    lines = [line for block in shell_blocks(FIVE_MINUTES) for line in typed(block)]
    return {each.removeprefix(".venv/bin/").removeprefix("callstreams ") for each in lines}


def _begins(command, words):
    return any(command == each or command.startswith(f"{each} ") for each in words)


EVERY = commands()
LEFT = [
    each
    for each in EVERY
    if each not in _five_minutes() and not any(re.match(known, each) for known in ELSEWHERE)
]
HERE = [each for each in LEFT if _begins(each, OFFLINE)]
THERE = [each for each in LEFT if each not in HERE and _begins(each, ON_KAFKA)]


def test_no_command_is_left():
    left = set(LEFT) - set(HERE) - set(THERE)
    assert not left, "run it in this file, or name in ELSEWHERE who does, or why nobody"


@pytest.mark.parametrize("known", ELSEWHERE)
def test_no_reason_is_left_over(known):
    assert any(re.match(known, each) for each in EVERY)
    file = ELSEWHERE[known].split(":")[0]
    assert not file.startswith(("tests/", ".ci/")) or (ROOT / file).exists()


class _Webhook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def webhook():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Webhook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path, monkeypatch, webhook):
    """A folder with the files that the pages speak of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console.out, "width", 250)
    shutil.copy(ROOT / "callstreams.example.yaml", tmp_path)
    shutil.copy(ROOT / "callstreams.example.yaml", tmp_path / "callstreams.yaml")
    rules = (ROOT / "streams/core/rules/default.yaml").read_text(encoding="utf-8")
    alerts = ROOT / "docs" / "alerts.md"
    own = _yaml(ROOT / "README.md", "rules:")
    texts = {
        "new.yaml": rules,
        "rules.yaml": own + _yaml(alerts, "rules:").removeprefix("rules:\n"),
        "tests.yaml": _yaml(alerts, "rule_files:"),
        "calls.csv": _calls(),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name in ("SEVENMOOR_SECRET", "HUAWEI_SECRET_KEY", "ICSOC_PASSWORD", "ICSOC_CLIENT_SECRET",
                 "ICSOC_PUSH_SECRET"):  # fmt: skip
        monkeypatch.setenv(name, "not-a-secret")
    monkeypatch.setenv("ALERT_WEBHOOK_URL", webhook)
    monkeypatch.setenv("ALERT_WEBHOOK_SECRET", "whsec_" + "QUFB" * 8)
    return tmp_path


def _yaml(page, beginning):
    return next(each.text for each in blocks(page, "yaml") if each.text.startswith(beginning))


def _calls():
    """A number that is answered, then flagged."""
    head = (
        "vendor,account,call_id,direction,outcome,caller,callee,display_number,started_at,ended_at"
    )
    start = datetime(2026, 11, 16, 9, tzinfo=UTC)
    rows = [head]
    for number in range(200):
        outcome = "connected" if number < 120 and number % 2 else "unanswered"
        at = start + timedelta(seconds=10 * number)
        rows.append(
            f"icsoc,main,{number},outbound,{outcome},02160661801,13800000000,02160661801,"
            f"{at.isoformat()},{(at + timedelta(seconds=8)).isoformat()}"
        )
    return "\n".join(rows) + "\n"


async def _write(kafka, topic, message, at):
    """Write a message that arrived at a moment of the past."""
    producer = new_producer(kafka)
    await producer.start()
    try:
        milliseconds = int(at.timestamp() * 1000)
        await producer.send_and_wait(
            topic, message.to_json(), key=message.key, timestamp_ms=milliseconds
        )
    finally:
        await producer.stop()


def run(command, **environment):
    """Run a command of ours in this process, any other by a shell; give what it printed."""
    words = shlex.split(command)
    if words[0] in ("cp", "echo", "export"):
        subprocess.run(["bash", "-euc", command], check=True)
        return ""
    if words[:2] == ["hooks", "test"] and "--config" not in words:
        words += ["--config", "callstreams.yaml"]
    result = CliRunner().invoke(app, words, env=environment)
    expected = next((code for known, code in DIFFERS.items() if re.match(known, command)), 0)
    assert result.exit_code == expected, f"{command}\n{result.output}\n{result.exception!r}"
    return result.output


@pytest.mark.parametrize("command", HERE)
def test_a_command_that_needs_nothing(command, folder):
    if command == "rules explain number-not-answered --file rules.yaml":
        assert "number-not-answered" in run(command)
    else:
        run(command)


NAMED_SECRET = re.compile(r"(env:[A-Z_]+|file:[\w/.-]+)(?=[\s,\]}]|$)")


@pytest.mark.parametrize(
    ("page", "text"),
    [(page, each.text) for page in ALL_PAGES for each in blocks(page, "yaml")],
    ids=lambda value: getattr(value, "name", "yaml"),
)
def test_yaml_is_rules_or_tests_or_a_configuration(page, text, folder):
    if text.startswith("rules:"):
        assert load_rules(text, page.name)
    elif text.startswith("rule_files:"):
        (folder / "tests.yaml").write_text(text, encoding="utf-8")
        run("rules test tests.yaml")
    else:
        text = NAMED_SECRET.sub(lambda match: _secret(match[1]), text)
        (folder / "callstreams.yaml").write_text(text, encoding="utf-8")
        load_settings(folder / "callstreams.yaml", {})


def _secret(name):
    if "WEBHOOK" in name and "SECRET" not in name:
        return "https://example.org/hook"
    if name.endswith("_URL"):  # of Apprise
        return "mailto://user:password@example.org"
    return "whsec_" + "QUFB" * 8


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_python_is_python(page):
    for block in blocks(page, "python"):
        ast.parse(dedent(block.text))


def test_commands_that_need_kafka(folder, fresh_kafka):
    """All on one broker, which has what they speak of."""
    now = datetime.now(UTC)
    letters = [
        DeadLetter(
            stage="normalise",
            code="unknown-callresult",
            reason="callresult is 9",
            topic="raw.icsoc.cdr",
            partition=0,
            offset=offset,
            failed_at=now,
            value=b"{}",
        )
        for offset in range(18)
    ]
    at = datetime(2026, 11, 17, 9, tzinfo=UTC)  # within what the backtests ask for
    call = Call(
        vendor=Vendor.ICSOC,
        account="main",
        call_id="1",
        direction=Direction.OUTBOUND,
        outcome=Outcome.UNANSWERED,
        caller="02160661801",
        callee="13800000000",
        display_number="02160661801",
        started_at=at,
        ended_at=at + timedelta(seconds=8),
    )
    write_all(
        fresh_kafka,
        *((topics.DEAD_LETTERS.name, b"k", each.value, each.headers(), 0) for each in letters),
    )
    in_own_loop(_write(fresh_kafka, topics.CALLS.name, call, at))
    silence = Silence(
        id="4f1c2d3e", matchers=json.loads('[{"label":"value","operator":"=","value":"0755"}]'),
        starts_at=now, ends_at=now + timedelta(hours=1), created_by="ops", comment="docs",
        updated_at=now,
    )  # fmt: skip
    in_own_loop(write_silence(fresh_kafka, silence))
    kafka = {"KAFKA_BOOTSTRAP_SERVERS": fresh_kafka.bootstrap_servers}
    told = {command: run(command, **kafka) for command in THERE}
    assert "callresult is 9" in told["dead-letters show 0-17"]
    assert "4f1c2d3e" in told["silences expire 4f1c"]
