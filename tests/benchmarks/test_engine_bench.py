"""The bench's arithmetic: ratios by pairs, waits, stacks, and a page that keeps its prose."""

from datetime import UTC, datetime

import pytest

from benchmarks.engine import report
from benchmarks.engine.parts import latency, profile, race, restore, scopes, windows, workers
from benchmarks.engine.traffic import Traffic, make
from schemas.call import Call

NEWEST = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def sample(speed, cpu=10.0):
    return {"calls": 100, "calls_per_second": speed, "cpu_us_per_call": cpu, "rss_mib": 50.0}


def test_ratios_are_medians_of_the_pairs_own():
    pairs = [
        {"callstreams": sample(100), "other": sample(50)},
        {"callstreams": sample(10), "other": sample(1)},
        {"callstreams": sample(1000), "other": sample(900)},
    ]
    figures = race.summarise(pairs)["contenders"]["other"]
    assert figures["callstreams_is_times"] == 2.0
    assert figures["calls_per_second"] == 50


def test_a_call_waits_for_the_first_metric_that_holds_it():
    told = [(1.0, 1), (1.5, 3), (2.5, 3)]
    assert latency.waits([0.9, 1.0, 1.1, 1.2], told) == pytest.approx([0.1, 0.5, 0.4])


def test_calls_that_were_never_told_are_said():
    figures = latency.summarise({"a": [0.0, 5.0, 6.0]}, {"a": [(5.2, 2)]}, 1000)
    assert figures["not_told"] == 1
    assert figures["p99_ms"] == pytest.approx(200)


def test_own_time_is_the_innermost_frames_and_waiting_is_apart():
    stacks = [
        "run (/x/streams/engine/stage.py:3);fold (/x/streams/core/calls.py:10) 6",
        "run (/x/streams/engine/stage.py:9) 2",
        "run (/x/streams/engine/stage.py:9);EpollSelector.select (selectors.py:4) 90",
    ]
    figures = profile.summarise(stacks)
    assert (figures["samples"], figures["waiting"]) == (8, 90)
    assert figures["rooms"] == {"streams/core": 0.75, "streams/engine": 0.25}
    assert figures["top"][0] == {
        "function": "fold (streams/core/calls.py)",
        "own": 0.75,
        "total": 0.75,
    }
    assert figures["inclusive"][0]["total"] == 1.0


def test_workers_are_done_when_all_that_was_sent_is_received():
    def events(seen, sent, received, at):
        return [
            {"event": "first", "at": 1.0},
            {"event": "at", "at": at, "seen": seen, "sent": sent, "received": received},
        ]

    assert workers.took([events(6, 5, 2, 3.0), events(4, 1, 4, 4.0)], 10) == 3.0
    assert workers.took([events(6, 5, 2, 3.0), events(4, 1, 3, 4.0)], 10) is None
    assert workers.took([events(6, 5, 5, 3.0), []], 10) is None


def test_traffic_is_seeded_and_reads_as_calls():
    traffic = Traffic(2000, 100.0, 10, NEWEST)
    records = list(make(traffic))
    assert records == list(make(traffic))
    calls = [Call.model_validate_json(record.value) for record in records]
    assert [call.key for call in calls] == [record.key for record in records]
    copies = sum(record.copy for record in records)
    assert len({call.key for call in calls}) == len(calls) - copies
    assert 0.01 < copies / len(calls) < 0.03
    assert max(call.ended_at for call in calls) <= NEWEST


def figures():
    one = {"numbers": 10, "calls": 1000, "calls_per_second": 5.0, "cpu_us_per_call": 4.0}
    return {
        "quick": True,
        "machine": {
            "at": "now", "processor": "P", "cores": 2, "memory_gib": 1.0, "system": "S",
            "load_before": 0.1, "python": "3", "versions": {"faust": "1"},
        },
        "race": race.summarise([{"callstreams": sample(9), "bare loop": sample(18)}]),
        "workers": workers.summarise([{1: 10.0, 2: 19.0}]),
        "restore": restore.summarise(
            {"seconds": 1.0, "rss": 100}, {"seconds": 3.0, "rss": 5100}, 1000
        ),
        "scopes": scopes.summarise(
            [one | {"rss": 0},
             one | {"numbers": 20, "rss": 20480, "cpu_us_per_call": 6.0}]
        ),
        "windows": windows.summarise([
            {"window": "5m", "calls_per_second": 9.0, "cpu_us_per_call": 10.0},
            {"window": "24h", "calls_per_second": 9.0, "cpu_us_per_call": 11.0},
        ]),
    }  # fmt: skip


def test_the_page_shows_ratios_and_says_when_it_is_quick():
    text = report.render(figures())
    for expected in ("no figures to quote", "0.50×", "1.90×", "1.10×", "1.50×", "2.0 KiB"):
        assert expected in text
