"""How every vendor's JSON is read: cut into records, checked against a model, times with a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
from pydantic import BaseModel, ValidationError

from schemas.envelope import RawRecord
from schemas.errors import InvalidRecord, RetryableError

ModelT = TypeVar("ModelT", bound=BaseModel)
StructT = TypeVar("StructT")

_TIME = "%Y-%m-%d %H:%M:%S"
_LONG_NUMBER = re.compile(r"\d{7,}")
_LONGEST_TOLD = 200


def cut(text: bytes | msgspec.Raw, into: type[StructT], *, who: str) -> StructT:
    """Cut an answer into the parts that `into` names; parts typed `msgspec.Raw` keep their bytes.

    Raises:
        RetryableError: it is not JSON of that shape, such as a body that was cut off.
    """
    try:
        return msgspec.json.decode(text, type=into)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RetryableError(f"{who} answered what its document does not know: {error}") from error


def read(model: type[ModelT], data: bytes) -> ModelT:
    """Read one record's JSON.

    Raises:
        InvalidRecord: `bad-json` where it is no JSON, `bad-field` where it has another shape;
            the reason names the fields and never their content.
    """
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        code = "bad-json" if faults[0]["type"] == "json_invalid" else "bad-field"
        told = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the record'}: {fault['msg']}"
            for fault in faults
        )
        raise InvalidRecord(told, code=code) from error


def read_time(text: str, zone: ZoneInfo, *, name: str) -> datetime:
    """Read `yyyy-MM-dd HH:mm:ss` as a moment in UTC.

    Raises:
        InvalidRecord: `bad-time`; there is no such moment.
    """
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRecord(
            f"{name} is {masked(text)!r}: not a moment written yyyy-MM-dd HH:mm:ss",
            code="bad-time",
        ) from error


def write_time(moment: datetime, zone: ZoneInfo) -> str:
    """Write a moment as `yyyy-MM-dd HH:mm:ss`, the second begun counting as whole."""
    return moment.astimezone(zone).strftime(_TIME)


def read_extension(raw: RawRecord, name: str) -> str:
    """Take what the source added to the envelope.

    Raises:
        InvalidRecord: `bad-envelope`; it is missing.
    """
    try:
        return raw.extensions[name]
    except KeyError as error:
        raise InvalidRecord(f"the envelope lacks ce_{name}", code="bad-envelope") from error


def read_zone(raw: RawRecord, name: str) -> ZoneInfo:
    """Take a time zone that the source added to the envelope.

    Raises:
        InvalidRecord: `bad-envelope`; it is missing or unknown.
    """
    key = read_extension(raw, name)
    try:
        return ZoneInfo(key)
    except (KeyError, ValueError, OSError) as error:
        raise InvalidRecord(
            f"ce_{name} is {key!r}: not an IANA time zone", code="bad-envelope"
        ) from error


def subject_of(data: bytes, field: str) -> str:
    """Name what a record is about, even where it cannot be read: the mapper will refuse it.

    Args:
        data: the record's JSON.
        field: the member that names it: a string or a number.
    """
    try:
        name = msgspec.json.decode(data, type=dict[str, msgspec.Raw])[field]
        text = str(msgspec.json.decode(name, type=str | int))
    except (msgspec.DecodeError, RecursionError, KeyError):
        text = ""
    return text or f"unreadable-{blake2b(data, digest_size=8).hexdigest()}"


def hours(since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """Cut a time into whole seconds' spans of an hour at most, end to end."""
    since, until = since.replace(microsecond=0), until.replace(microsecond=0)
    spans = []
    while since < until:
        stop = min(until, since + timedelta(hours=1))
        spans.append((since, stop))
        since = stop
    return spans


def masked(text: str) -> str:
    """Shorten a vendor's sentence for a log or an error: no phone number in full, nothing long."""
    shown = _LONG_NUMBER.sub(lambda found: f"{found[0][:3]}****{found[0][-2:]}", text)
    return shown if len(shown) <= _LONGEST_TOLD else shown[:_LONGEST_TOLD] + "…"
