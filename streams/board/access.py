"""Who may read the board, who may see customers' numbers, and who may write silences."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from connectors.secrets import Secret
from streams.board.settings import BoardSettings

_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may read."""

    unmask: bool = False
    write: bool = False


def reader_of(settings: BoardSettings, authorization: str | None) -> Reader | None:
    """Tell who asks by the Authorization header; None for one who may not read."""
    shown = None
    if authorization is not None and authorization.casefold().startswith(_SCHEME):
        shown = authorization[len(_SCHEME) :].strip()
    if shown is None:
        return None if settings.token is not None else Reader()
    reader = Reader(
        unmask=_same(shown, settings.unmask_token), write=_same(shown, settings.write_token)
    )
    if reader.unmask or reader.write or _same(shown, settings.token):
        return reader
    # a wrong token is said to be wrong, even where none is needed
    return None


def _same(shown: str, secret: Secret | None) -> bool:
    if secret is None:
        return False
    # a header may hold bytes that are no UTF-8
    return hmac.compare_digest(
        shown.encode(errors="surrogateescape"), secret.get_secret_value().encode()
    )
