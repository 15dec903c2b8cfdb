import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from connectors.hooks.notification import one
from connectors.hooks.receivers.webhook import WebhookSettings
from schemas.alert import Alert
from schemas.errors import FatalError, RetryableError
from tests.hooks.alerts import END, SECRET, START, Inbox, alert

TOLD = one(alert(), "one")


async def send(inbox, sent, path="/hook?team=a%2Fb", **changes):
    async with inbox.open() as address:
        settings = WebhookSettings.model_validate(
            {"name": "one", "url": address + path, "secret": SECRET, **changes}
        )
        receiver = settings.open()
        try:
            await receiver.deliver(one(sent, "one"))
        finally:
            await receiver.close()
    return inbox.received[-1]


async def test_the_receiver_can_verify_the_signature_and_read_the_alert():
    inbox = Inbox()
    headers, body = await send(inbox, alert())
    event = Webhook(SECRET).verify(body, headers)
    assert event["type"] == "alert.firing"
    assert event["timestamp"] == START
    assert event["data"]["id"] == headers["webhook-id"] == alert().id
    assert Alert.model_validate(event["data"]) == alert()
    assert headers["content-type"] == "application/json"
    assert inbox.paths == ["/hook?team=a%2Fb"]


async def test_a_changed_body_does_not_verify():
    headers, body = await send(Inbox(), alert())
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"firing", b"resolved"), headers)


async def test_a_resolved_alert_says_so():
    headers, body = await send(Inbox(), alert(state="resolved"))
    assert Webhook(SECRET).verify(body, headers)["type"] == "alert.resolved"
    assert headers["webhook-id"].endswith("-resolved")


@pytest.mark.parametrize(("state", "ends"), [("firing", "0001-01-01T00:00:00Z"), ("resolved", END)])
async def test_the_alertmanager_format_is_version_4(state, ends):
    headers, body = await send(
        Inbox(),
        alert(state=state),
        format="alertmanager",
        secret=None,
        headers={"Authorization": "Bearer token"},
    )
    told = json.loads(body)
    (one,) = told["alerts"]
    assert (told["version"], told["status"], told["receiver"]) == ("4", state, "one")
    assert (one["status"], one["startsAt"], one["endsAt"]) == (state, START, ends)
    assert one["labels"]["alertname"] == "low"
    assert one["annotations"]["summary_zh"] == "接通率低"
    assert headers["authorization"] == "Bearer token"
    assert "webhook-signature" not in headers


async def test_each_attempt_is_stamped_anew():
    settings = WebhookSettings.model_validate(
        {"name": "one", "url": "https://example.org", "secret": SECRET}
    )
    times = iter(datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=n) for n in range(2))
    receiver = settings.open(lambda: next(times))
    first, second = receiver.build(TOLD), receiver.build(TOLD)
    await receiver.close()
    assert first.target == "/"
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 60
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, RetryableError), (429, RetryableError), (400, FatalError), (401, FatalError)],
)
async def test_a_no_says_whether_it_can_be_tried_again(status, kind):
    with pytest.raises(kind) as caught:
        await send(Inbox(status), alert(), path="/token-in-path")
    assert "token-in-path" not in str(caught.value)
