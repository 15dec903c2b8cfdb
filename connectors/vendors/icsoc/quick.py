"""A push in the form that the vendor writes it in, read by compiled code.

It says nothing of what is wrong: it gives None, and `push` then reads the body thoroughly. What
it does give is what `push` would have given; tests hold the two together.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from connectors.vendors.icsoc.jsontext import MAX_DEPTH
from connectors.vendors.icsoc.payloads import call_id_of

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_STRING = msgspec.json.Decoder(str)
_NOTHING = msgspec.Raw(b'""')
_CDR_TYPES = (b"1", b'"1"')


class _Named(msgspec.Struct):
    callId: str | int | None = None  # noqa: N815 - the vendor's name
    call_id: str | int | None = None


_NAMED = msgspec.json.Decoder(_Named)


class Quick(NamedTuple):
    """A push of a call.

    Attributes:
        data: what was signed: the object's own bytes, or the sealed text.
        sealed: it is encrypted.
    """

    data: bytes
    sealed: bool
    sign: str
    timestamp: str


def read_push(body: bytes) -> Quick | None:
    """Take a push of type 1 apart, where nothing stands between its members."""
    if not _is_plain(body):
        return None
    try:
        found = _MEMBERS.decode(body)
        data = found["data"]
        # Blanks, escapes in a name and names that stand twice all make the body longer than this.
        if len(body) != 1 + sum(len(key) + len(memoryview(found[key])) + 4 for key in found):
            return None
        if bytes(found["type"]) not in _CDR_TYPES:
            return None
        text = bytes(data)
        sealed = text[:1] == b'"'
        return Quick(
            _STRING.decode(data).encode() if sealed else text,
            sealed,
            _STRING.decode(found["sign"]),
            _STRING.decode(found.get("timestamp", _NOTHING)),
        )
    except (msgspec.DecodeError, KeyError, RecursionError):
        return None


def read_call_id(record: bytes) -> str | None:
    """Give the call id of a record's JSON object, without anything around it."""
    if record[:1] != b"{" or record[-1:] != b"}" or not _is_plain(record):
        return None
    try:
        named = _NAMED.decode(record)
    except (msgspec.DecodeError, RecursionError):
        return None
    return call_id_of({"callId": named.callId, "call_id": named.call_id})


def _is_plain(text: bytes) -> bool:
    """Tell whether it is ASCII, as PHP writes JSON, and has too few brackets to nest too deep."""
    return text.isascii() and text.count(b"{") + text.count(b"[") <= MAX_DEPTH
