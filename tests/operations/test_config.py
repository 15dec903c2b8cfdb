import yaml

SECRET = "not-to-be-seen"


def account(secret="env:A_SECRET"):
    return {"vendor": "7moor", "name": "sh", "appkey": "1", "secret": secret, "numbers": ["0101"]}


def test_a_good_configuration_is_told_with_what_is_in_it(call, config):
    receiver = {"name": "wall", "url": "http://127.0.0.1:9/", "format": "alertmanager"}
    path = config(accounts=[account()], hooks={"receivers": [receiver]})
    result = call("config", "check", path, A_SECRET=SECRET)
    assert result.exit_code == 0, result.stderr
    assert f"✓ {path} can be used" in result.output
    assert "accounts: 7moor/sh" in result.output
    assert "receivers: wall" in result.output
    assert "built in" in result.output


def test_a_bad_one_is_told_with_every_key(call, config):
    path = config(accounts=[account()], ingress={"port": 0, "colour": "red"})
    result = call("config", "check", path)
    assert result.exit_code == 1
    assert "the environment has no A_SECRET: set it" in result.stderr
    assert "ingress.colour" in result.stderr


def test_rules_that_cannot_be_used_are_told(call, config, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - name: x\n    colour: red\n", encoding="utf-8")
    result = call("config", "check", config(streams={"rules": str(rules)}))
    assert result.exit_code == 1
    assert "rules.yaml" in result.stderr


def test_a_file_that_is_not_there_is_told(call, tmp_path):
    result = call("config", "check", tmp_path / "none.yaml")
    assert result.exit_code == 1
    assert "none.yaml is not there" in result.stderr


def test_the_whole_configuration_is_shown_without_secrets(call, config):
    path = config(
        accounts=[account()],
        kafka={"sasl_password": SECRET, "sasl_username": "u", "security_protocol": "SASL_SSL"},
    )
    result = call("config", "show", path, A_SECRET=SECRET, CALLSTREAMS_INGRESS__PORT="8443")
    assert result.exit_code == 0, result.stderr
    assert SECRET not in result.output
    shown = yaml.safe_load(result.output)
    assert set(shown["accounts"][0]["secret"]) == {"*"}
    assert set(shown["kafka"]["sasl_password"]) == {"*"}
    assert shown["ingress"]["port"] == 8443
    assert shown["streams"]["windows"] == ["5m", "15m", "1h"]


def test_without_a_file_there_are_the_defaults(call, monkeypatch):
    monkeypatch.delenv("CALLSTREAMS_CONFIG", raising=False)
    result = call("config", "check")
    assert "the defaults can be used" in result.output
