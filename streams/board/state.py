"""What the board knows: the newest counts of every scope, alerts, campaigns, recent calls.

Bytes go in by `take`, in any order and as often as they come; nothing here knows Kafka or a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from schemas import topics
from schemas.scope import Scope
from schemas.silence import Silence
from streams.board.alerts import AlertBook
from streams.board.cells import (
    PAST_DAY,
    Cell,
    Entry,
    has_room_for_day,
    point_of,
    rolling_seconds,
    window_length,
)
from streams.board.history import History, step_of
from streams.board.recent import RecentCalls
from streams.board.records import (
    AnswerRate,
    Campaign,
    MissedCalls,
    decode_alert,
    decode_answer_rate,
    decode_call,
    decode_campaign,
    decode_missed_calls,
    decode_source,
)
from streams.board.silences import SilenceBook
from streams.board.sources import SourceBook
from streams.core.scopes import scopes_of_call


@dataclass(slots=True)
class Changes:
    """What has changed since the changes were last taken."""

    cells: dict[str, set[int]] = field(default_factory=dict)
    scopes: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    alerts: set[str] = field(default_factory=set)
    sources: bool = False
    silences: bool = False
    ready: bool = False

    def __bool__(self) -> bool:
        return bool(
            self.cells
            or self.scopes
            or self.removed
            or self.alerts
            or self.sources
            or self.silences
            or self.ready
        )


class Board:
    """All that is known.

    Args:
        epoch: when this board began (Unix s); browsers tell one life of it from the next by it.
        calls_per_scope: how many of the newest calls are kept for each scope.
        most_scopes: beyond these, the longest silent ones are forgotten at `sweep`.
    """

    def __init__(self, epoch: int, *, calls_per_scope: int = 20, most_scopes: int = 50_000) -> None:
        self.epoch = epoch
        self.alerts = AlertBook()
        self.silences = SilenceBook()
        self.sources = SourceBook()
        self.calls = RecentCalls(calls_per_scope)
        self.campaigns: dict[bytes, Campaign] = {}
        self.ready = False
        self.unread = 0
        self._most_scopes = most_scopes
        self._entries: dict[str, Entry] = {}
        self._by_number: dict[int, Entry] = {}
        self._next_number = 0
        self._changes = Changes()
        self._takers = {
            topics.ANSWER_RATE.name: self._take_answer_rate,
            topics.MISSED_CALL_COUNTS.name: self._take_missed_calls,
            topics.ALERTS.name: self._take_alert,
            topics.CAMPAIGNS.name: self._take_campaign,
            topics.CALLS.name: self._take_call,
            topics.SILENCES.name: self._take_silence,
            topics.SOURCES.name: self._take_source,
        }

    def take(self, topic: str, key: bytes, value: bytes | None) -> None:
        """Take one message. What cannot be read is counted in `unread` and harms nobody."""
        try:
            self._takers[topic](key, value)
        except (msgspec.MsgspecError, ValueError):
            self.unread += 1

    def set_ready(self) -> None:
        """Say that the topics have been read to their ends."""
        self.ready = self._changes.ready = True

    def take_changes(self) -> Changes:
        """Give what has changed since the last call."""
        changes, self._changes = self._changes, Changes()
        return changes

    def entries(self) -> list[Entry]:
        """Give all scopes that have counts."""
        return list(self._entries.values())

    def entry(self, scope: str) -> Entry | None:
        """Find a scope by its text."""
        return self._entries.get(scope)

    def numbered(self, number: int) -> Entry | None:
        """Find a scope by its number."""
        return self._by_number.get(number)

    def windows(self) -> list[str]:
        """Give the names of the current windows: rolling ones from short to long, then the day."""
        names = {name for entry in self._entries.values() for name in entry.cells}
        return sorted((name for name in names if PAST_DAY not in name), key=window_length)

    def name_of(self, scope: Scope) -> str | None:
        """Give the name of a campaign, where the vendor told it."""
        if scope.value is None or scope.kind != "campaign":
            return None
        known = self.campaigns.get(f"{scope.vendor}/{scope.account}/{scope.value}".encode())
        return None if known is None else known.name

    def sweep(self, now: datetime, forget_after: timedelta) -> None:
        """Forget scopes that have been silent for long, and the most silent beyond the bound."""
        oldest_first = sorted(self._entries.values(), key=lambda entry: entry.newest_end)
        excess = len(oldest_first) - self._most_scopes
        for place, entry in enumerate(oldest_first):
            if place >= excess and entry.newest_end >= now - forget_after:
                break
            self._remove(entry)
        if self.sources.sweep(now - forget_after):
            self._changes.sources = True
        for scope in self.calls.scopes():
            if scope not in self._entries:
                self.calls.forget(scope)

    def _take_answer_rate(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._drop_half(key, "answer")
            return
        metric = decode_answer_rate(value)
        cell = self._cell(metric)
        if cell is not None and (cell.answer is None or metric.version > cell.answer.version):
            cell.answer = metric
            self._changed(metric, cell)

    def _take_missed_calls(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self._drop_half(key, "missed")
            return
        metric = decode_missed_calls(value)
        cell = self._cell(metric)
        if cell is not None and (cell.missed is None or metric.version > cell.missed.version):
            cell.missed = metric
            self._changed(metric, cell)

    def _take_alert(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            if self.alerts.remove(key.decode()):
                self._changes.alerts.add(key.decode())
            return
        alert = decode_alert(value)
        if self.alerts.take(alert):
            self._changes.alerts.add(alert.fingerprint)

    def _take_silence(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            news = self.silences.remove(key.decode())
        else:
            news = self.silences.take(Silence.model_validate_json(value))
        self._changes.silences |= news

    def _take_source(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            news = self.sources.remove(key.decode())
        else:
            news = self.sources.take(decode_source(value))
        self._changes.sources |= news

    def _take_campaign(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            self.campaigns.pop(key, None)
            return
        campaign = decode_campaign(value)
        self.campaigns[key] = campaign
        entry = self._entries.get(
            f"tallies:{campaign.vendor}/{campaign.account}/campaign/{campaign.campaign}"
        ) or self._entries.get(
            f"calls:{campaign.vendor}/{campaign.account}/campaign/{campaign.campaign}"
        )
        if entry is not None:
            self._changes.scopes.add(entry.number)

    def _take_call(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            return
        call = decode_call(value)
        for scope in scopes_of_call(
            call.vendor,
            call.account,
            call.display_number,
            call.campaign,
            call.queue,
            call.region,
            call.carrier,
        ):
            self.calls.add(scope, key, value, ended=call.ended_at is not None)

    def _cell(self, metric: AnswerRate | MissedCalls) -> Cell | None:
        entry = self._entries.get(metric.scope)
        if entry is None:
            entry = self._add(metric.scope)
        name = metric.window.name
        cell = entry.cells.get(name)
        if cell is None:
            if PAST_DAY in name and not has_room_for_day(entry, name):
                return None
            cell = entry.cells[name] = Cell()
        return cell

    def _add(self, text: str) -> Entry:
        entry = Entry(self._next_number, text, Scope.parse(text))
        self._next_number += 1
        self._entries[text] = self._by_number[entry.number] = entry
        self._changes.scopes.add(entry.number)
        return entry

    def _remove(self, entry: Entry) -> None:
        del self._entries[entry.text], self._by_number[entry.number]
        self.calls.forget(entry.text)
        self._changes.removed.add(entry.number)
        self._changes.scopes.discard(entry.number)

    def _changed(self, metric: AnswerRate | MissedCalls, cell: Cell) -> None:
        entry = self._entries[metric.scope]
        name = metric.window.name
        if PAST_DAY in name:
            return
        self._changes.cells.setdefault(name, set()).add(entry.number)
        seconds = rolling_seconds(name)
        if seconds is None:
            return
        if cell.history is None:
            cell.history = History(step_of(seconds), self.epoch)
        cell.history.add(point_of(cell))

    def _drop_half(self, key: bytes, half: str) -> None:
        text, _, name = key.decode().rpartition("|")
        entry = self._entries.get(text)
        cell = None if entry is None else entry.cells.get(name)
        if entry is None or cell is None:
            return
        setattr(cell, half, None)
        if cell.answer is None and cell.missed is None:
            del entry.cells[name]
        if not entry.cells:
            self._remove(entry)
        elif PAST_DAY not in name:
            self._changes.cells.setdefault(name, set()).add(entry.number)
