"""The group robots of DingTalk, WeCom and Feishu.

Apprise knows them, but takes every HTTP 200 for a yes, where the robots say no with HTTP 200 and a
code in the body; it does not sign for Feishu, and quotes DingTalk's signature twice.

Sources: open.dingtalk.com/document/orgapp/custom-robot-access,
developer.work.weixin.qq.com/document/path/91770,
open.feishu.cn/document/client-docs/bot-v3/add-custom-bot.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote_plus

from pydantic import field_validator

from connectors.budget import Unlimited
from connectors.hooks.notification import Notification
from connectors.hooks.receivers.base import RateBudget, ReceiverBase, checked_url, split_url
from connectors.hooks.receivers.payloads import encode
from connectors.hooks.receivers.text import Language, Text, shorten, write
from connectors.http import ONCE, Answer, Http, Request
from connectors.secrets import Secret
from schemas.errors import FatalError, RetryableError

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What differs between the robots.

    Attributes:
        most_bytes: of the text.
        hopeless: codes that stay until a person mends something, with the mend. Any other code
            (too fast, system busy) may pass.
    """

    most_bytes: int
    hopeless: dict[int, str]


_TOKEN = "the robot is gone or the url is wrong: copy it anew from the group's robot"  # noqa: S105
_SAFETY = (
    "the robot's safety settings refuse it: set secret to its signing key, or give it a "
    "keyword that is in every message, or allow this address"
)
_SHAPE = "the robot does not take this message"
_KINDS = {
    "dingtalk": _Kind(
        19_000,
        {300001: _TOKEN, 300005: _TOKEN, 400101: _TOKEN, 400102: _TOKEN, 400106: _TOKEN}
        | {400013: "the group was dissolved", 310000: _SAFETY, 400105: _SHAPE, 40035: _SHAPE},
    ),
    "wecom": _Kind(2_000, {93000: _TOKEN, 93004: _TOKEN, 93008: _TOKEN, 40008: _SHAPE}),
    "feishu": _Kind(
        18_000,
        {19001: _TOKEN, 19007: _TOKEN, 19021: _SAFETY, 19022: _SAFETY, 19024: _SAFETY}
        | {19002: _SHAPE, 9499: _SHAPE},
    ),
}


class RobotSettings(ReceiverBase):
    """A robot of a chat group.

    Attributes:
        url: the webhook as the group shows it, token included.
        secret: DingTalk's 加签 or Feishu's 签名校验 key; WeCom has none.
        language: of the texts.
        rate: 18 a minute by default, since the robots of DingTalk and WeCom take 20, and are
            shut for minutes when they get more. Feishu's take 100.
    """

    type: Literal["dingtalk", "wecom", "feishu"]
    url: Secret
    secret: Secret | None = None
    language: Language = "zh"

    @property
    def budget(self) -> RateBudget | None:
        """Give how many messages it takes."""
        return self.rate or RateBudget(18, timedelta(minutes=1))

    _is_http = field_validator("url")(checked_url)

    def open(self, now: Now = lambda: datetime.now(UTC)) -> RobotReceiver:
        """Make the receiver."""
        return RobotReceiver(self, now)


class RobotReceiver:
    """Writes into one chat group.

    Args:
        settings: which group, in which language.
        now: stamps the signature, anew for every attempt.
    """

    def __init__(self, settings: RobotSettings, now: Now) -> None:
        self._settings = settings
        self._now = now
        base, self._target = split_url(settings.url)
        self._http = Http(base, budget=Unlimited(), timeout=settings.timeout, retry=ONCE)

    async def deliver(self, notification: Notification) -> None:
        """Write one message; a yes is a 2xx whose body says code 0."""
        await self._http.call(
            lambda: self.build(notification),
            check=lambda answer: check(self._settings.type, answer),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def build(self, notification: Notification) -> Request:
        """Make the signed request."""
        text = write(notification, self._settings.language)
        target, body = self._target, _body(self._settings.type, text)
        if self._settings.secret is not None:
            key, at = self._settings.secret.get_secret_value(), self._now()
            if self._settings.type == "dingtalk":
                target += ("&" if "?" in target else "?") + sign_dingtalk(key, at)
            elif self._settings.type == "feishu":
                body |= sign_feishu(key, at)
        return Request("POST", target, {"content-type": "application/json"}, encode(body))


def sign_dingtalk(secret: str, at: datetime) -> str:
    """Give DingTalk's query: the time in ms, and HMAC-SHA256 of it under the secret."""
    stamp = str(int(at.timestamp() * 1000))
    code = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256)
    return f"timestamp={stamp}&sign={quote_plus(base64.b64encode(code))}"


def sign_feishu(secret: str, at: datetime) -> dict[str, str]:
    """Give Feishu's fields: the time in s, and HMAC-SHA256 of nothing under time and secret."""
    stamp = str(int(at.timestamp()))
    code = hmac.digest(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256)
    return {"timestamp": stamp, "sign": base64.b64encode(code).decode()}


def check(kind: str, answer: Answer) -> None:
    """Raise where a robot says no with HTTP 200.

    Raises:
        RetryableError: it may pass: too many messages, or the robot's house is busy.
        FatalError: it will not; the text names the mend.
    """
    try:
        said = json.loads(answer.body)
        code = next(said[name] for name in ("errcode", "code", "StatusCode") if name in said)
    except (ValueError, TypeError, StopIteration) as error:
        raise RetryableError(f"{kind} answered something else than a robot does") from error
    if code == 0:
        return
    words = str(said.get("errmsg") or said.get("msg") or "")[:200]
    mend = _KINDS[kind].hopeless.get(code)
    if mend is not None:
        raise FatalError(f"{kind} answered {code} ({words}): {mend}")
    raise RetryableError(f"{kind} answered {code} ({words})")


def _body(kind: str, text: Text) -> dict[str, Any]:
    whole = shorten(f"{text.title}\n{text.body}", _KINDS[kind].most_bytes)
    if kind == "feishu":
        return {"msg_type": "text", "content": {"text": whole}}
    return {"msgtype": "text", "text": {"content": whole}}
