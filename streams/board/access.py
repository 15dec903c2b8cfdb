"""Who may read the board, and who may see customers' numbers."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from streams.board.settings import BoardSettings

_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may read."""

    unmask: bool


def reader_of(settings: BoardSettings, authorization: str | None) -> Reader | None:
    """Tell who asks by the Authorization header; None for one who may not read."""
    shown = None
    if authorization is not None and authorization.casefold().startswith(_SCHEME):
        shown = authorization[len(_SCHEME) :].strip()
    if shown is None:
        return None if settings.token is not None else Reader(unmask=False)
    if settings.unmask_token is not None and _same(shown, settings.unmask_token.get_secret_value()):
        return Reader(unmask=True)
    if settings.token is not None and _same(shown, settings.token.get_secret_value()):
        return Reader(unmask=False)
    # a wrong token is said to be wrong, even where none is needed
    return None


def _same(one: str, other: str) -> bool:
    # a header may hold bytes that are no UTF-8
    return hmac.compare_digest(one.encode(errors="surrogateescape"), other.encode())
