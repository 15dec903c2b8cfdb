"""icsoc's OAuth tokens: handed out by password or refresh token, 128 a day (PROTOCOLS.md)."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

from pydantic import JsonValue

from connectors.simulators.server import Answer, json_answer

_DAY = timedelta(days=1)


class Tokens:
    """The token endpoint of one agent.

    Attributes:
        company, agent, password, client_id, client_secret: the credentials; assign to rotate.
        lifetime: of an access token.
        a_day: so many requests in any 24 h, whatever the grant.
    """

    def __init__(self, seed: int, *, lifetime: timedelta = _DAY, a_day: int = 128) -> None:
        self._seed = seed
        self.company = "acme"
        self.agent = "6001"
        self.password = self._make("password")
        self.client_id = "callstreams"
        self.client_secret = self._make("client")
        self.lifetime = lifetime
        self.a_day = a_day
        self._asked: deque[datetime] = deque()
        self._expiries: dict[str, datetime] = {}
        self._refresh: set[str] = set()
        self._made = 0

    def expire(self) -> None:
        """Let every access token expire at once; refresh tokens stay good."""
        self._expiries.clear()

    def is_good(self, authorization: str, now: datetime) -> bool:
        """Say whether a request with this Authorization header may pass."""
        scheme, _, token = authorization.partition(" ")
        expiry = self._expiries.get(token)
        return scheme == "Bearer" and expiry is not None and now < expiry

    def grant(self, form: Mapping[str, str], now: datetime) -> Answer:
        """Answer a token request, or refuse it as RFC 6749, section 5.2 says."""
        while self._asked and self._asked[0] <= now - _DAY:
            self._asked.popleft()
        if len(self._asked) >= self.a_day:
            return _refuse("too_many_tokens", HTTPStatus.TOO_MANY_REQUESTS)
        self._asked.append(now)
        if (form.get("client_id"), form.get("client_secret")) != (
            self.client_id,
            self.client_secret,
        ):
            return _refuse("invalid_client", HTTPStatus.UNAUTHORIZED)
        match form.get("grant_type"):
            case "password":
                good = (
                    form.get("username") == f"{self.company}|{self.agent}"
                    and form.get("password") == self.password
                    and form.get("scope") == "openid"
                )
            case "refresh_token":
                good = form.get("refresh_token") in self._refresh
                self._refresh.discard(form.get("refresh_token", ""))
            case "client_credentials":
                good = True
            case _:
                return _refuse("unsupported_grant_type")
        return self._hand_out(now) if good else _refuse("invalid_grant")

    def _hand_out(self, now: datetime) -> Answer:
        self._made += 1
        access, refresh = self._make(f"access-{self._made}"), self._make(f"refresh-{self._made}")
        self._expiries[access] = now + self.lifetime
        self._refresh.add(refresh)
        return json_answer(
            {
                "access_token": access,
                "expires_in": int(self.lifetime.total_seconds()),
                "token_type": "Bearer",
                "scope": "openid",
                "refresh_token": refresh,
            }
        )

    def _make(self, name: str) -> str:
        return hashlib.sha256(f"icsoc/{self._seed}/{name}".encode()).hexdigest()[:40]


def _refuse(error: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Answer:
    content: dict[str, JsonValue] = {"error": error}
    return json_answer(content, status)
