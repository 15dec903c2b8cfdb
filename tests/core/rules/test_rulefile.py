"""A file of rules is followed while it changes, and a bad one harms nobody."""

import logging

import pytest

from schemas.errors import ConfigError
from streams.core.rules import load_default_rules
from streams.rulefile import RuleFile, read_rules
from streams.settings import StreamsSettings

ONE = "rules:\n  - {name: one, metric: answer_rate, window: 5m, below: 20%}\n"
TWO = ONE + "  - {name: two, metric: attempts, window: 5m, below: 1}\n"
WRONG = "rules:\n  - {name: one, metric: answer_rate, windw: 5m, below: 20%}\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(ONE, encoding="utf-8")
    return path


def names(rules):
    return [rule.name for rule in rules]


def test_a_change_is_noticed_once(path):
    settings = StreamsSettings(rules=path)
    file = RuleFile(settings, read_rules(settings))
    assert file.poll() is None
    path.write_text(TWO, encoding="utf-8")
    assert names(file.poll()) == ["one", "two"]
    assert file.poll() is None


def test_a_comment_is_no_change(path):
    settings = StreamsSettings(rules=path)
    file = RuleFile(settings, read_rules(settings))
    path.write_text(f"# checked\n{ONE}", encoding="utf-8")
    assert file.poll() is None


def test_a_bad_file_keeps_the_rules_and_names_the_mend_once(path, caplog):
    settings = StreamsSettings(rules=path)
    file = RuleFile(settings, read_rules(settings))
    path.write_text(WRONG, encoding="utf-8")
    with caplog.at_level(logging.ERROR, "callstreams"):
        assert file.poll() is None
        assert file.poll() is None
    (told,) = caplog.messages
    assert f"{path}:2: rule one: windw: unknown key: do you mean `window`?" in told
    path.write_text(TWO, encoding="utf-8")
    assert names(file.poll()) == ["one", "two"]


@pytest.mark.parametrize("content", [None, "规则".encode("gbk")])
def test_a_file_that_cannot_be_read_keeps_the_rules(path, caplog, content):
    settings = StreamsSettings(rules=path)
    file = RuleFile(settings, read_rules(settings))
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with caplog.at_level(logging.ERROR, "callstreams"):
        assert file.poll() is None
        assert file.poll() is None
    assert len(caplog.messages) == 1
    path.write_text(TWO, encoding="utf-8")
    assert len(file.poll()) == 2


def test_without_a_file_the_built_in_rules_stay():
    settings = StreamsSettings()
    assert read_rules(settings) == load_default_rules()
    assert RuleFile(settings, load_default_rules()).poll() is None


def test_a_window_longer_than_calls_are_kept_is_refused(path):
    path.write_text(ONE.replace("5m", "6h"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"rule one: .* add 6h to streams\.windows"):
        read_rules(StreamsSettings(rules=path))
    windows = ("5m", "6h")
    assert len(read_rules(StreamsSettings(rules=path, windows=windows))) == 1
