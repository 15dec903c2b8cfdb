"""What the README shows is true: messages, commands, configuration, links, in both languages."""

import ast
import re
import subprocess

import msgspec
import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from connectors.vendors.registry import MAPPERS
from schemas import topics
from schemas.dead_letter import DeadLetter
from streams.cli.main import app
from streams.core.counts import from_wire, unpack
from streams.core.fence import Partials
from streams.core.rules import load_rules
from streams.settings import load_settings
from tests.docs.examples import examples
from tests.docs.pages import PAGES, READMES, ROOT, blocks, command_lines, commands, headings, links

_ENGLISH, _CHINESE = READMES
_SECRETS = (
    "SEVENMOOR_SECRET",
    "HUAWEI_SECRET_KEY",
    "ICSOC_PASSWORD",
    "ICSOC_CLIENT_SECRET",
    "ICSOC_PUSH_SECRET",
)

readmes = pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)


@pytest.fixture
def secrets(monkeypatch):
    for name in _SECRETS:
        monkeypatch.setenv(name, "not-a-secret")
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "https://alerts.example.com/hook")
    monkeypatch.setenv("ALERT_WEBHOOK_SECRET", "whsec_" + "QUFB" * 8)


@readmes
def test_every_topic_has_an_example(page):
    assert set(examples(page)) == {topic.name for topic in topics.ALL}


@readmes
@pytest.mark.parametrize(
    "topic", [each for each in topics.ALL if each.model], ids=lambda topic: topic.name
)
def test_an_example_is_a_message_of_its_topic(page, topic):
    example = examples(page)[topic.name]
    message = topic.model.model_validate_json(example.value, strict=False, extra="forbid")
    if hasattr(message, "key"):
        assert message.key.decode() == example.key
    assert yaml.safe_load(message.to_json()) == yaml.safe_load(example.value)


def test_a_raw_example_maps_to_the_message_that_is_shown(raw_examples):
    shown = examples(_ENGLISH)
    made = {
        topics.RAW_SEVENMOOR_REPORT.name: {topics.TALLIES.name},
        topics.RAW_SEVENMOOR_TASK.name: {topics.CAMPAIGNS.name},
        topics.RAW_HUAWEI_STATISTICS.name: set(),
        topics.RAW_HUAWEI_MISSED.name: {topics.MISSED_CALLS.name},
        topics.RAW_ICSOC_CDR.name: {topics.CALLS.name},
    }
    for name, expected in made.items():
        record = raw_examples[name]
        assert record.key.decode() == shown[name].key
        messages = MAPPERS[name](record)
        assert messages
        for topic in topics.ALL:
            if topic.name in expected:
                assert topic.model is not None
                wanted = topic.model.model_validate_json(shown[topic.name].value)
                found = [message for message in messages if isinstance(message, topic.model)]
                assert [each.model_copy(update=_reading(wanted)) for each in found] == [wanted]


def _reading(message):
    # The raw examples do not show ce_time, which becomes read_at.
    return {"read_at": message.read_at} if hasattr(message, "read_at") else {}


def test_the_internal_examples_are_what_they_say(dead_letter):
    shown = examples(_ENGLISH)
    partials = msgspec.json.decode(shown[topics.PARTIALS.name].value, type=Partials)
    assert partials.source == shown[topics.PARTIALS.name].key
    assert unpack(from_wire(partials.sheets[0].entries[0].counts)).attempts == 2
    yaml.safe_load(shown[topics.CURSORS.name].value)
    assert isinstance(dead_letter, DeadLetter)
    assert dead_letter.key.decode() == shown[topics.DEAD_LETTERS.name].key


@readmes
def test_the_line_of_the_demo_is_what_the_demo_prints(page):
    line = next(
        yaml.safe_load(block.text) for block in blocks(page, "json") if "feeds" in block.text
    )
    assert set(line) == _summary_fields()
    assert len(line["feeds"]) == 6
    table = (ROOT / page.name).read_text(encoding="utf-8")
    assert all(f"`{field}`" in table for field in line)


