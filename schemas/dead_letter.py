"""A record that could not be used, with the reason and its bytes; and that it was replayed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.envelope import Headers

_PREFIX = "dl_"


_REPLAYED, _REPLAYED_AT = "dl_replayed", "dl_replayed_at"


@dataclass(frozen=True, slots=True)
class Replayed:
    """The mark of a replay: a message without value on `dead-letters`, under the letter's key.

    It stands behind the letter and is kept for as long, so it outlives it.

    Attributes:
        partition, offset: where the dead letter stands on `dead-letters`.
        at: when it was replayed.
    """

    partition: int
    offset: int
    at: datetime

    def headers(self) -> Headers:
        """Write the mark."""
        return [
            (_REPLAYED, f"{self.partition}/{self.offset}".encode()),
            (_REPLAYED_AT, self.at.astimezone(UTC).isoformat().encode()),
        ]


def read_mark(headers: Iterable[tuple[str, bytes]]) -> Replayed | None:
    """Read a mark back from the headers of a message; None where it is none.

    Raises:
        ValueError: it is one, and malformed.
    """
    told = {name: content.decode() for name, content in headers if name.startswith(_REPLAYED)}
    if told.keys() != {_REPLAYED, _REPLAYED_AT}:
        return None
    partition, _, offset = told[_REPLAYED].partition("/")
    return Replayed(int(partition), int(offset), datetime.fromisoformat(told[_REPLAYED_AT]))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused record. Topic `dead-letters`, keyed by where it came from.

    The Kafka value is the record's own bytes and the headers are its own headers, so that
    a replay is a copy; what went wrong stands in headers `dl_*` beside them.

    Attributes:
        stage: who refused it: `normalise`, `count`, `ingress`, `hooks` …
        code: a short stable word to group by.
        reason: a sentence for the person who reads it.
        topic, partition, offset: where it stood; for what never reached a topic (a push that
            was refused) the address it came to, -1 and -1.
    """

    stage: str
    code: str
    reason: str
    topic: str
    partition: int
    offset: int
    failed_at: datetime
    value: bytes | None
    record_key: bytes | None = None
    record_headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def key(self) -> bytes:
        """Give the Kafka key: one record that is refused twice is one dead letter."""
        return f"{self.topic}/{self.partition}/{self.offset}".encode()

    def headers(self) -> Headers:
        """Write the reason beside the record's own headers."""
        told = {
            "stage": self.stage,
            "code": self.code,
            "reason": self.reason,
            "topic": self.topic,
            "partition": str(self.partition),
            "offset": str(self.offset),
            "failed_at": self.failed_at.astimezone(UTC).isoformat(),
        }
        head: Headers = [(_PREFIX + name, text.encode()) for name, text in told.items()]
        if self.record_key is not None:
            head.append((_PREFIX + "key", self.record_key))
        return [*head, *self.record_headers]


def read_dead_letter(headers: Iterable[tuple[str, bytes]], value: bytes | None) -> DeadLetter:
    """Read a dead letter back from a Kafka message.

    Raises:
        ValueError: it is not one.
    """
    told: dict[str, bytes] = {}
    own: Headers = []
    for name, content in headers:
        if name.startswith(_PREFIX):
            told[name.removeprefix(_PREFIX)] = content
        else:
            own.append((name, content))
    try:
        return DeadLetter(
            stage=told["stage"].decode(),
            code=told["code"].decode(),
            reason=told["reason"].decode(),
            topic=told["topic"].decode(),
            partition=int(told["partition"]),
            offset=int(told["offset"]),
            failed_at=datetime.fromisoformat(told["failed_at"].decode()),
            value=value,
            record_key=told.get("key"),
            record_headers=tuple(own),
        )
    except KeyError as error:
        raise ValueError(f"not a dead letter: header dl_{error.args[0]} is missing") from error
