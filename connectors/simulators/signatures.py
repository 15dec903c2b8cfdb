"""The vendors' signatures, as a server computes them (PROTOCOLS.md)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from pydantic import JsonValue

from connectors.crypto import encrypt_aes_cfb128

_KEY_BYTES = 32
_IV_BYTES = 16
_C2_SCHEME = "auth-v2"
_C2_PARTS = 5


def m7_sign(appkey: str, timestamp: str, nonce: str, secret: str) -> str:
    """Compute 7moor's `m7-sign`."""
    digest = hmac.digest(secret.encode(), f"{appkey}{timestamp}{nonce}".encode(), "sha256")
    return base64.b64encode(digest).decode()


@dataclass(frozen=True, slots=True)
class C2Header:
    """Huawei's C2 Authorization header, taken apart."""

    access_key: str
    timestamp: str
    names: tuple[str, ...]
    signature: str

    @property
    def prefix(self) -> str:
        """Give what the signing key is made from."""
        return "/".join((_C2_SCHEME, self.access_key, self.timestamp, ";".join(self.names)))


def read_c2(header: str) -> C2Header | None:
    """Take a C2 header apart; None where it is none."""
    parts = header.split("/")
    if len(parts) != _C2_PARTS or parts[0] != _C2_SCHEME:
        return None
    _, access_key, timestamp, names, signature = parts
    return C2Header(access_key, timestamp, tuple(names.split(";")), signature)


def c2_signature(
    header: C2Header,
    secret_key: str,
    *,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    blank_query_line: bool = False,
) -> str:
    """Compute the signature that `header` should carry.

    Args:
        header: for its prefix and the names of the signed headers.
        secret_key: the SK.
        method: such as GET.
        target: path and query exactly as received.
        headers: at least the signed ones, by lower-case name.
        body: exactly as received.
        blank_query_line: write the query's line even where there is no query.
    """
    path, _, query = target.partition("?")
    lines = [method.upper(), path]
    pairs = _encoded(_split(part, "=") for part in query.split("&") if part)
    if pairs or blank_query_line:
        lines.append("&".join(f"{name}={value}" for name, value in pairs))
    lines.append(";".join(header.names))
    signed = _encoded((name, headers.get(name, "")) for name in header.names)
    lines += [f"{name}:{value}" for name, value in signed]
    canon = "\n".join([*lines, _encode(body)])
    key = hmac.new(secret_key.encode(), header.prefix.encode(), hashlib.sha256).hexdigest()
    return hmac.new(key.encode(), canon.encode(), hashlib.sha256).hexdigest()


def _split(text: str, by: str) -> tuple[str, str]:
    name, _, value = text.partition(by)
    return unquote(name), unquote(value)


def _encoded(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted((_encode(name), _encode(value)) for name, value in pairs)


def _encode(text: str | bytes) -> str:
    return quote(text, safe="")


def php_json(content: JsonValue) -> str:
    r"""Write JSON as PHP's json_encode does: compact, ``\uXXXX``, ``\/``."""
    return json.dumps(content, separators=(",", ":")).replace("/", "\\/")


def push_sign(data: str, secret: str) -> str:
    """Sign the `data` of an icsoc push: its JSON text, or its base64 string."""
    return hashlib.md5((data + secret).encode(), usedforsecurity=False).hexdigest()


def push_encrypt(data: str, secret: str) -> str:
    """Encrypt the `data` of an icsoc push, as PHP's openssl does with aes-256-cfb."""
    key = secret.encode()[:_KEY_BYTES].ljust(_KEY_BYTES, b"\0")
    initial = secret.encode()[:_IV_BYTES].ljust(_IV_BYTES, b"\0")
    return base64.b64encode(encrypt_aes_cfb128(key, initial, data.encode())).decode()
