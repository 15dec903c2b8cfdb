"""The examples, run as they stand in examples/, against Apache Kafka."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from schemas import topics
from schemas.base import Vendor
from schemas.dead_letter import DeadLetter
from schemas.envelope import RawRecord
from schemas.metric import AnswerRate, Rate, Window
from schemas.scope import Basis, Kind
from tests.docs.pages import ROOT, blocks
from tests.operations.conftest import write_all

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PAGE = ROOT / "examples" / "README.md"
KCAT = [block.text.strip() for block in blocks(PAGE, "sh") if block.text.startswith("kcat")]

METRIC = AnswerRate(
    scope="calls:icsoc/examples", basis=Basis.CALLS, vendor=Vendor.ICSOC, account="examples",
    kind=Kind.ACCOUNT, window=Window(name="15m", start=NOW, end=NOW), watermark=NOW,
    revision=7, final=False, attempts=100, answered=39,
    answer_rate=Rate(value=0.39, low=0.3, high=0.49),
)  # fmt: skip
EMPTY = METRIC.model_copy(update={"revision": 8, "attempts": 0, "answered": 0, "answer_rate": None})
OLD = METRIC.model_copy(update={"revision": 6, "answered": 1})
RAW = RawRecord(Vendor.ICSOC, "examples", "cdr", "1", b'{"callId": "examples"}', NOW)
LETTER = DeadLetter(
    stage="normalise", code="examples", reason="?", topic="raw.icsoc.cdr", partition=0,
    offset=0, failed_at=NOW, value=b"{",
)  # fmt: skip


@pytest.fixture(scope="module")
def filled(fresh_kafka):
    metrics = [METRIC, OLD, EMPTY]
    write_all(
        fresh_kafka,
        *((topics.ANSWER_RATE.name, each.key, each.to_json(), (), None) for each in metrics),
        (topics.RAW_ICSOC_CDR.name, RAW.key, RAW.data, RAW.headers(), None),
        (topics.DEAD_LETTERS.name, LETTER.key, LETTER.value, LETTER.headers(), None),
    )
    return fresh_kafka


def test_the_python_example_follows_the_answer_rates(filled):
    environment = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": filled.bootstrap_servers}
    with subprocess.Popen(
        [sys.executable, ROOT / "examples" / "read_metrics.py", "15m"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    ) as running:  # fmt: skip
        assert running.stdout.readline() == "calls:icsoc/examples 39/100 39.0% (30.0% to 49.0%)\n"
        # the older one, which came late, is passed over
        assert running.stdout.readline() == "calls:icsoc/examples 0/0 no attempts\n"
        later = METRIC.model_copy(update={"revision": 9, "answered": 40})
        write_all(filled, (topics.ANSWER_RATE.name, later.key, later.to_json(), (), None))
        assert running.stdout.readline().startswith("calls:icsoc/examples 40/100 ")
        running.terminate()


def kcat(filled, about):
    (line,) = [each for each in KCAT if f"-t {about} " in each]
    words = shlex.split(line.replace("127.0.0.1:9092", filled.bootstrap_servers))
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed (Debian: kcat)")
def test_the_lines_for_kcat_show_what_they_say(filled):
    assert len(KCAT) == 3
    key, _, value = kcat(filled, "metrics.answer-rate").splitlines()[0].partition(" ")
    assert key == "calls:icsoc/examples|15m"
    assert AnswerRate.model_validate_json(value) == METRIC
    headers, _, value = kcat(filled, "raw.icsoc.cdr").strip().rpartition(" {")
    assert "ce_type=callstreams.raw.icsoc.cdr.v1" in headers
    assert json.loads("{" + value) == {"callId": "examples"}
    assert re.search(r"dl_code=examples\b", kcat(filled, "dead-letters"))
