"""The m7 signature (developer.7moor.com/v7/authorization)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """What 7moor gave the account."""

    appkey: str
    secret: str = field(repr=False)


def new_nonce() -> str:
    """Draw six digits: 7moor refuses a nonce that it has seen within five minutes."""
    return f"{secrets.randbelow(1_000_000):06d}"


def sign(credentials: Credentials, *, now: datetime, nonce: str) -> dict[str, str]:
    """Make the headers of one request; neither its address nor its body is signed.

    The timestamp is in seconds, although the documents' curl examples show milliseconds:
    the request that those pages echo back has ten digits.
    """
    timestamp = str(int(now.timestamp()))
    message = credentials.appkey + timestamp + nonce
    digest = hmac.new(credentials.secret.encode(), message.encode(), hashlib.sha256).digest()
    return {
        "m7-appkey": credentials.appkey,
        "m7-nonce": nonce,
        "m7-timestamp": timestamp,
        "m7-sign": base64.b64encode(digest).decode(),
    }
