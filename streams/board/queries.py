"""What is answered: pure functions of the board's state, the question and the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from streams.board.alerts import OPEN
from streams.board.answers import (
    Alerts,
    AlertStory,
    Campaigns,
    Histories,
    HistoryPoint,
    Metric,
    Metrics,
    ScopeAnswer,
)
from streams.board.cells import PAST_DAY, Cell, Entry, rolling_seconds
from streams.board.history import History, step_of
from streams.board.masking import masked_call
from streams.board.questions import MetricsQuery, Which
from streams.board.records import Alert, Call, Rate
from streams.board.standing import alert_now
from streams.board.state import Board

_Half = TypeVar("_Half")
_Part = TypeVar("_Part")
_Value = float | str | None

_SORTS: dict[str, Callable[[Entry, Cell], _Value]] = {
    "scope": lambda entry, _: entry.text,
    "attempts": lambda _, cell: _of(cell.answer, lambda half: half.attempts),
    "answered": lambda _, cell: _of(cell.answer, lambda half: half.answered),
    "connected": lambda _, cell: _of(cell.answer, lambda half: half.connected),
    "abandoned": lambda _, cell: _of(cell.answer, lambda half: half.abandoned),
    "missed": lambda _, cell: _of(cell.missed, lambda half: half.missed),
    "answer_rate": lambda _, cell: _of(_answer_rate(cell), lambda rate: rate.value),
    "answer_rate.high": lambda _, cell: _of(_answer_rate(cell), lambda rate: rate.high),
    "abandon_rate": lambda _, cell: _of(
        _of(cell.answer, lambda half: half.abandon_rate), lambda rate: rate.value
    ),
    "last_event_at": lambda _, cell: _of(cell.last_event_at, datetime.timestamp),
}


def metrics(board: Board, query: MetricsQuery, now: datetime, stale_after: timedelta) -> Metrics:
    """Answer one page of metrics."""
    windows = board.windows()
    window = query.window or (windows[0] if windows else "")
    found = [
        entry for entry in board.entries() if window in entry.cells and _fits(board, entry, query)
    ]
    # only what is on the page is written out: there may be 10,000 more
    page = _sorted(found, window, query.sort)[query.offset : query.offset + query.limit]
    return Metrics(
        [metric_of(board, entry, window, now, stale_after) for entry in page],
        len(found),
        query.offset,
        query.limit,
        window,
        windows,
    )


def metric_of(
    board: Board, entry: Entry, window: str, now: datetime, stale_after: timedelta
) -> Metric:
    """Give the counts of one scope over one of its windows."""
    cell = entry.cells[window]
    newest, answer, missed, scope = cell.newest, cell.answer, cell.missed, entry.scope
    return Metric(
        scope=entry.text,
        basis=scope.basis,
        vendor=scope.vendor,
        account=scope.account,
        kind=scope.kind,
        value=scope.value,
        name=board.name_of(scope),
        window=newest.window,
        attempts=_of(answer, lambda half: half.attempts),
        answered=_of(answer, lambda half: half.answered),
        connected=_of(answer, lambda half: half.connected),
        abandoned=_of(answer, lambda half: half.abandoned),
        missed=_of(missed, lambda half: half.missed),
        talk_seconds=_of(answer, lambda half: half.talk_seconds),
        wait_seconds=_of(missed, lambda half: half.wait_seconds),
        answer_rate=_of(answer, lambda half: half.answer_rate),
        connect_rate=_of(answer, lambda half: half.connect_rate),
        abandon_rate=_of(answer, lambda half: half.abandon_rate),
        average_talk_seconds=_of(answer, lambda half: half.average_talk_seconds),
        average_wait_seconds=_of(missed, lambda half: half.average_wait_seconds),
        last_event_at=cell.last_event_at,
        watermark=newest.watermark,
        revision=newest.revision,
        final=newest.final,
        stale=is_stale(entry, now, stale_after),
    )


def _of(half: _Half | None, read: Callable[[_Half], _Part]) -> _Part | None:
    return None if half is None else read(half)


def is_stale(entry: Entry, now: datetime, stale_after: timedelta) -> bool:
    """Tell whether a scope's counts should have changed since, and nobody said so."""
    due = due_at(entry)
    return due is not None and now > due + stale_after


def due_at(entry: Entry) -> datetime | None:
    """Tell when a scope must be heard of again: None while it counts nothing.

    A window that counts calls changes as they leave it, at the latest when all of it has passed,
    and is told then. One that counts nothing may be silent as long as it is quiet.
    """
    return min(
        (
            cell.newest.window.end + timedelta(seconds=seconds)
            for name, cell in entry.cells.items()
            if (seconds := rolling_seconds(name)) is not None and _counted(cell)
        ),
        default=None,
    )


