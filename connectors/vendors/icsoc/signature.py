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

    Each is compared in constant time, and all secrets of a text, so that the answer's delay
    tells nothing of a signature. The other way to write an object is tried where none holds.
    """
    claim = claimed.lower().encode("utf-8", "replace")
    if formula == "off":
        return None
    for text in texts_signed(data):
        found: str | None = None
        for secret in secrets:
            right = sign(text, secret, timestamp=timestamp, formula=formula).encode()
            if hmac.compare_digest(right, claim):
                found = secret
        if found is not None:
            return found
    return None
