import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from streams.cli.rules import app
from streams.core.rules.explain import boundaries, fewest_to_fire
from streams.core.rules.judge import Verdict, judge
from tests.core.rules.views import Fixed, calls, rule

GOOD = "rules:\n  - {name: low, metric: answer_rate, window: 5m, below: 20%}\n"
BAD = "rules:\n  - {name: low, metric: answer_rate, windw: 5m, below: 20%}\n"


def run(*arguments):
    result = CliRunner().invoke(
        app, [str(each) for each in arguments], env={"COLUMNS": "140", "NO_COLOR": "1"}
    )
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def written(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_check_says_how_many_rules_are_right(written):
    code, out, _ = run("check", written("a.yaml", GOOD))
    assert code == 0
    assert "1 rule: nothing is wrong" in out


def test_check_names_file_line_and_mend_of_all_files(written, tmp_path):
    bad = written("bad.yaml", BAD)
    code, out, err = run("check", bad, tmp_path / "gone.yaml", written("a.yaml", GOOD))
    assert code == 1
    assert out == ""
    assert f"{bad}:2: rule low: windw: unknown key: do you mean `window`?" in err
    assert "gone.yaml: cannot be read: No such file" in err


def test_check_finds_one_name_in_two_files(written):
    code, _, err = run("check", written("a.yaml", GOOD), written("b.yaml", GOOD))
    assert code == 1
    assert "rename one" in err


def test_check_refuses_what_is_not_utf_8(tmp_path):
    path = tmp_path / "gbk.yaml"
    path.write_bytes("# 规则\n".encode("gbk"))
    code, _, err = run("check", path)
    assert code == 1
    assert "save it as UTF-8" in err


def test_list_shows_our_own_rules_by_default_and_a_file_s_when_asked(written):
    code, out, _ = run("list")
    assert code == 0
    assert "display-number-answer-rate" in out
    assert "answer rate below 20%" in out
    code, out, _ = run("list", "--file", written("a.yaml", GOOD))
    assert code == 0
    assert "low" in out
    assert "display-number" not in out


def test_explain_tells_the_rule_in_words_and_numbers():
    code, out, _ = run("explain", "display-number-answer-rate")
    assert code == 0
    assert "Watches each display number by itself." in out
    assert "is below 20% on evidence (upper end of its 95% Wilson interval)" in out
    assert "over the last 50 attempts or the last 30 attempts is 25% or more" in out
    assert "恢复条件" in out
    assert "│ 50       │ ≤ 4               │ ≥ 13" in out


def test_explain_of_an_unknown_rule_names_those_there_are():
    code, _, err = run("explain", "nothing")
    assert code == 1
    assert "there are: display-number-answer-rate, abandon-rate, queue-missed-calls" in err


def test_schema_is_json():
    code, out, _ = run("schema")
    assert code == 0
    assert "rules" in json.loads(out)["properties"]


@given(st.sampled_from([0.02, 0.2, 0.5]), st.booleans(), st.sampled_from([0, 0.1]))
def test_the_numbers_explained_are_those_that_decide(share, above, band):
    if above:
        a_rule = rule(metric="answer_rate", above=1 - share, resolve=1 - share - band)
    else:
        a_rule = rule(below=share, resolve=share + band)

    def verdict(sample, answered):
        return judge(a_rule, Fixed(calls(sample, answered))).verdict

    for sample, fires, resolves in boundaries(a_rule.conditions[0]):
        worse, better = (1, -1) if above else (-1, 1)
        if fires != "never":
            at = int(fires.split()[1])
            assert verdict(sample, at) is Verdict.HOLDS
            assert verdict(sample, at - worse) is not Verdict.HOLDS
        if resolves != "never":
            at = int(resolves.split()[1])
            assert verdict(sample, at) is Verdict.CLEARS
            assert verdict(sample, at - better) is not Verdict.CLEARS
    fewest = fewest_to_fire(a_rule.conditions[0]).sample
    worst = fewest if above else 0
    assert verdict(fewest, worst) is Verdict.HOLDS
    assert fewest == 20 or verdict(fewest - 1, worst and worst - 1) is not Verdict.HOLDS
