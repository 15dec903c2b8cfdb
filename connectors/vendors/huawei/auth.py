"""Huawei's "C2" Authorization header, as its own demo code makes it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Credentials:
    """The access key and its secret, as Huawei gave them."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Scheme:
    """Where implementations of C2 differ; the defaults are those of Huawei's own.

    Attributes:
        signed_headers: which headers are signed.
        timestamp_millis: whether the time is written with milliseconds.
        blank_query_line: whether a request without a query signs an empty line for it.
    """

    signed_headers: tuple[str, ...] = ("host",)
    timestamp_millis: bool = False
    blank_query_line: bool = False


HUAWEIS_OWN = Scheme()


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A request as it will be sent, to the byte.

    Attributes:
        headers: at least those that the scheme signs; names in lower case.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def target(self) -> str:
        """Give path and query as they are signed and sent."""
        return f"{self.path}?{encode_query(self.query)}" if self.query else self.path


def encode(text: str | bytes) -> str:
    """Percent-encode UTF-8: all but A-Z a-z 0-9 - . _ ~, in upper-case hex (RFC 3986, 2.3)."""
    return quote(text, safe="")


def encode_query(query: Mapping[str, str]) -> str:
    """Write a query in the order that is signed."""
    return "&".join(sorted(f"{encode(name)}={encode(value)}" for name, value in query.items()))


def authorize(
    credentials: Credentials, request: Unsigned, *, now: datetime, scheme: Scheme = HUAWEIS_OWN
) -> str:
    """Make the Authorization header of one request."""
    names = sorted(name.lower() for name in scheme.signed_headers)
    stamp = _timestamp(now, scheme)
    prefix = f"auth-v2/{credentials.access_key}/{stamp}/{';'.join(names)}"
    # The hex text of the first digest, not its bytes, is the second key.
    key = _hmac_hex(credentials.secret_key, prefix)
    canonical = "\n".join(_lines(request, names, scheme))
    return f"{prefix}/{_hmac_hex(key, canonical)}"


def _lines(request: Unsigned, names: list[str], scheme: Scheme) -> list[str]:
    has_query_line = bool(request.query) or scheme.blank_query_line
    return [
        request.method,
        request.path,
        *([encode_query(request.query)] if has_query_line else []),
        ";".join(names),
        *sorted(f"{encode(name)}:{encode(request.headers[name])}" for name in names),
        encode(request.body),
    ]


def _timestamp(now: datetime, scheme: Scheme) -> str:
    precision = "milliseconds" if scheme.timestamp_millis else "seconds"
    return now.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def _hmac_hex(key: str, message: str) -> str:
    return hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()
