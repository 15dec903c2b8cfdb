"""The arithmetic of the hooks' benchmark."""

from collections import defaultdict
from itertools import pairwise

import pytest

from benchmarks.arrival import Plan, Seen, summarise, traffic


def test_each_number_is_tipped_by_its_thirtieth_call_one_after_another():
    plan = Plan(rate=1000, collapses=40, collapses_per_second=10)
    calls = list(traffic(plan))
    of = defaultdict(list)
    for at, (number, answered, tips) in enumerate(calls):
        if number.startswith("0755"):
            of[number].append((at, answered, tips))
    assert len(of) == 40
    tipped = []
    for mine in of.values():
        assert len(mine) == 30
        assert not any(answered for _, answered, _ in mine)
        assert [tips for *_, tips in mine] == [False] * 29 + [True]
        tipped.append(mine[-1][0])
    assert max(b - a for a, b in pairwise(sorted(tipped))) <= 110
    healthy = [answered for number, answered, _ in calls if number.startswith("0108")]
    assert 0.3 < sum(healthy) / len(healthy) < 0.5


def test_the_way_is_summed_up_whole_and_in_its_parts():
    seen = Seen(sent={"a": 1.0, "b": 2.0}, alerted={"a": 1.5, "b": 3.0, "warm": 0.1})
    seen.told |= {"a": 1.6, "b": 3.3, "warm": 0.2}
    seen.rate = 990.0
    figures = summarise(seen)
    assert figures["alerts"] == 2
    assert figures["not_told"] == 0
    assert figures["p99_ms"] == pytest.approx(1300)
    assert figures["to_alert_p99_ms"] == pytest.approx(1000)
    assert figures["to_webhook_max_ms"] == pytest.approx(300)