def _summary_fields():
    from streams.demo.verdict import summary
    from streams.demo.watch import Seen

    return set(summary(Seen(), 0, []))


@pytest.mark.parametrize(
    ("page", "words"),
    [(page, words) for page in PAGES for words in sorted(set(commands(page)))],
    ids=lambda value: value.name if hasattr(value, "name") else " ".join(value),
)
def test_every_command_that_is_named_exists(page, words):
    command, names = get_command(app), []
    for word in words:
        if word not in getattr(command, "commands", {}):
            break
        command = command.commands[word]
        names.append(word)
    left = words[len(names) :]
    assert names, f"{page.name} names `callstreams {words[0]}`, which there is not"
    assert not left or left[0].startswith("-") or not getattr(command, "commands", {}), (
        f"{page.name} names `callstreams {' '.join(words)}`, which there is not"
    )
    result = CliRunner().invoke(app, [*names, "--help"])
    assert result.exit_code == 0, result.output
    options = {option for each in command.params for option in each.opts}
    for option in (word.partition("=")[0] for word in left if word.startswith("--")):
        assert option in options, f"{page.name}: `callstreams {' '.join(names)}` has no {option}"


@pytest.mark.parametrize("target", ["demo", "test", "check"])
def test_make_knows_its_targets(target):
    subprocess.run(  # the fixed words of the README
        ["make", "--dry-run", target, "FOR=60"], cwd=ROOT, check=True, capture_output=True
    )
    for page in READMES:
        assert any(line.startswith(f"make {target}") for line in command_lines(page))


@readmes
def test_yaml_examples_load(page, tmp_path, monkeypatch, secrets):
    monkeypatch.chdir(tmp_path)
    configurations = 0
    for block in blocks(page, "yaml"):
        if block.text.startswith("rules:"):
            assert len(load_rules(block.text, page.name)) == 1
            continue
        secret = tmp_path / "secret"
        secret.write_text("whsec_" + "QUFB" * 8 + "\n", encoding="utf-8")
        text = block.text.replace("file:/run/secrets/alert-webhook", f"file:{secret}")
        file = tmp_path / "callstreams.yaml"
        file.write_text(text, encoding="utf-8")
        settings = load_settings(file, {})
        assert settings.accounts
        configurations += 1
    assert configurations


def test_the_example_configuration_loads(secrets):
    settings = load_settings(ROOT / "callstreams.example.yaml", {})
    assert {str(account.vendor) for account in settings.accounts} == {"7moor", "huawei", "icsoc"}
    assert all(account.sources() for account in settings.accounts)
    assert settings.hooks.receivers
    assert settings.hooks.routes


@readmes
def test_python_examples_are_python(page):
    found = blocks(page, "python")
    assert found
    for block in found:
        ast.parse(block.text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page):
    for link in links(page):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        translated = target.with_suffix(".zh.md")
        if page.name.endswith(".zh.md") and translated.exists():
            target = translated
        assert target.exists(), f"{page.name} links to {link}"
        if anchor:
            assert anchor in set(map(_anchor, headings(target))), f"{page.name} links to {link}"


def _anchor(heading):
    text, _, named = heading.lstrip("# ").partition(" {#")
    return named.removesuffix("}") or re.sub(r"[^\w -]", "", text).lower().replace(" ", "-")


def test_both_languages_tell_the_same():
    assert [each.partition(" ")[0] for each in headings(_ENGLISH)] == [
        each.partition(" ")[0] for each in headings(_CHINESE)
    ]
    assert commands(_ENGLISH) == commands(_CHINESE)
    assert examples(_ENGLISH).keys() == examples(_CHINESE).keys()
    for language in ("yaml", "python", "json"):
        assert blocks(_ENGLISH, language) == blocks(_CHINESE, language)
