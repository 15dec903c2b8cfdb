"""What people read in Slack, Teams, Telegram and mail, at servers that speak as theirs do."""

import json
import ssl
import subprocess

import pytest
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from connectors.hooks.notification import one
from connectors.hooks.receivers.base import PartlyRefusedError
from connectors.hooks.settings import HooksSettings
from connectors.notify import answers
from schemas.errors import FatalError, RetryableError
from tests.hooks.alerts import Inbox, alert
from tests.hooks.smtp import MailServer

HOOK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts"
BOT = "slack://xoxb-1234-1234-abcdefg/#alerts"
TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/12315544"
TELEGRAM_YES = b'{"ok":true,"result":{"message_id":7}}'


async def deliver(*urls, told=None):
    receiver = {"type": "apprise", "name": "chat", "urls": urls}
    (settings,) = HooksSettings.model_validate({"receivers": [receiver]}).receivers
    receiver = settings.open()
    try:
        await receiver.deliver(told or one(alert(), "chat"))
    finally:
        await receiver.close()


def at(monkeypatch, address):
    """Let the services of the wide world stand at one address."""
    monkeypatch.setattr(NotifySlack, "webhook_url", f"{address}/services")
    monkeypatch.setattr(NotifySlack, "api_url", address + "/api/{}")
    monkeypatch.setattr(NotifyTelegram, "notify_url", f"{address}/bot")


async def test_slack_is_told_in_its_channel(monkeypatch):
    inbox = Inbox(body=b"ok")
    async with inbox.open() as address:
        at(monkeypatch, address)
        await deliver(HOOK)
    ((_, body),) = inbox.received
    told = json.loads(body)
    assert inbox.paths == ["/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"]
    assert told["channel"] == "#alerts"
    (card,) = told["attachments"]
    assert card["title"] == "[firing 1] low"
    assert "since 2026-03-02 08:00:00 UTC" in card["text"]


async def test_telegram_is_told_in_its_chat(monkeypatch):
    inbox = Inbox(body=TELEGRAM_YES)
    async with inbox.open() as address:
        at(monkeypatch, address)
        await deliver(TELEGRAM)
    ((_, body),) = inbox.received
    told = json.loads(body)
    assert inbox.paths == ["/bot123456789:abcdefg_hijklmnop/sendMessage"]
    assert told["chat_id"] == 12315544
    assert "[firing 1] low" in told["text"]
    assert "since 2026-03-02 08:00:00 UTC" in told["text"]


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
async def test_teams_is_told_by_a_card(tls):
    inbox = Inbox()
    async with inbox.open(tls) as address:
        await deliver(address.replace("https://", "workflows://") + "/643e69f8/8b3f/?verify=no")
    ((_, body),) = inbox.received
    (card,) = json.loads(body)["attachments"]
    assert "/workflows/643e69f8/triggers/manual/paths/invoke?" in inbox.paths[0]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    texts = [each["text"] for each in card["content"]["body"] if each["type"] == "TextBlock"]
    assert texts[0] == "[firing 1] low"
    assert "since 2026-03-02 08:00:00 UTC" in texts[1]


def mailbox(port):
    return (
        f"mailto://user:t0k3n@127.0.0.1:{port}?mode=insecure&from=calls@example.org"
        "&to=ops@example.org"
    )


async def test_a_mail_is_sent_with_the_alert_in_subject_and_text():
    server = MailServer()
    async with server.open() as port:
        await deliver(mailbox(port))
    (mail,) = server.mails
    assert mail["subject"] == "[firing 1] low"
    assert mail["to"] == "ops@example.org"
    assert "calls@example.org" in mail["from"]
    assert "since 2026-03-02 08:00:00 UTC" in mail.get_body(("plain", "html")).get_content()
    assert server.recipients == ["<ops@example.org>"]


@pytest.mark.parametrize(
    ("replies", "error", "code"),
    [
        ({"auth": "535 5.7.8 bad t0k3n"}, FatalError, "535"),
        ({"auth": "454 4.7.0 later"}, RetryableError, "454"),
        ({"recipient": "550 5.1.1 no such user"}, FatalError, "550"),
        ({"recipient": "451 4.7.1 greylisted"}, RetryableError, "451"),
        ({"data": "554 5.7.1 refused by policy"}, FatalError, "554"),
        ({"data": "452 4.3.1 disk full"}, RetryableError, "452"),
    ],
)
async def test_a_mail_server_says_whether_it_can_be_tried_again(replies, error, code):
    async with MailServer(**replies).open() as port:
        with pytest.raises(error, match=code) as caught:
            await deliver(mailbox(port))
    assert "t0k3n" not in str(caught.value)
    assert "example.org" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "status", "body", "error", "said"),
    [
        (HOOK, 403, b"invalid_token", FatalError, "403"),
        (HOOK, 404, b"no_service", FatalError, "404"),
        (HOOK, 429, b"rate_limited", RetryableError, "429"),
        (HOOK, 500, b"server_error", RetryableError, "500"),
        (BOT, 200, b'{"ok":false,"error":"invalid_auth"}', FatalError, "invalid_auth"),
        (BOT, 200, b'{"ok":false,"error":"ratelimited"}', RetryableError, "did not take"),
        (TELEGRAM, 401, b'{"ok":false,"description":"Unauthorized"}', FatalError, "401"),
        (TELEGRAM, 400, b'{"ok":false,"description":"chat not found"}', FatalError, "400"),
        (TELEGRAM, 429, b'{"ok":false,"parameters":{"retry_after":5}}', RetryableError, "429"),
    ],
)
async def test_a_no_says_whether_it_can_be_tried_again(monkeypatch, url, status, body, error, said):
    inbox = Inbox(always=status, body=body)
    async with inbox.open() as address:
        at(monkeypatch, address)
        with pytest.raises(error, match=said) as caught:
            await deliver(url)
    assert len(inbox.received) == 1
    assert "abcdefg" not in str(caught.value)
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in str(caught.value)


async def test_what_cannot_be_reached_may_be_another_time(monkeypatch):
    at(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(RetryableError):
        await deliver(HOOK, TELEGRAM)
    with pytest.raises(RetryableError):
        await deliver(mailbox(9))


async def test_where_one_of_several_addresses_is_wrong_the_others_are_told(monkeypatch):
    well, wrong = Inbox(body=TELEGRAM_YES), Inbox(always=401)
    async with well.open() as address, wrong.open() as other:
        at(monkeypatch, address)
        with pytest.raises(PartlyRefusedError, match=r"json:// refuses the message \(401\)"):
            await deliver(other.replace("http://", "json://"), TELEGRAM)
    assert len(well.received) == 1


def test_one_no_that_may_pass_is_enough_to_try_again():
    assert answers(["Failed: Forbidden., error=403."]) == (("403",), False)
    assert answers(["Failed: error=403.", "Failed: error=502."]) == (("403", "502"), True)
    assert answers(["Failed: error=403.", "Socket Exception: timed out"]).may_pass
    assert answers([]).may_pass
