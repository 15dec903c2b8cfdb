"""The receiver for Prometheus Alertmanager, against its description and against the real one.

The real one is Debian's package: apt-get install prometheus-alertmanager.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter

from connectors.hooks.notification import Notification, one
from connectors.hooks.receivers import ReceiverSettings
from connectors.hooks.service import run_hooks
from connectors.hooks.settings import HooksSettings
from connectors.kafka import new_producer
from connectors.web import ClientError, ClientSession
from schemas.errors import FatalError, RetryableError
from schemas.topics import ALERTS
from tests.hooks.alerts import END, START, Inbox, alert

NOW = datetime(2026, 3, 2, 8, 20, tzinfo=UTC)
CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


def opened(url, now=None, **changes):
    settings = TypeAdapter(ReceiverSettings).validate_python(
        {"type": "alertmanager", "name": "am", "url": url, **changes}
    )
    return settings.open() if now is None else settings.open(lambda: now)


async def send(inbox, *sent, path="", **changes):
    async with inbox.open() as address:
        receiver = opened(address + path, NOW, **changes)
        try:
            for each in sent:
                await receiver.deliver(each)
        finally:
            await receiver.close()


async def test_firing_ends_by_itself_after_four_rounds_and_resolved_when_it_did():
    inbox = Inbox()
    await send(inbox, one(alert(), "am"), one(alert(state="resolved"), "am"), resend_every="30s")
    (fired,), (resolved,) = (json.loads(body) for _, body in inbox.received)
    assert (fired["startsAt"], fired["endsAt"]) == (START, "2026-03-02T08:22:00Z")
    assert (resolved["startsAt"], resolved["endsAt"]) == (START, END)
    assert fired["labels"]["alertname"] == "low"
    assert fired["annotations"]["summary_zh"] == "接通率低"


async def test_alerts_that_come_together_are_posted_together_each_as_it_stands():
    inbox = Inbox()
    both = Notification(
        "id", "am", "digest", {}, (alert("a"), alert("b"), alert("a", "resolved")), grouped=True
    )
    await send(inbox, both)
    told = json.loads(inbox.received[0][1])
    assert [each["endsAt"] for each in told] == [END, "2026-03-02T08:24:00Z"]


@pytest.mark.parametrize("path", ["", "/", "/api/v2/alerts"])
async def test_the_address_may_be_written_with_or_without_the_path(path):
    inbox = Inbox()
    await send(inbox, one(alert(), "am"), path="/prefix" + path)
    assert inbox.paths == ["/prefix/api/v2/alerts"]


@pytest.mark.parametrize(("status", "error"), [(503, RetryableError), (400, FatalError)])
async def test_a_no_is_a_no(status, error):
    with pytest.raises(error):
        await send(Inbox(status), one(alert(), "am"))


@pytest.fixture
def alertmanager_binary():
    for name in ("prometheus-alertmanager", "alertmanager"):
        if found := shutil.which(name):
            return found
    why = "no Alertmanager here: apt-get install prometheus-alertmanager"
    if os.environ.get("CALLSTREAMS_REQUIRE_ALERTMANAGER") == "1":
        pytest.fail(why)
    pytest.skip(why)


@asynccontextmanager
async def alertmanager(binary, folder):
    """A real Alertmanager on a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = folder / "alertmanager.yml"
    config.write_text(CONFIG)
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(  # noqa: ASYNC220
            [binary, f"--config.file={config}", f"--storage.path={folder}",
             f"--web.listen-address={address}", "--cluster.listen-address="],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        async with ClientSession(f"http://{address}") as client:
            await until_ready(client, child)
            yield f"http://{address}", client
    finally:
        child.terminate()
        child.wait(20)


async def until_ready(client, child):
    async with asyncio.timeout(30):
        while True:
            assert child.poll() is None, "Alertmanager ended by itself"
            try:
                async with client.get("/-/ready") as answer:
                    if answer.status == 200:
                        return
            except ClientError:
                pass
            await asyncio.sleep(0.05)


async def shown(client, **query):
    async with client.get("/api/v2/alerts", params=query) as answer:
        return {each["labels"]["value"]: each for each in await answer.json()}


async def test_a_real_alertmanager_takes_and_shows_the_alerts(alertmanager_binary, tmp_path):
    now = datetime.now(UTC)
    started = now - timedelta(minutes=5)

    def numbered(value, state="firing"):
        return alert(
            f"f-{value}",
            state,
            labels={"alertname": "low", "severity": "critical", "value": value, "queue": "售后"},
            starts_at=started,
            at=now,
            ends_at=now - timedelta(seconds=1) if state == "resolved" else None,
        )

    async with alertmanager(alertmanager_binary, tmp_path) as (url, client):
        receiver = opened(url)
        try:
            await receiver.deliver(one(numbered("1"), "am"))
            await receiver.deliver(one(numbered("2"), "am"))
            await receiver.deliver(one(numbered("2"), "am"))
            firing = await shown(client)
            assert set(firing) == {"1", "2"}
            assert firing["1"]["status"]["state"] == "active"
            assert firing["1"]["labels"]["queue"] == "售后"
            assert firing["1"]["annotations"]["summary_zh"] == "接通率低"
            assert datetime.fromisoformat(firing["1"]["startsAt"]) == started.replace(
                microsecond=started.microsecond // 1000 * 1000
            )
            assert datetime.fromisoformat(firing["1"]["endsAt"]) > now + timedelta(minutes=3)
            await receiver.deliver(one(numbered("1", "resolved"), "am"))
            assert set(await shown(client)) == {"2"}
        finally:
            await receiver.close()


async def test_a_real_alertmanager_is_told_by_the_hooks_again_and_again_until_the_end(
    alertmanager_binary, kafka, tmp_path
):
    mark, now = uuid.uuid4().hex, datetime.now(UTC)

    def marked(state):
        labels = {"alertname": "low", "value": mark}
        ends_at = now if state == "resolved" else None
        return alert(mark, state, labels=labels, starts_at=now, at=now, ends_at=ends_at)

    async with alertmanager(alertmanager_binary, tmp_path) as (url, client):
        settings = HooksSettings.model_validate(
            {
                "group": f"hooks-{mark}",
                "receivers": [
                    {"name": "am", "type": "alertmanager", "url": url, "resend_every": "300ms"}
                ],
                "routes": [{"match": {"value": mark}, "receivers": "am"}],
            }
        )
        producer = new_producer(kafka)
        await producer.start()
        stop = asyncio.Event()
        hooks = asyncio.create_task(run_hooks(kafka, settings, stop))
        try:
            await producer.send_and_wait(ALERTS.name, marked("firing").to_json(), key=mark.encode())
            updates = await until_shown(client, mark, updates=3)
            assert len(updates) == 3, "an alert that fires is sent again"
            ended = marked("resolved")
            await producer.send_and_wait(ALERTS.name, ended.to_json(), key=mark.encode())
            assert await until_shown(client, mark, updates=0) == set()
        finally:
            await producer.stop()
            stop.set()
            await hooks


async def until_shown(client, value, updates):
    """Wait until an alert was updated so often; with 0 until it is not shown any more."""
    seen = set()
    async with asyncio.timeout(30):
        while True:
            found = await shown(client)
            if value in found:
                seen.add(found[value]["updatedAt"])
            elif not updates:
                return set()
            if updates and len(seen) >= updates:
                return seen
            await asyncio.sleep(0.05)
