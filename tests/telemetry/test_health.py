"""The little server beside every service."""

import asyncio
import socket
from contextlib import AsyncExitStack

import httpx
import pytest

from connectors.broker.ports import free_ports
from connectors.health import PORTS, Health, TelemetrySettings, answering
from schemas.errors import ConfigError
from streams.engine.liveness import Liveness
from tests.telemetry.scrape import Scrape


@pytest.fixture
async def client():
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def test_ready_is_said_by_the_service_and_taken_back_when_it_stops(client):
    health = Health("worker")
    reasons = ["its partitions are being restored", None]

    async def why_not():
        return reasons[0]

    async def told():
        answer = await client.get(f"{address}/readyz")
        metrics = Scrape((await client.get(f"{address}/metrics")).text)
        return answer.status_code, answer.json().get("reason"), metrics.found(
            "callstreams_ready", service="worker"
        )  # fmt: skip

    async with answering(health, TelemetrySettings(), port=free_ports(1)[0]) as address:
        assert await told() == (503, "it is starting", [0])
        health.ready_unless(why_not)
        assert await told() == (503, "its partitions are being restored", [0])
        del reasons[0]
        assert await told() == (200, None, [1])
        health.stop()
        assert await told() == (503, "it is stopping", [0])
        assert (await client.get(f"{address}/healthz")).status_code == 200


async def test_who_does_not_find_out_in_time_is_not_ready(client, monkeypatch):
    monkeypatch.setattr("connectors.health._CHECK_SECONDS", 0.01)
    health = Health("ingress")

    async def never():
        await asyncio.Event().wait()

    health.ready_unless(never)
    async with answering(health, TelemetrySettings(), port=free_ports(1)[0]) as address:
        answer = await client.get(f"{address}/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (
        503,
        "it did not find out within 0.01 s",
    )


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text"),
    ],
)
async def test_metrics_come_in_the_format_that_is_asked_for(client, accept, content_type):
    async with answering(Health("hooks"), TelemetrySettings(), port=free_ports(1)[0]) as address:
        answer = await client.get(f"{address}/metrics", headers={"Accept": accept})
    assert answer.headers["Content-Type"].startswith(content_type)
    assert "callstreams_ready" in answer.text


async def test_nobody_listens_where_telemetry_is_off():
    async with answering(Health("poll"), TelemetrySettings(port=0)) as address:
        assert address is None
    async with answering(Health("poll"), TelemetrySettings(), port=0) as address:
        assert address is None


def test_each_service_has_a_port_of_its_own():
    assert len(set(PORTS.values())) == len(PORTS)


async def test_a_second_one_on_this_machine_runs_without_and_says_so(caplog):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with answering(Health("worker"), TelemetrySettings(port=port)) as address:
            assert address is None
        assert "--telemetry-port" in caplog.text
        async with AsyncExitStack() as stack:
            with pytest.raises(ConfigError, match="--telemetry-port"):
                await stack.enter_async_context(
                    answering(Health("worker"), TelemetrySettings(), port=port)
                )


def test_a_pulse_beats_from_its_first_beat_until_it_stands_still():
    now = [0.0]
    liveness = Liveness(8, clock=lambda: now[0])
    assert not liveness.is_beating
    liveness.beat()
    now[0] = 8
    assert liveness.is_beating
    now[0] = 8.1
    assert not liveness.is_beating
