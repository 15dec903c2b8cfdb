"""The OAuth token of an icsoc agent: asked for seldom, kept on disk over restarts.

The vendor grants 128 token requests per agent in 24 hours, so the file also remembers when we
asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlencode, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from connectors.http import DeniedError, Http, RefusedError, Request
from connectors.secrets import Secret
from schemas.base import Moment
from schemas.errors import ConfigError, RetryableError

_log = logging.getLogger(__name__)

GRANTED_REQUESTS = 128
"""So many token requests an agent has in 24 hours."""
_PERIOD = timedelta(hours=24)
_LONGEST_MARGIN = timedelta(minutes=5)


class OAuth(BaseModel):
    """How an account logs in.

    Attributes:
        token_url: where tokens are given.
        grant: `password` as documented; `client_credentials` as sister products have it.
        company, agent: together the user name, `company|agent`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_url: str = "https://account.icsoc.net/oauth2/token"  # noqa: S105 - an address
    grant: Literal["password", "client_credentials"] = "password"
    company: str = ""
    agent: str = ""
    password: Secret = SecretStr("")
    client_id: str
    client_secret: Secret
    scope: str = "openid"

    @field_validator("token_url")
    @classmethod
    def _whole(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path:
            raise ValueError("token_url must be an http(s) address with its path")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = (self.company, self.agent, self.password.get_secret_value())
        if self.grant == "password" and not all(given):
            raise ValueError("the grant `password` needs company, agent and password")
        return self

    @property
    def base_url(self) -> str:
        """Give scheme, host and port of `token_url`."""
        parts = urlsplit(self.token_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def file_name(self) -> str:
        """Name the cache file: one for each agent, since the quota is the agent's."""
        told = (self.token_url, self.grant, self.company, self.agent, self.client_id, self.scope)
        return f"icsoc-{hashlib.sha256(repr(told).encode()).hexdigest()[:16]}.json"


def token_request(oauth: OAuth) -> Request:
    """Build the form that asks for a token."""
    form = {
        "grant_type": oauth.grant,
        "client_id": oauth.client_id,
        "client_secret": oauth.client_secret.get_secret_value(),
        "scope": oauth.scope,
    }
    if oauth.grant == "password":
        form["username"] = f"{oauth.company}|{oauth.agent}"
        form["password"] = oauth.password.get_secret_value()
    return Request(
        "POST",
        urlsplit(oauth.token_url).path,
        {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        urlencode(form).encode(),
    )


class _Granted(BaseModel):
    access_token: SecretStr
    expires_in: int = 3600

    @field_validator("access_token")
    @classmethod
    def _a_header_can_carry_it(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not (text and text.isascii() and text.isprintable()):
            raise ValueError("not a token")
        return value


class _Kept(BaseModel):
    """What the file holds: the token, until when it may be used, and when we asked."""

    access_token: str | None = None
    usable_until: Moment | None = None
    asked: tuple[Moment, ...] = ()


class Tokens:
    """The current token of one agent.

    Args:
        oauth: how to log in.
        http: speaks to `oauth.base_url`.
        directory: where the token is kept, readable by its owner alone.
        clock: tells the time.
    """

    def __init__(
        self, oauth: OAuth, http: Http, directory: Path, clock: Callable[[], datetime]
    ) -> None:
        self._oauth = oauth
        self._http = http
        self._path = directory / oauth.file_name
        self._clock = clock
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """Give a token that can be used: the kept one, or a new one before that ends.

        Raises:
            RetryableError: no token now; the quota may be used up.
            FatalError: the credentials were refused, or the file cannot be kept.
        """
        async with self._lock:
            kept = _load(self._path)
            if kept.access_token and kept.usable_until and self._clock() < kept.usable_until:
                return kept.access_token
            return await self._ask()

    def asked(self) -> int:
        """Tell how many tokens were asked for in the last 24 hours."""
        since = self._clock() - _PERIOD
        return sum(moment > since for moment in _load(self._path).asked)

    async def drop(self, token: str) -> None:
        """Forget a token that was refused, unless another has taken its place."""
        async with self._lock:
            kept = _load(self._path)
            if kept.access_token == token:
                _save(self._path, _Kept(asked=kept.asked))

    async def _ask(self) -> str:
        try:
            answer = await self._http.call(self._counted_request)
        except RefusedError as error:
            # RFC 6749, section 5.2: a wrong password is answered 400, invalid_grant.
            raise DeniedError(
                f"{self._http.host} refused the log-in with {error.status}: check company, "
                "agent, password, client_id and client_secret of the account",
                status=error.status,
            ) from error
        now = self._clock()
        try:
            granted = _Granted.model_validate_json(answer.body)
        except ValidationError:
            # The error's text would hold the answer, and with it perhaps a token.
            raise RetryableError(f"{self._http.host} answered without an access_token") from None
        lifetime = timedelta(seconds=granted.expires_in)
        token = granted.access_token.get_secret_value()
        usable_until = now + lifetime - min(_LONGEST_MARGIN, lifetime / 10)
        asked = _load(self._path).asked
        _save(self._path, _Kept(access_token=token, usable_until=usable_until, asked=asked))
        return token

    def _counted_request(self) -> Request:
        """Build the request, and note it before it is sent: a crash must not forget it."""
        now = self._clock()
        asked = tuple(moment for moment in _load(self._path).asked if moment > now - _PERIOD)
        if len(asked) >= GRANTED_REQUESTS - 1:
            raise RetryableError(
                f"{len(asked)} tokens were asked for in 24 hours and the vendor grants "
                f"{GRANTED_REQUESTS}: find out why tokens are refused or not kept",
                retry_after=min(asked) + _PERIOD - now,
            )
        _save(self._path, _Kept(asked=(*asked, now)))
        return token_request(self._oauth)


def _load(path: Path) -> _Kept:
    try:
        return _Kept.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return _Kept()
    except OSError as error:
        raise ConfigError(
            f"the token file {path} cannot be read ({error.strerror}): mend its permissions"
        ) from error
    except ValidationError:
        _log.warning("the token file %s is damaged and will be written anew", path)
        return _Kept()


def _save(path: Path, kept: _Kept) -> None:
    """Write the file whole or not at all; mkstemp gives it mode 0600 from the first byte."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(kept.model_dump_json().encode())
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise ConfigError(
            f"the token cannot be kept in {path.parent} ({error.strerror}): "
            "set state_dir to a directory that can be written"
        ) from error
