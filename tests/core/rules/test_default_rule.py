import pytest

from benchmarks.alert_rules import VOLUMES, measure, rules

DAYS = 300


@pytest.mark.parametrize("volume", VOLUMES)
def test_the_default_rule_is_believed_and_sees_a_collapse(volume):
    ((name, default),) = [each for each in rules().items() if each[0].startswith("default")]
    score = measure(name, default, volume, days=DAYS, seed=1)
    assert score.false_days <= 0.05
    assert score.calls_to_detect is not None
    assert score.calls_to_detect <= 45


def test_the_benchmark_tells_a_rule_that_cries_wolf():
    score = measure("point", rules()["point: last 50, at least 10"], 300, days=DAYS, seed=1)
    assert score.false_days > 0.5
    again = measure("point", rules()["point: last 50, at least 10"], 300, days=DAYS, seed=1)
    assert again == score
