"""Stand-ins for what surrounds the poller: a vendor, a clock, a place in Kafka."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.source import Cursor, Poll
from schemas.base import Vendor
from schemas.envelope import RawRecord

START = datetime(2024, 5, 6, 8, tzinfo=UTC)
FEED = "cdr"


def record(
    subject: str, data: bytes = b"{}", *, account: str = "main", at: datetime = START
) -> RawRecord:
    return RawRecord(Vendor.ICSOC, account, FEED, subject, data, at)


class FakeClock:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.elapsed += seconds
        await asyncio.sleep(0)


class ScriptedSource:
    """Answers each poll with the next of its script, and after the last one never again."""

    vendor = Vendor.ICSOC
    feed = FEED

    def __init__(
        self,
        script: Iterable[Poll | Exception],
        *,
        clock: FakeClock | None = None,
        account: str = "main",
        interval: timedelta = timedelta(seconds=10),
        takes: timedelta = timedelta(0),
    ) -> None:
        self.account = account
        self.interval = interval
        self.lookback = timedelta(hours=1)
        self.polled_at: list[float] = []
        self.cursors: list[Cursor | None] = []
        self.script_ended = asyncio.Event()
        self.closed = False
        self._clock = clock
        self._takes = takes
        self._script = deque(script)

    async def poll(self, cursor: Cursor | None, now: datetime) -> Poll:
        if self._clock is not None:
            self.polled_at.append(self._clock.monotonic())
            self._clock.elapsed += self._takes.total_seconds()
        self.cursors.append(cursor)
        if not self._script:
            self.script_ended.set()
            await asyncio.Event().wait()
        answer = self._script.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True


class NumberedSource:
    """A vendor of numbered calls, whose answers follow from the cursor alone.

    Each poll reads `step` new calls, and the `step` calls before them once more, which have
    grown since: in the end every call below `limit` was published as `first` and as `final`.
    """

    vendor = Vendor.ICSOC
    feed = FEED

    def __init__(
        self,
        account: str,
        *,
        limit: int,
        step: int = 60,
        interval: timedelta = timedelta(milliseconds=10),
        faults: Callable[[], Exception | None] = lambda: None,
    ) -> None:
        self.account = account
        self.interval = interval
        self.lookback = timedelta(hours=1)
        self._limit = limit
        self._step = step
        self._faults = faults

    async def poll(self, cursor: Cursor | None, now: datetime) -> Poll:
        start = 0 if cursor is None else int(str(cursor["next"]))
        end = min(start + self._step, self._limit)
        grown = [self._call(n, b"final", now) for n in range(max(0, start - self._step), start)]
        new = [self._call(n, b"first", now) for n in range(start, end)]
        fault = self._faults()
        if fault is not None:
            raise fault
        return Poll([*grown, *new], {"next": end})

    def _call(self, number: int, state: bytes, now: datetime) -> RawRecord:
        return record(f"call-{number}", state, account=self.account, at=now)

    async def close(self) -> None:
        return


def numbered_ids(account: str, limit: int) -> list[str]:
    """Give the ids of all that a NumberedSource serves, sorted."""
    return sorted(
        record(f"call-{n}", state, account=account).id
        for n in range(limit)
        for state in (b"first", b"final")
    )


class ListPublisher:
    """A place in Kafka that is a list; `faults` are raised by one publish each, None is none."""

    def __init__(self, faults: Sequence[Exception | None] = ()) -> None:
        self.published: list[RawRecord] = []
        self.opened = 0
        self.closed = 0
        self.cursor: Cursor | None = None
        self.polled_at: datetime | None = None
        self.found_by_search = 0
        self.lost: Exception | None = None
        self._faults = deque(faults)

    async def open(self, source: object, now: datetime) -> ListPublisher:
        self.opened += 1
        return self

    async def announce(self, now: datetime) -> None:
        self.polled_at = now

    async def confirm(self, now: datetime) -> None:
        if self.lost is not None:
            lost, self.lost = self.lost, None
            raise lost

    async def publish(self, poll: Poll, now: datetime) -> int:
        fault = self._faults.popleft() if self._faults else None
        if fault is not None:
            raise fault
        self.published += poll.records
        self.cursor = poll.cursor
        return len(poll.records)

    async def close(self) -> None:
        self.closed += 1
