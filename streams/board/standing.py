"""Where alerts, silences and sources stand at a moment."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from schemas import silence
from streams.board.answers import AlertNow, Silence, Silences, Source, Sources
from streams.board.reasons import reason_code
from streams.board.records import Alert
from streams.board.silences import state_of
from streams.board.sources import counts_of, health_of
from streams.board.state import Board


def alert_now(board: Board, alert: Alert, now: datetime) -> AlertNow:
    """Give an alert with the silences that hold it back now."""
    return AlertNow(**msgspec.structs.asdict(alert), silenced_by=board.silences.muting(alert, now))


def silences(board: Board, now: datetime, *, ended: bool) -> Silences:
    """Answer the silences that hold or will hold; also those that have ended, where asked for."""
    found = [silence_of(one, now) for one in board.silences.all() if ended or one.ends_at > now]
    return Silences(found, len(found))


def silence_of(told: silence.Silence, now: datetime) -> Silence:
    """Give a silence as it stands now."""
    return Silence(
        id=told.id,
        state=state_of(told, now),
        matchers=[str(matcher) for matcher in told.matchers],
        starts_at=told.starts_at,
        ends_at=told.ends_at,
        created_by=told.created_by,
        comment=told.comment,
        updated_at=told.updated_at,
    )


def sources(board: Board, now: datetime, silent_after: timedelta) -> Sources:
    """Answer how all sources fare."""
    found = [
        Source(
            name=told.name,
            vendor=told.vendor,
            account=told.account,
            feed=told.feed,
            health=health_of(told, now, silent_after),
            state=told.state,
            reason=told.reason,
            reason_code=reason_code(told.reason),
            counts=counts_of(told),
            last_success_at=told.last_success_at,
            last_records=told.last_records,
            records_published=told.records_published,
            polls=told.polls,
            found_by_search=told.found_by_search,
            at=told.at,
        )
        for told in board.sources.all()
    ]
    return Sources(found, len(found))
