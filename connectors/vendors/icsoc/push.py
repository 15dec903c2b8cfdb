"""An icsoc push: verify it, open it, and make a raw record of it (icsoc-cdr.txt, section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from connectors.ingress.contract import PushRefused
from connectors.secrets import Secret
from connectors.vendors.icsoc.cipher import decrypt
from connectors.vendors.icsoc.jsontext import Value, decode, members, parse
from connectors.vendors.icsoc.payloads import call_id_of
from connectors.vendors.icsoc.quick import read_call_id, read_push
from connectors.vendors.icsoc.signature import (
    Formula,
    secret_that_signed,
    secret_that_signed_bytes,
)
from schemas.base import Vendor
from schemas.envelope import FORM, PUSHED, RawRecord

_CDR_TYPES = (1, "1")
_BAD_REQUEST, _UNAUTHORISED, _UNPROCESSABLE = 400, 401, 422


class PushSettings(BaseModel):
    """How this account's pushes are signed and encrypted.

    Attributes:
        secrets: shared with the vendor; several while one is being replaced by another.
            A push may be encrypted or not: an encrypted one is known by its form.
        signature: the formula; see `signature.Formula`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    secrets: tuple[Secret, ...] = ()
    signature: Formula = "data+secret"

    @model_validator(mode="after")
    def _can_verify(self) -> Self:
        if any(not secret.get_secret_value() for secret in self.secrets):
            raise ValueError("a push secret is empty: set it, or leave it out")
        if self.signature != "off" and not self.secrets:
            raise ValueError(
                f"the signature {self.signature!r} needs push.secrets; "
                "without a secret set push.signature to 'off'"
            )
        return self


@dataclass(frozen=True, slots=True)
class PushReceiver:
    """What the ingress asks about pushes for one account."""

    account: str
    timezone: str
    settings: PushSettings
    vendor: Vendor = Vendor.ICSOC

    def receive(self, body: bytes, now: datetime) -> RawRecord:
        """Verify a push and make the raw record of the call that it carries.

        The record's data are the bytes of `data` as they stood in the body, or as they were
        decrypted. Whether they map to a Call is for the mapper to say: what is signed and
        names a call is the vendor's record, and kept.

        Raises:
            PushRefused: it is no such push; with the HTTP status, and with the bytes to keep
                where it was signed.
        """
        return self._received_quickly(body, now) or self._received(body, now)

    def _received_quickly(self, body: bytes, now: datetime) -> RawRecord | None:
        """Do the same for nearly all pushes, at a third of the cost; None where it is not sure."""
        push = read_push(body)
        if push is None or self.settings.signature == "off":
            return None
        secret = secret_that_signed_bytes(
            push.data,
            push.sign,
            secrets=self._secrets(),
            timestamp=push.timestamp,
            formula=self.settings.signature,
        )
        if secret is None:
            return None
        try:
            data = decrypt(push.data, secret) if push.sealed else push.data
        except ValueError:
            return None
        call_id = read_call_id(data)
        return None if call_id is None else self._record(call_id, data, now)

    def _received(self, body: bytes, now: datetime) -> RawRecord:
        push = _envelope(body)
        data = push["data"]
        secrets = self._verified(push, data)
        kind = push["type"].value if "type" in push else None
        if kind not in _CDR_TYPES or isinstance(kind, bool):
            raise PushRefused(
                f"type {str(kind)[:20]!r} is not taken here: this address takes call detail "
                "records, which have type 1",
                status=_UNPROCESSABLE,
                code="unknown-type",
            )
        record = _opened(data.value, secrets) if isinstance(data.value, str) else data
        return self._record(_call_id(record), record.text.encode(), now)

    def reopen(self, kept: bytes, at: datetime) -> RawRecord:
        """Make the raw record of what `PushRefused.data` kept, with the secrets of today.

        Raises:
            PushRefused: it is refused still.
        """
        try:
            record = parse(decode(kept))
        except ValueError:  # it is sealed
            record = _opened(kept.decode("utf-8", "replace"), self._secrets())
        return self._record(_call_id(record), record.text.encode(), at)

    def _secrets(self) -> tuple[str, ...]:
        return tuple([secret.get_secret_value() for secret in self.settings.secrets])

    def _record(self, call_id: str, data: bytes, at: datetime) -> RawRecord:
        return RawRecord(
            vendor=self.vendor,
            account=self.account,
            feed="cdr",
            subject=call_id,
            data=data,
            observed_at=at,
            extensions={FORM: PUSHED, "timezone": self.timezone},
        )

    def _verified(self, push: dict[str, Value], data: Value) -> tuple[str, ...]:
        """Give the secrets that may open the data: the one that signed, or all without one."""
        secrets = self._secrets()
        if self.settings.signature == "off":
            return secrets
        signed_by = secret_that_signed(
            data,
            _string(push, "sign"),
            secrets=secrets,
            timestamp=_string(push, "timestamp"),
            formula=self.settings.signature,
        )
        if signed_by is None:
            raise PushRefused(
                "the signature does not match: compare push.secrets and push.signature with "
                "what is set at the vendor",
                status=_UNAUTHORISED,
                code="wrong-signature",
            )
        return (signed_by,)


def _envelope(body: bytes) -> dict[str, Value]:
    try:
        push = members(decode(body))
    except ValueError as error:
        raise PushRefused(
            f"the body is not a JSON object: {error}", status=_BAD_REQUEST, code="bad-json"
        ) from error
    if "data" not in push:
        raise PushRefused("the push has no data", status=_BAD_REQUEST, code="no-data")
    return push


def _string(push: dict[str, Value], name: str) -> str:
    value = push[name].value if name in push else ""
    return value if isinstance(value, str) else ""


def _opened(sealed: str, secrets: tuple[str, ...]) -> Value:
    """Decrypt; a wrong secret gives noise, which is not JSON."""
    for secret in secrets:
        try:
            return parse(decode(decrypt(sealed, secret)))
        except ValueError:
            continue
    raise PushRefused(
        "the encrypted data cannot be opened: compare push.secrets with the vendor's",
        status=_UNPROCESSABLE,
        code="cannot-decrypt",
        data=sealed.encode("utf-8", "replace"),
    )


def _call_id(record: Value) -> str:
    call_id = call_id_of(record.value)
    if call_id is not None:
        return call_id
    whole = isinstance(record.value, dict)
    raise PushRefused(
        "data has no usable call_id" if whole else "data is not an object",
        status=_UNPROCESSABLE,
        code="no-call-id" if whole else "not-an-object",
        data=record.text.encode(),
    )
