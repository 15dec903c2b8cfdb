"""`callstreams simulators`, run as it is by hand; a source of ours polls from it."""

import re
import sys
from datetime import UTC, datetime, timedelta

import pytest

from connectors.broker.ports import free_ports
from connectors.broker.process import Child, tail
from connectors.simulators.scenario import Episode
from streams.settings import load_settings
from tests.telemetry.scrape import until

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def run(tmp_path):
    """Start it; it is ended as a service is."""
    children = []

    def start(*options):
        log = tmp_path / f"{len(children)}.log"
        words = [sys.executable, "-m", "streams.cli", "simulators", *options]
        children.append(Child(words, log))
        return children[-1], log

    yield start
    for child in children:
        child.terminate()
        child.wait(20)


async def test_every_source_polls_from_the_configuration_that_it_writes(run, tmp_path):
    file = tmp_path / "callstreams.yaml"
    child, log = run("--port", "0", "--write", str(file))
    until(lambda: "that fits" in tail(log) or not child.running)
    assert "is simulated at http://127.0.0.1:" in tail(log)
    polled = {}
    for account in load_settings(file).accounts:
        for source in account.sources():
            poll = await source.poll(None, datetime.now(UTC))
            polled[f"{source.vendor}/{source.feed}"] = len(poll.records)
            await source.close()
    assert len(polled) == 5
    assert all(polled.values())
    child.terminate()
    child.wait(20)
    assert child.returncode == 0


def test_one_seed_is_one_configuration_wherever_it_runs(run):
    first, *others = [run("--port", "0", "--seed", seed)[1] for seed in ("7", "7", "8")]

    def printed(log):
        until(lambda: "whsec_" in tail(log, 99))
        text = tail(log, 99)
        return re.sub(r":\d{4,5}", "", text[text.index("accounts:") :])

    assert [printed(other) == printed(first) for other in others] == [True, False]


def test_a_port_that_is_taken_is_said_with_the_mend(run):
    port = free_ports(1)[0]
    (first, log), _ = run("--port", str(port)), None
    until(lambda: "whsec_" in tail(log, 99))
    second, said = run("--port", str(port))
    second.wait(30)
    assert second.returncode == 1
    assert "choose another --port" in tail(said)
    assert first.running


def test_an_episode_comes_back_in_its_steps_and_not_before_it_began():
    episode = Episode(START + 3 * MINUTE, START + 6 * MINUTE, 0.05, every=12 * MINUTE)

    def held(minute):
        return episode.holds((START + minute * MINUTE).timestamp())

    assert [minute for minute in range(-12, 30) if held(minute)] == [
        3,
        4,
        5,
        15,
        16,
        17,
        27,
        28,
        29,
    ]
