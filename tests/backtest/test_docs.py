"""What docs/alerts.md tells to write is what callstreams reads, and what it claims holds."""

import re

import pytest
import yaml
from typer.testing import CliRunner

from streams.backtest.ruletests import load_rules_of, load_tests, run_test
from streams.cli.main import app
from streams.core.rules import load_rules
from streams.core.rules.metrics import Metric
from streams.core.rules.model import Rule
from streams.settings import StreamsSettings
from tests.docs.pages import ROOT, blocks, tables

PAGE = ROOT / "docs" / "alerts.md"
BLOCKS = [block.text for block in blocks(PAGE, "yaml")]
RULES = [text for text in BLOCKS if "rules" in yaml.safe_load(text)]
TESTS = [text for text in BLOCKS if "tests" in yaml.safe_load(text)]
COMMANDS = [line for block in blocks(PAGE, "") for line in block.text.splitlines()]


def test_every_block_is_one_of_them():
    assert len(RULES) + len(TESTS) == len(BLOCKS)


@pytest.mark.parametrize("text", RULES)
def test_every_rule_is_read(text):
    assert len(load_rules(text, "alerts.md")) == 1


@pytest.mark.parametrize("text", TESTS)
def test_every_test_of_rules_passes_on_the_page_s_own_rule(text):
    tests = load_tests(text, "alerts.md")
    rules = load_rules_of(tests, lambda name: RULES[0])
    assert [each for test in tests.tests for each in run_test(test, rules, StreamsSettings())] == []


def test_every_key_of_a_rule_is_told():
    told = {key for row in tables(PAGE)["A rule"] for key in re.findall(r"`(\w+)`", row[0])}
    assert told == {field.alias or name for name, field in Rule.model_fields.items()}


def test_every_metric_is_told():
    (row,) = [row for row in tables(PAGE)["A rule"] if row[0] == "`metric`"]
    assert set(re.findall(r"`(\w+)`", row[1])) == set(map(str, Metric))


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_exists(line):
    words = line.split()[1:]
    words = words[:2] if words[0] == "rules" else words[:1]
    result = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "160"})
    assert result.exit_code == 0
    assert all(option in result.output for option in re.findall(r"--\w+", line))
