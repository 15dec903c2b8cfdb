import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.hooks.notification import Notification, one
from connectors.hooks.receivers import ReceiverSettings
from connectors.hooks.receivers.robots import sign_dingtalk, sign_feishu
from schemas.errors import FatalError, RetryableError
from tests.hooks.alerts import Inbox, alert

AT = datetime(2026, 3, 2, 8, 0, 0, tzinfo=UTC)
YES = {
    "dingtalk": b'{"errcode":0,"errmsg":"ok"}',
    "wecom": b'{"errcode":0,"errmsg":"ok"}',
    "feishu": b'{"code":0,"msg":"success","data":{}}',
}


def opened(kind, url, **changes):
    settings = {"type": kind, "name": "group", "url": url, **changes}
    return TypeAdapter(ReceiverSettings).validate_python(settings).open()


async def send(kind, inbox, sent, **changes):
    async with inbox.open() as address:
        receiver = opened(kind, address + "/robot?token=t0k3n", **changes)
        try:
            await receiver.deliver(sent)
        finally:
            await receiver.close()
    return json.loads(inbox.received[-1][1])


def text(body):
    return body["content"]["text"] if "msg_type" in body else body["text"]["content"]


@pytest.mark.parametrize("kind", YES)
async def test_a_robot_writes_the_alert_in_words(kind):
    inbox = Inbox(body=YES[kind])
    body = await send(kind, inbox, one(alert(), "group"))
    assert body.get("msg_type", body.get("msgtype")) == "text"
    assert text(body).startswith("[告警 1] 接通率低\n")
    assert "2026-03-02 08:00:00 UTC" in text(body)
    assert inbox.paths == ["/robot?token=t0k3n"]
    body = await send(kind, inbox, one(alert(state="resolved"), "group"), language="en")
    assert text(body).startswith("[resolved 1] low\n")
    assert "15m00s" in text(body)


async def test_dingtalk_carries_time_and_signature_in_the_query():
    inbox = Inbox(body=YES["dingtalk"])
    await send("dingtalk", inbox, one(alert(), "group"), secret="SECret")
    query = parse_qs(urlsplit(inbox.paths[0]).query)
    at = datetime.fromtimestamp(int(query["timestamp"][0]) / 1000, UTC)
    assert parse_qs(sign_dingtalk("SECret", at))["sign"] == query["sign"]
    assert query["token"] == ["t0k3n"]


async def test_feishu_carries_time_and_signature_in_the_body():
    body = await send("feishu", Inbox(body=YES["feishu"]), one(alert(), "group"), secret="key")
    at = datetime.fromtimestamp(int(body["timestamp"]), UTC)
    assert sign_feishu("key", at) == {"timestamp": body["timestamp"], "sign": body["sign"]}


def test_the_signatures_are_those_of_openssl():
    # printf '1772438400000\nSECret' | openssl dgst -sha256 -hmac SECret -binary | base64
    sign = "OCNtp93IqtD0sCP8SHLF7s4Y1EoKpq9QPGCE19hGonI%3D"
    assert sign_dingtalk("SECret", AT) == f"timestamp=1772438400000&sign={sign}"
    # openssl dgst -sha256 -mac HMAC -macopt hexkey:<'1772438400\nkey' in hex> -binary
    sign = "a5BAkv+gYzD1l32DcKQIXOyMe+fVhhVSHT4hpddQ5oA="
    assert sign_feishu("key", AT) == {"timestamp": "1772438400", "sign": sign}


@pytest.mark.parametrize(
    ("kind", "answer", "error", "said"),
    [
        ("dingtalk", {"errcode": 310000, "errmsg": "sign not match"}, FatalError, "signing key"),
        ("dingtalk", {"errcode": 130101, "errmsg": "send too fast"}, RetryableError, "too fast"),
        ("wecom", {"errcode": 93000, "errmsg": "invalid webhook url"}, FatalError, "copy it anew"),
        ("wecom", {"errcode": 45009, "errmsg": "api freq out of limit"}, RetryableError, "freq"),
        ("feishu", {"code": 19021, "msg": "sign match fail"}, FatalError, "signing key"),
        ("feishu", {"code": 11232, "msg": "frequency limited"}, RetryableError, "frequency"),
        ("feishu", {"StatusCode": 19024, "msg": "Key Words Not Found"}, FatalError, "keyword"),
        ("wecom", "<html>", RetryableError, "something else"),
        ("wecom", [], RetryableError, "something else"),
    ],
)
async def test_a_no_with_http_200_is_a_no(kind, answer, error, said):
    with pytest.raises(error, match=said) as caught:
        await send(kind, Inbox(body=json.dumps(answer).encode()), one(alert(), "group"))
    assert "t0k3n" not in str(caught.value)


async def test_a_long_message_is_cut_to_what_the_robot_takes():
    many = tuple(alert(f"f{n}", annotations={"summary_zh": "接通率" * 100}) for n in range(25))
    sent = Notification("id", "group", "{}", {}, many, grouped=True)
    body = await send("wecom", Inbox(body=YES["wecom"]), sent)
    assert 1900 < len(text(body).encode()) <= 2048
    assert text(body).endswith("…")


def test_an_unknown_type_names_those_there_are():
    with pytest.raises(ValidationError, match="webhook, alertmanager, apprise, dingtalk"):
        opened("qq", "https://example.org")
