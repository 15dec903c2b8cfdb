"""What the browsers are sent: short rows, written once for all of them.

`snapshot` says everything, `change` what is new since the frame before. A scope is told once with
its number and then goes by it; a row is an array in the order of `FIELDS`, and an array of a
number alone is a row that is no more. Moments are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from streams.board.alerts import OPEN
from streams.board.cells import Entry
from streams.board.queries import as_of, due_at
from streams.board.reasons import reason_code
from streams.board.records import Alert, Rate, SourceStatus
from streams.board.sources import counts_of
from streams.board.state import Board, Changes

FIELDS = (
    "number",
    "as_of",
    "due",
    "last_event",
    "attempts",
    "answered",
    "connected",
    "abandoned",
    "missed",
    "rate",
    "low",
    "high",
    "talk",
    "wait",
)

Row = tuple[float | None, ...]
_ENCODE = msgspec.json.Encoder().encode
_CLOSED_TOLD = 50


@dataclass(frozen=True, slots=True)
class Manners:
    """What the browsers are told to judge by, since ages grow while nothing is sent.

    Attributes:
        stale_seconds: counts that are overdue for longer are stale.
        silent_seconds: a source that was told of longer ago is silent.
        writable: silences can be written.
    """

    stale_seconds: float = 180
    silent_seconds: float = 60
    writable: bool = False


def snapshot(board: Board, window: str, manners: Manners, now: datetime) -> bytes:
    """Write everything about one window, as JSON."""
    entries = board.entries()
    told = board.alerts.all()
    closed = [alert for alert in told if alert.state not in OPEN]
    return _ENCODE(
        {
            "now": _unix(now),
            "epoch": board.epoch,
            "ready": board.ready,
            "window": window,
            "windows": board.windows(),
            "stale_seconds": manners.stale_seconds,
            "silent_seconds": manners.silent_seconds,
            "writable": manners.writable,
            "fields": FIELDS,
            "scopes": [_scope(board, entry) for entry in entries],
            "rows": [row_of(entry, window) for entry in entries if window in entry.cells],
            "alerts": [
                *(alert for alert in told if alert.state in OPEN),
                *closed[:_CLOSED_TOLD],
            ],
            "silences": _silences(board, now),
            "sources": _sources(board),
        }
    )


def change(board: Board, changes: Changes, window: str, now: datetime) -> bytes:
    """Write what has changed for the readers of one window, as JSON."""
    told: dict[str, object] = {"now": _unix(now), "ready": board.ready, "windows": board.windows()}
    scopes = _entries(board, changes.scopes)
    alerts: list[Alert] = []
    gone: list[str] = []
    for fingerprint in changes.alerts:
        alert = board.alerts.get(fingerprint)
        gone.append(fingerprint) if alert is None else alerts.append(alert)
    optional: dict[str, object] = {
        "scopes": [_scope(board, entry) for entry in scopes],
        "rows": [row_of(entry, window) for entry in _entries(board, changes.cells.get(window, ()))],
        "removed": sorted(changes.removed),
        "alerts": alerts,
        "alerts_gone": gone,
    }
    if changes.sources:
        optional["sources"] = _sources(board)
    if changes.silences or (changes.alerts and board.silences):
        told["silences"] = _silences(board, now)
    return _ENCODE(told | {name: value for name, value in optional.items() if value})


def beat(now: datetime) -> bytes:
    """Write the event that says that we live, and what time it is."""
    return event("beat", _ENCODE({"now": _unix(now)}))


def event(kind: str, data: bytes, identity: str | None = None) -> bytes:
    """Write one server-sent event; `data` is JSON on one line."""
    head = f"event: {kind}\n" + (f"id: {identity}\n" if identity is not None else "")
    return b"%bdata: %b\n\n" % (head.encode(), data)


def row_of(entry: Entry, window: str) -> Row:
    """Give a scope's row for one window, in the order of `FIELDS`."""
    cell = entry.cells.get(window)
    if cell is None:
        return (entry.number,)
    answer, missed = cell.answer, cell.missed
    attempts: Row = (None,) * 4
    rate: Row = (None,) * 3
    talk = wait = count = None
    if answer is not None:
        attempts = (answer.attempts, answer.answered, answer.connected, answer.abandoned)
        rate = _rate(answer.answer_rate)
        talk = _rounded(answer.average_talk_seconds)
    if missed is not None:
        count, wait = missed.missed, _rounded(missed.average_wait_seconds)
    heard = (_unix(as_of(entry)), _unix(due_at(entry)), _unix(cell.last_event_at))
    return (entry.number, *heard, *attempts, count, *rate, talk, wait)


def _scope(board: Board, entry: Entry) -> tuple[int, str, str | None]:
    return entry.number, entry.text, board.name_of(entry.scope)


def _sources(board: Board) -> list[dict[str, object]]:
    return [_source(source) for source in board.sources.all()]


def _source(source: SourceStatus) -> dict[str, object]:
    told: dict[str, object] = {
        "name": source.name,
        "vendor": source.vendor,
        "account": source.account,
        "feed": source.feed,
        "state": source.state,
        "reason": source.reason,
        "reason_code": reason_code(source.reason),
        "counts": counts_of(source),
        "last_success": _unix(source.last_success_at),
        "records": source.records_published,
        "found": source.found_by_search,
        "at": _unix(source.at),
    }
    return told


def _silences(board: Board, now: datetime) -> list[dict[str, object]]:
    """Tell the silences that have not ended, and whom each is for; the browsers know when."""
    alerts = [alert for alert in board.alerts.all() if alert.state in OPEN]
    return [
        {
            "id": one.id,
            "matchers": [str(matcher) for matcher in one.matchers],
            "starts": _unix(one.starts_at),
            "ends": _unix(one.ends_at),
            "by": one.created_by,
            "comment": one.comment,
            "alerts": [alert.fingerprint for alert in alerts if one.matches(alert.labels)],
        }
        for one in board.silences.all()
        if one.ends_at > now
    ]


def _entries(board: Board, numbers: Iterable[int]) -> list[Entry]:
    found = (board.numbered(number) for number in sorted(numbers))
    return [entry for entry in found if entry is not None]


def _rate(rate: Rate | None) -> tuple[float | None, float | None, float | None]:
    if rate is None:
        return None, None, None
    return round(rate.value, 4), round(rate.low, 4), round(rate.high, 4)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _unix(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
