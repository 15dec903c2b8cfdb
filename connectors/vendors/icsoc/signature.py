"""The signature of a push: an MD5 over what is sent and a secret that both sides know."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
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


def texts_signed(data: Value) -> tuple[str, ...]:
    """Give what the vendor may have signed for `data`.

    A string was signed as it is; an object as its JSON text, which is looked for first as it
    stands in the body and then as PHP would write it.
    """
    if isinstance(data.value, str):
        return (data.value,)
    return (data.text, as_php_writes(data.value))


def sign(data: str, secret: str, *, timestamp: str = "", formula: Formula = "data+secret") -> str:
    """Compute the signature: 32 lower-case hex digits; empty for the formula `off`."""
    match formula:
        case "data+secret":
            text = data + secret
        case "secret+data":
            text = secret + data
        case "secret+timestamp":
            text = secret + timestamp
        case "off":
            return ""
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def secret_that_signed(
    data: Value,
    claimed: str,
    *,
    secrets: Sequence[str],
    timestamp: str = "",
    formula: Formula = "data+secret",
) -> str | None:
    """Find the secret under which the claimed signature holds, or None.

    Every pair is compared, in constant time each, so that the answer's delay tells nothing.
    """
    claim = claimed.lower().encode("utf-8", "replace")
    found: str | None = None
    for secret, text in _pairs(secrets, texts_signed(data)):
        right = sign(text, secret, timestamp=timestamp, formula=formula).encode()
        if hmac.compare_digest(right, claim) and formula != "off":
            found = secret
    return found


def _pairs(secrets: Iterable[str], texts: Sequence[str]) -> Iterable[tuple[str, str]]:
    return ((secret, text) for secret in secrets for text in texts)
