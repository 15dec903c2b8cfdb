import asyncio
import json
import logging
import threading
from datetime import timedelta

import pytest
from pydantic import ValidationError

from connectors.hooks.notification import one
from connectors.hooks.settings import HooksSettings
from connectors.notify import Service
from schemas.errors import RetryableError
from tests.hooks.alerts import Inbox, alert

HOUR = timedelta(hours=1)


def settings(*urls, **changes):
    receiver = {"type": "apprise", "name": "chat", "urls": urls, **changes}
    return HooksSettings.model_validate({"receivers": [receiver]}).receivers[0]


def address_of(address, path=""):
    return address.replace("http://", "json://") + path


async def test_an_alert_reaches_a_service_in_words():
    inbox = Inbox()
    async with inbox.open() as address:
        receiver = settings(address_of(address)).open()
        await receiver.deliver(one(alert(), "chat"))
        await receiver.deliver(one(alert(state="resolved"), "chat"))
        await receiver.close()
    fired, resolved = (json.loads(body) for _, body in inbox.received)
    assert (fired["title"], fired["type"]) == ("[firing 1] low", "failure")
    assert "since 2026-03-02 08:00:00 UTC" in fired["message"]
    assert (resolved["title"], resolved["type"]) == ("[resolved 1] low", "success")


async def test_a_second_attempt_spares_those_that_have_it():
    well, broken = Inbox(), Inbox(500)
    async with well.open() as one_address, broken.open() as other:
        receiver = settings(address_of(one_address), address_of(other)).open()
        with pytest.raises(RetryableError, match="json:// did not take"):
            await receiver.deliver(one(alert(), "chat"))
        await receiver.deliver(one(alert(), "chat"))
        await receiver.close()
    assert (len(well.received), len(broken.received)) == (1, 2)


async def test_a_service_that_hangs_is_given_up(monkeypatch):
    service = Service("json://127.0.0.1:9")
    hang = threading.Event()
    monkeypatch.setattr(service, "_send", lambda *_: hang.wait())
    try:
        with pytest.raises(RetryableError, match="in time"):
            await service.send("t", "b", level="info", timeout=timedelta(milliseconds=1))
    finally:
        hang.set()
        service.close()


async def test_the_loop_goes_on_while_a_service_is_slow(monkeypatch):
    service = Service("json://127.0.0.1:9")
    gate = threading.Event()
    monkeypatch.setattr(service, "_send", lambda *_: gate.wait() and None)
    sending = asyncio.create_task(service.send("t", "b", level="info", timeout=HOUR))
    await asyncio.sleep(0)
    gate.set()  # not reached, were the send to block the loop
    await sending
    service.close()


@pytest.mark.parametrize(
    ("url", "mend"),
    [
        ("nosuch://t0k3n", "appriseit.com"),
        ("slack://t0k3n", "appriseit.com"),
        ("dingtalk://t0k3n", "type: dingtalk"),
        ("lark://t0k3n", "type: feishu"),
        ("feishu://t0k3n", "type: feishu"),
        ("wecombot://t0k3n", "type: wecom"),
    ],
)
def test_a_wrong_address_names_the_mend_and_is_not_told(url, mend, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ValidationError) as caught:
        settings(url)
    assert mend in str(caught.value)
    assert "t0k3n" not in str(caught.value) + caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts",
        "tgram://123456789:abcdefg_hijklmnop/12315544",
        "mailtos://user:password@example.org?to=ops@example.org",
        "workflows://prod-1.example.org:443/643e69f83c8944/8b3f/",
        "twilio://AC123456789012345678901234567890ab:bb0123456789012345678901234567890@15551230001/15551230002",
    ],
)
def test_the_addresses_of_the_documentation_are_understood(url):
    assert settings(url).urls[0].get_secret_value() == url
