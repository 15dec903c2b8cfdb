"""The signature of a push: an MD5 over what is sent and a secret that both sides know."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from typing import Literal

from connectors.vendors.icsoc.jsontext import Value

Formula = Literal["data+secret", "secret+data", "secret+timestamp", "off"]
"""What is hashed. `data+secret` is documented for the sister product and inferred for this one.

`secret+timestamp` does not cover the data, and `off` covers nothing: whoever can reach the
address can then push calls.
"""


def as_php_writes(value: object) -> str:
    r"""Write JSON as PHP's `json_encode` does: compact, with `\uXXXX` and `\/`."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def texts_signed(data: Value) -> Iterator[str]:
    """Give what the vendor may have signed for `data`, one after the other.

    A string was signed as it is; an object as its JSON text, which is looked for first as it
    stands in the body and then as PHP would write it.
    """
    if isinstance(data.value, str):
        yield data.value
        return
    yield data.text
    yield as_php_writes(data.value)


def sign(data: str, secret: str, *, timestamp: str = "", formula: Formula = "data+secret") -> str:
    """Compute the signature: 32 lower-case hex digits; empty for the formula `off`."""
    return _sign(data.encode("utf-8", "replace"), secret, timestamp, formula)


def _sign(data: bytes, secret: str, timestamp: str, formula: Formula) -> str:
    shared = secret.encode("utf-8", "replace")
    match formula:
        case "data+secret":
            signed = data + shared
        case "secret+data":
            signed = shared + data
        case "secret+timestamp":
            signed = shared + timestamp.encode("utf-8", "replace")
        case "off":
            return ""
    return hashlib.md5(signed, usedforsecurity=False).hexdigest()


def secret_that_signed_bytes(
    data: bytes,
    claimed: str,
    *,
    secrets: Sequence[str],
    timestamp: str = "",
    formula: Formula = "data+secret",
) -> str | None:
    """Find the secret under which the claimed signature of these bytes holds, or None.

    Each is compared in constant time, and all of them, so that the answer's delay tells nothing
    of a signature.
    """
    if formula == "off":
        return None
    claim = claimed.lower().encode("utf-8", "replace")
    found: str | None = None
    for secret in secrets:
        if hmac.compare_digest(_sign(data, secret, timestamp, formula).encode(), claim):
            found = secret
    return found


def secret_that_signed(
    data: Value,
    claimed: str,
    *,
    secrets: Sequence[str],
    timestamp: str = "",
    formula: Formula = "data+secret",
) -> str | None:
    """Do the same for a JSON value; the other way to write it is tried where none holds."""
    for text in texts_signed(data):
        found = secret_that_signed_bytes(
            text.encode("utf-8", "replace"),
            claimed,
            secrets=secrets,
            timestamp=timestamp,
            formula=formula,
        )
        if found is not None:
            return found
    return None
