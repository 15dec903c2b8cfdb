import json

import pytest
from typer.testing import CliRunner

from streams.cli.main import app
from tests.backtest.traffic import COLLAPSE, NUMBER, RECOVERY, RULE, every


@pytest.fixture
def calls(tmp_path):
    path = tmp_path / "calls.jsonl"
    rows = every(7, COLLAPSE + RECOVERY)
    path.write_text("\n".join(each.value.decode() for each in rows), encoding="utf-8")
    return path


@pytest.fixture
def written(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def run(*arguments):
    result = CliRunner().invoke(
        app, [str(each) for each in arguments], env={"COLUMNS": "160", "NO_COLOR": "1"}
    )
    return result.exit_code, result.stdout, result.stderr


def test_says_what_would_have_fired_for_how_long_and_how_soon(calls, written):
    code, out, _ = run("backtest", "--calls", calls, "--rules", written("new.yaml", RULE))
    assert code == 0
    assert "calls to detect (median)" in out
    assert "low for " in out
    assert "calls: display number 0755 (icsoc/main): answer rate 8%" in out


def test_tells_two_sets_of_rules_apart(calls, written):
    never = written("now.yaml", RULE.replace("below: 20%", "below: 1%"))
    code, out, _ = run(
        "backtest", "--calls", calls, "--rules", written("new.yaml", RULE), "--against", never
    )
    assert code == 0
    assert "1 fire with the new rules alone, 0 with the current ones alone, 0 with both." in out
    assert "+ 2026-01-05" in out


def test_prints_json_and_draws(calls, written, tmp_path):
    picture = tmp_path / "picture.html"
    code, out, err = run(
        "backtest", "--calls", calls, "--rules", written("new.yaml", RULE), "--json",
        "--picture", picture,
    )  # fmt: skip
    assert code == 0
    told = json.loads(out)
    assert told["rows"] == len(COLLAPSE + RECOVERY)
    (episode,) = told["new"]["episodes"]
    assert episode["scope"] == NUMBER
    assert told["new"]["rules"][0]["calls_to_detect"] == episode["calls_to_detect"]
    assert str(picture) in err.replace("\n", "")
    assert 'class="fire"' in picture.read_text(encoding="utf-8")


def test_a_span_is_in_china_s_time_unless_it_says_otherwise(calls, written):
    rules = written("new.yaml", RULE)
    code, _, err = run("backtest", "--calls", calls, "--rules", rules, "--to", "2026-01-05T09:00")
    assert code == 1
    assert "no calls there" in err
    code, out, _ = run("backtest", "--calls", calls, "-r", rules, "--from", "2026-01-05T01:20Z")
    assert code == 0
    assert "low for " in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--from", "yesterday"), "write 2026-11-22T09:00"),
        (("--rules", "gone.yaml"), "gone.yaml"),
        (("--scope", "nowhere", "--picture", "p.html"), "--scope 'nowhere' is none"),
        (("--scope", "tallies:7moor", "--picture", "p.html"), "no rule watches it"),
    ],
)
def test_an_error_names_the_mend(calls, arguments, told):
    code, _, err = run("backtest", "--calls", calls, *arguments)
    assert code == 1
    assert told in err.replace("\n", " ")


TESTS = """\
rule_files: [rules.yaml]
tests:
  - name: a number collapses
    input_series: [{series: calls:icsoc/main/display_number/0755, values: 0/20x5}]
    alert_rule_test: [{eval_time: %s, alertname: low, exp_alerts: [{}]}]
"""


def test_rules_test_says_what_passed_and_what_did_not(written):
    written("rules.yaml", RULE)
    good, bad = written("good.yaml", TESTS % "5m"), written("bad.yaml", TESTS % "1m")
    code, out, _ = run("rules", "test", good)
    assert code == 0
    assert "1 of 1 tests passed" in out
    code, out, _ = run("rules", "test", good, bad)
    assert code == 1
    assert "✗ a number collapses" in out
    assert "low at 1m: expected an alert to be firing; firing are: none" in out
    assert "1 of 2 tests passed" in out


def test_rules_test_finds_the_rules_beside_the_tests(written, tmp_path):
    code, _, err = run("rules", "test", written("good.yaml", TESTS % "5m"))
    assert code == 1
    assert "rules.yaml: cannot be read" in err
