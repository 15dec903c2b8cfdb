"""Which spans of start times to search, and when.

Two kinds of reading, since a long lookback is many requests:

- the *recent* span, the last `overlap`, on every poll: fresh, and complete by nothing
- the *sweep*, from `lookback` before the last sweep's end until now, every `reconcile_every`:
  this finds the calls that have ended since and the pushes that were given up. A sweep is read
  in chunks and goes on where it stopped, also after a restart.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from schemas.base import Moment


class Sweep(BaseModel):
    """A sweep under way: its span, and the mark of its next page (None: the first)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: Moment
    until: Moment
    after: str | None = None


class Progress(BaseModel):
    """The cursor: until when calls were swept (None: never), and the sweep under way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    swept: Moment | None = None
    sweep: Sweep | None = None

    def advanced(self, after: str | None) -> Progress:
        """Note how far the sweep under way has come; None ends it."""
        if self.sweep is None:
            return self
        if after is None:
            return Progress(swept=self.sweep.until)
        return Progress(swept=self.swept, sweep=self.sweep.model_copy(update={"after": after}))


def plan(
    progress: Progress, now: datetime, *, first: datetime, lookback: timedelta, every: timedelta
) -> Progress:
    """Begin a sweep where one is due; one under way goes on first.

    The span begins `lookback` before the end of the last sweep and not before now, so that an
    outage of ours leaves no gap.

    Args:
        progress: the state so far.
        now: the present.
        first: where the very first sweep begins.
        lookback: how long a call may still change after its start.
        every: the time between the ends of two sweeps.
    """
    if progress.sweep is not None:
        return progress
    until = now.replace(microsecond=0)
    if progress.swept is None:
        return Progress(sweep=Sweep(since=first, until=until))
    if until - progress.swept < every:
        return progress
    return Progress(swept=progress.swept, sweep=Sweep(since=progress.swept - lookback, until=until))


def first_start(now: datetime, zone: ZoneInfo, initial_span: timedelta | None) -> datetime:
    """Tell where the first poll begins: `initial_span` ago, or at the last local midnight."""
    if initial_span is not None:
        return now - initial_span
    return datetime.combine(now.astimezone(zone).date(), time.min, zone)