def as_of(entry: Entry) -> datetime | None:
    """Tell how far event time had come when a scope was last heard of."""
    return max(
        (
            cell.newest.window.end
            for name, cell in entry.cells.items()
            if rolling_seconds(name) is not None
        ),
        default=None,
    )


def _counted(cell: Cell) -> int:
    attempts = 0 if cell.answer is None else cell.answer.attempts
    return attempts + (0 if cell.missed is None else cell.missed.missed)


def scope_answer(
    board: Board, entry: Entry, now: datetime, stale_after: timedelta, *, unmask: bool
) -> ScopeAnswer:
    """Answer everything about one scope."""
    names = [name for name in board.windows() if name in entry.cells]
    names += sorted((name for name in entry.cells if PAST_DAY in name), reverse=True)
    return ScopeAnswer(
        entry.text,
        board.name_of(entry.scope),
        [metric_of(board, entry, name, now, stale_after) for name in names],
        [alert_now(board, alert, now) for alert in board.alerts.all() if alert.scope == entry.text],
        histories(board, [entry.text], None),
        calls_of(board, entry.text, unmask=unmask),
        masked=not unmask,
    )


def calls_of(board: Board, scope: str, *, unmask: bool) -> list[Call]:
    """Give the newest calls of a scope; a tallied scope shows those that were also seen singly."""
    calls = board.calls.of(scope.replace("tallies:", "calls:", 1))
    return calls if unmask else [masked_call(call) for call in calls]


def histories(board: Board, scopes: Sequence[str], window: str | None) -> Histories:
    """Give the course of some scopes over a rolling window, by default the shortest."""
    rolling = [name for name in board.windows() if rolling_seconds(name) is not None]
    if window is None or window not in rolling:
        window = rolling[0] if rolling else ""
    items: dict[str, list[HistoryPoint]] = {}
    for scope in scopes:
        entry = board.entry(scope)
        cell = None if entry is None else entry.cells.get(window)
        if cell is not None and cell.history is not None:
            items[scope] = _points(cell.history)
    return Histories(window, step_of(rolling_seconds(window) or 0), items)


def alerts(
    board: Board,
    which: Which,
    now: datetime,
    *,
    vendor: str | None = None,
    search: str | None = None,
) -> Alerts:
    """Answer the alerts that are open (pending or firing), closed, or all."""
    found = [
        alert_now(board, alert, now)
        for alert in board.alerts.all()
        if (which == "all" or (alert.state in OPEN) == (which == "open"))
        and (vendor is None or alert.labels.get("vendor") == vendor)
        and (search is None or search.casefold() in _words(alert))
    ]
    return Alerts(found, len(found))


def alert_story(board: Board, fingerprint: str, now: datetime) -> AlertStory | None:
    """Answer one alert with the course of its scope over the window that decides it."""
    alert = board.alerts.get(fingerprint)
    if alert is None:
        return None
    return AlertStory(
        alert_now(board, alert, now),
        board.alerts.story(fingerprint),
        histories(board, [alert.scope], alert.evidence.window),
    )


def campaigns(board: Board) -> Campaigns:
    """Answer all campaigns."""
    found = sorted(board.campaigns.values(), key=lambda one: (one.vendor, one.account, one.name))
    return Campaigns(found, len(found))


def _fits(board: Board, entry: Entry, query: MetricsQuery) -> bool:
    scope = entry.scope
    wanted = (
        (query.vendor, scope.vendor),
        (query.account, scope.account),
        (query.kind, scope.kind),
        (query.basis, scope.basis),
    )
    if any(want is not None and want != have for want, have in wanted):
        return False
    if query.q is None:
        return True
    search = query.q.casefold()
    return search in entry.text.casefold() or search in (board.name_of(scope) or "").casefold()


def _sorted(found: list[Entry], window: str, sort: str) -> list[Entry]:
    read = _SORTS[sort.removeprefix("-")]
    found = sorted(found, key=lambda entry: entry.text)
    told = [(read(entry, entry.cells[window]), entry) for entry in found]
    known = [(value, entry) for value, entry in told if value is not None]
    known.sort(key=lambda pair: pair[0], reverse=sort.startswith("-"))
    return [entry for _, entry in known] + [entry for value, entry in told if value is None]


def _answer_rate(cell: Cell) -> Rate | None:
    return _of(cell.answer, lambda half: half.answer_rate)


def _points(history: History) -> list[HistoryPoint]:
    return [HistoryPoint(datetime.fromtimestamp(point.end, UTC), *point[1:]) for point in history]


def _words(alert: Alert) -> str:
    said = (alert.rule, alert.scope, *alert.annotations.values(), *alert.labels.values())
    return " ".join(said).casefold()
