"""What docs/hooks.md tells to write is what callstreams reads."""

import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from streams.cli.main import app
from streams.settings import load_settings
from tests.hooks.alerts import SECRET

PAGE = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text(encoding="utf-8")
_FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
BLOCKS = [text for language, text in _FENCED if language == "yaml"]
COMMANDS = [line for language, text in _FENCED if not language for line in text.splitlines()]
ENVIRONMENT = {
    "SLACK_URL": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts",
    "TEAMS_URL": "workflows://prod-1.example.org:443/643e69f83c8944/8b3f/",
    "TELEGRAM_URL": "tgram://123456789:abcdefg_hijklmnop/12315544",
    "MAIL_URL": "mailtos://user:password@example.org?to=ops@example.org",
    "SMS_URL": "twilio://AC123456789012345678901234567890ab:"
    "bb0123456789012345678901234567890@15551230001/15551230002",
    "ALERT_WEBHOOK_SECRET": SECRET,
}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in re.findall(r"env:(\w+)", PAGE):
        monkeypatch.setenv(name, ENVIRONMENT.get(name, "https://example.org/hook"))


@pytest.mark.parametrize("number", range(len(BLOCKS)))
async def test_every_configuration_is_read_and_every_receiver_opens(number, tmp_path):
    path = tmp_path / "callstreams.yaml"
    path.write_text(BLOCKS[number], encoding="utf-8")
    hooks = load_settings(path, {}).hooks
    told = yaml.safe_load(BLOCKS[number])["hooks"]
    assert list(hooks.names) == [each["name"] for each in told["receivers"]]
    assert len(hooks.routes) == len(told.get("routes", []))
    for settings in hooks.receivers:
        await settings.open().close()


def test_there_is_an_example_of_every_type():
    assert set(re.findall(r"type: (\w+)", "\n".join(BLOCKS))) == {
        "alertmanager", "apprise", "dingtalk", "wecom", "feishu",
    }  # fmt: skip


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_exists(line):
    words = [word for word in line.split()[1:3] if re.fullmatch(r"[a-z]+(-[a-z]+)*", word)]
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    options = re.findall(r"--\w+", line)
    assert all(option in result.output for option in options)
