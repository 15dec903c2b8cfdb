"""The raw record: a vendor's bytes as they came, with an envelope in the Kafka headers.

The envelope follows the CloudEvents Kafka protocol binding, binary mode, version 1.0
(github.com/cloudevents/spec, kafka-protocol-binding.md): the value is the vendor's bytes and
nothing else, the attributes are headers `ce_*`, and `content-type` says what the bytes are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from schemas.base import Vendor
from schemas.errors import InvalidRecord

Headers = list[tuple[str, bytes]]

FORM, PUSHED = "form", "push"
"""The extension and its value that mark a record as pushed to us, where polls give the feed too."""

_SPECVERSION = b"1.0"
_ATTRIBUTES = ("id", "source", "type", "time", "subject")


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record as a vendor gave it.

    Attributes:
        vendor: whose record it is.
        account: the account of ours at that vendor, as named in the configuration.
        feed: which interface it came from, such as `answer-report` or `cdr`.
        subject: what the record is about, stable over re-reads: a call id, a display number.
        data: the record's bytes, unchanged.
        observed_at: when we read it, or it was pushed to us.
        extensions: what the bytes alone do not tell and the mapper needs, such as the period
            of the query. Names are CloudEvents extension names: lower-case letters and digits.
        content_type: the media type of `data`.
    """

    vendor: Vendor
    account: str
    feed: str
    subject: str
    data: bytes
    observed_at: datetime
    extensions: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @property
    def digest(self) -> str:
        """Tell the content apart: 16 hex digits over the bytes and the extensions."""
        hasher = hashlib.blake2b(self.data, digest_size=8)
        for name in sorted(self.extensions):
            hasher.update(f"\0{name}={self.extensions[name]}".encode())
        return hasher.hexdigest()

    @property
    def id(self) -> str:
        """Name the record: the same for each re-read of unchanged content (CloudEvents `id`)."""
        return f"{self.subject}:{self.digest}"

    @property
    def source(self) -> str:
        """Name the feed (CloudEvents `source`)."""
        return f"/{self.vendor}/{self.account}/{self.feed}"

    @property
    def key(self) -> bytes:
        """Give the Kafka key: all copies of one subject stand on one partition, in order."""
        return f"{self.vendor}/{self.account}/{self.subject}".encode()

    def headers(self) -> Headers:
        """Write the envelope as Kafka headers."""
        time = self.observed_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return [
            ("ce_specversion", _SPECVERSION),
            ("ce_id", self.id.encode()),
            *_origin(self.vendor, self.account, self.feed),
            ("ce_time", time.encode()),
            ("ce_subject", self.subject.encode()),
            *((f"ce_{name}", value.encode()) for name, value in self.extensions.items()),
            ("content-type", self.content_type.encode()),
        ]


@lru_cache(maxsize=1024)  # they are the same for each record of a feed
def _origin(vendor: Vendor, account: str, feed: str) -> tuple[tuple[str, bytes], ...]:
    return (
        ("ce_source", f"/{vendor}/{account}/{feed}".encode()),
        ("ce_type", f"callstreams.raw.{vendor}.{feed}.v1".encode()),
    )


def read_envelope(headers: Iterable[tuple[str, bytes]], value: bytes | None) -> RawRecord:
    """Read a raw record back from a Kafka message.

    Raises:
        InvalidRecord: a header is missing or malformed, or the message has no value.
    """
    texts: dict[str, str] = {}
    try:
        for name, content in headers:
            texts[name] = content.decode()
    except UnicodeDecodeError as error:
        raise InvalidRecord("an envelope header is not UTF-8", code="bad-envelope") from error
    if value is None:
        raise InvalidRecord("the message has no value", code="no-value")
    missing = [name for name in _ATTRIBUTES if f"ce_{name}" not in texts]
    if missing:
        raise InvalidRecord(
            f"the envelope lacks {', '.join('ce_' + name for name in missing)}",
            code="bad-envelope",
        )
    try:
        _, vendor, account, feed = texts["ce_source"].split("/", 3)
        return RawRecord(
            vendor=Vendor(vendor),
            account=account,
            feed=feed,
            subject=texts["ce_subject"],
            data=value,
            observed_at=datetime.fromisoformat(texts["ce_time"]),
            extensions={
                name.removeprefix("ce_"): content
                for name, content in texts.items()
                if name.startswith("ce_")
                and name.removeprefix("ce_") not in (*_ATTRIBUTES, "specversion")
            },
            content_type=texts.get("content-type", "application/json"),
        )
    except ValueError as error:
        raise InvalidRecord(
            f"the envelope cannot be read: ce_source={texts['ce_source']!r}, "
            f"ce_time={texts['ce_time']!r} ({error})",
            code="bad-envelope",
        ) from error
