"""How the wallboard is configured."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.secrets import Secret
from connectors.web import TlsFiles


class BoardSettings(BaseModel):
    """The wallboard and its JSON API.

    Attributes:
        host: where to listen; loopback by default.
        port: 0 takes a free one.
        token: what a reader must show as `Authorization: Bearer …`; None lets everybody read.
        unmask_token: the token of a role that sees customers' numbers in full; it reads as well.
        write_token: the token of those who may add and end silences; it reads as well. Without it
            nothing can be written.
        stale_after: counts whose window ended longer ago are shown as stale.
        silent_after: a source that no process has told of for so long is shown as silent; leave
            it longer than three times `poller.tell_every`.
        forget_after: a scope or source that says nothing for so long leaves the memory.
        calls_per_scope: how many of the newest calls are kept for each scope.
        calls_read_back: how many calls of each partition are read at the start.
        most_scopes: beyond these, the longest silent ones are forgotten.
        tick: changes are sent to the browsers at most so often.
        tls: serve HTTPS; None for plain HTTP.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    token: Secret | None = None
    unmask_token: Secret | None = None
    write_token: Secret | None = None
    stale_after: timedelta = timedelta(minutes=3)
    silent_after: timedelta = Field(default=timedelta(seconds=60), gt=timedelta())
    forget_after: timedelta = timedelta(hours=48)
    calls_per_scope: int = Field(default=20, gt=0, le=200)
    calls_read_back: int = Field(default=5_000, ge=0)
    most_scopes: int = Field(default=50_000, gt=0)
    tick: timedelta = Field(default=timedelta(milliseconds=200), gt=timedelta())
    tls: TlsFiles | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        for name in ("token", "unmask_token", "write_token"):
            secret = getattr(self, name)
            if secret is not None and not secret.get_secret_value():
                raise ValueError(f"{name} is empty: give one, or leave the key out")
        return self
