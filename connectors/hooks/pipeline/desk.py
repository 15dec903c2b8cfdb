"""The state machine of one receiver: what is to be told now, and what became of it.

It holds the notices of the receiver that Kafka holds, and says which of them to change there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from connectors.hooks.notification import Notification, digest
from connectors.hooks.pipeline.group import Group, Message, Muted
from connectors.hooks.pipeline.rate import Allowance
from connectors.hooks.pipeline.routing import Grouping
from connectors.hooks.receivers.base import RateBudget
from connectors.hooks.seen import Seen
from schemas.alert import Alert, AlertState
from schemas.notice import Notice

_BATCH = 200
"""At most so many messages become one."""


class Outcome(Enum):
    """What became of a message."""

    DELIVERED = "delivered"
    GAVE_UP = "gave up: it may go through another time"
    REFUSED = "refused: it never will"


class Task(NamedTuple):
    """One message that is to be sent.

    Attributes:
        parts: the groups that it is of, and the notices of each.
        since: from when on it could have been sent.
    """

    notification: Notification
    parts: tuple[tuple[Group, tuple[Notice, ...]], ...]
    since: datetime

    @property
    def news(self) -> tuple[Notice, ...]:
        """Give the notices that are told for the first time."""
        return tuple(each for _, notices in self.parts for each in notices if each.told_at is None)

    @property
    def is_divisible(self) -> bool:
        """Tell whether it is of several groups, so that each may be sent by itself."""
        return len(self.parts) > 1


class Changes(NamedTuple):
    """What is to be written: notices as they now stand, and those that are to be forgotten."""

    kept: tuple[Notice, ...] = ()
    gone: tuple[Notice, ...] = ()


class Desk:
    """What one receiver is still to be told.

    Args:
        receiver: its name.
        grouping: how it wants an alert grouped.
        rate: how many messages it takes.
        batches: whether any number of messages may become one at any time.
        opened_at: patience is not counted from before.
    """

    def __init__(
        self,
        receiver: str,
        grouping: Callable[[Alert], Grouping],
        *,
        rate: RateBudget | None = None,
        batches: bool = False,
        opened_at: datetime,
    ) -> None:
        self._receiver = receiver
        self._grouping = grouping
        self._allowance = Allowance(rate)
        self._merges = batches or rate is not None
        self._batches = batches
        self._opened_at = opened_at
        self._seen = Seen()
        self._groups: dict[str, Group] = {}
        self._group_of: dict[bytes, str] = {}
        # the groups in which there may be something to do, so that idle ones cost nothing
        self._open: dict[str, None] = {}

    def put(self, notice: Notice) -> Notice | None:
        """Take in a notice as Kafka has it, and give it as Kafka should have it.

        It is None when the receiver has it already. It differs where the transition was read from
        `alerts` a second time, and the new notice knows less than the one that stood there.
        """
        known = self._known(notice.key)
        if known is None and not _is_replay(notice, known) and self._is_over(notice):
            return None
        if _is_replay(notice, known):
            known = None
        if known is not None and notice.told_at is None and _steps(notice) <= _steps(known):
            return notice if _steps(notice) == _steps(known) else known
        key = self._group_of.get(notice.key)
        if key is None:
            grouping = self._grouping(notice.alert)
            key = grouping.key
            if key not in self._groups:
                self._groups[key] = Group(grouping)
            self._group_of[notice.key] = key
        self._groups[key].notices[notice.key] = notice
        self._open[key] = None
        return notice

    def forget(self, key: bytes) -> None:
        """Take in that Kafka has a notice no more."""
        name = self._group_of.pop(key, None)
        if name is not None:
            self._groups[name].notices.pop(key, None)
            self._settle(name)

    def due(self, now: datetime, muted: Muted, limit: int) -> tuple[list[Task], Changes]:
        """Give what is to be sent now, and what nobody needs to hear of any more.

        Args:
            now: the time.
            muted: which alerts are silent now.
            limit: no more messages than this.
        """
        room = self._allowance.room(now)
        slots = limit if room is None else min(limit, room)
        if slots <= 0:
            return [], Changes()
        wanted = _BATCH if self._merges else slots
        ready: list[tuple[Group, Message]] = []
        gone: list[Notice] = []
        for name in list(self._open):
            group = self._groups[name]
            if group.busy:
                continue
            gone += self._drop_unheard(name, group, muted)
            message = group.message(now, muted)
            if message is not None:
                ready.append((group, message))
                if len(ready) >= wanted:
                    break
            elif not group.has_news and group.grouping.repeat is None:
                self._settle(name)
        return self._tasks(ready, slots, room, now), Changes(gone=tuple(gone))

    def attempt(self, task: Task, now: datetime) -> Changes:
        """Give what must be written before a message is first sent."""
        kept = [changed for group, notices in task.parts for changed in group.attempt(notices, now)]
        return Changes(tuple(kept))

    def done(self, task: Task, outcome: Outcome, now: datetime) -> Changes:
        """Take in what became of a message, and give what is to be written."""
        kept: list[Notice] = []
        gone: list[Notice] = []
        if outcome is Outcome.REFUSED and task.is_divisible:
            return self._take_apart(task)
        changed: list[Notice]
        for group, notices in task.parts:
            group.busy = False
            if outcome is Outcome.REFUSED:
                # what was told before is repeated no more: it would be refused again
                changed, over = [], list(notices)
                group.remove(over)
            else:
                present = [each for each in notices if each.key in group.notices]
                changed, over = group.told(present, now)
            for each in (*notices, *over):
                self._seen.add(each.alert.id)
            for each in over:
                self._group_of.pop(each.key, None)
            kept += changed
            gone += over
            self._settle(group.grouping.key)
        return Changes(tuple(kept), tuple(gone))

    def _take_apart(self, task: Task) -> Changes:
        """Send each by itself: one of them is what was refused."""
        for group, _ in task.parts:
            group.busy, group.alone = False, True
        return Changes()

    def _is_over(self, notice: Notice) -> bool:
        # a firing one may be noted by a former owner after its end was told here
        ended = notice.alert.model_copy(update={"state": AlertState.RESOLVED}).id
        return ended in self._seen or (notice.told_at is None and notice.alert.id in self._seen)

    def _known(self, key: bytes) -> Notice | None:
        name = self._group_of.get(key)
        return None if name is None else self._groups[name].notices.get(key)

    def _drop_unheard(self, name: str, group: Group, muted: Muted) -> list[Notice]:
        gone = group.unheard(muted)
        group.remove(gone)
        for each in gone:
            self._group_of.pop(each.key, None)
            self._seen.add(each.alert.id)
        return gone

    def _settle(self, name: str) -> None:
        group = self._groups[name]
        if not group.notices and not group.busy:
            del self._groups[name]
            self._open.pop(name, None)
        elif not group.has_news and group.grouping.repeat is None:
            self._open.pop(name, None)

    def _tasks(
        self, ready: list[tuple[Group, Message]], slots: int, room: int | None, now: datetime
    ) -> list[Task]:
        too_many = room is not None and len(ready) > room
        merged = [each for each in ready if not each[0].alone] if self._batches or too_many else []
        single = [each for each in ready if not merged or each[0].alone]
        bundles = [*([merged] if merged else []), *([each] for each in single)]
        return [self._task(bundle, now) for bundle in bundles[:slots]]

    def _task(self, bundle: list[tuple[Group, Message]], now: datetime) -> Task:
        for group, _ in bundle:
            group.busy = True
        self._allowance.spend(now)
        return Task(
            digest(self._receiver, [message.notification for _, message in bundle]),
            tuple((group, message.notices) for group, message in bundle),
            max(self._opened_at, min(message.since for _, message in bundle)),
        )


def _is_replay(notice: Notice, known: Notice | None) -> bool:
    if notice.replayed_at is None or notice.told_at is not None:
        return False
    before = None if known is None else known.replayed_at
    return before is None or before < notice.replayed_at


def _steps(notice: Notice) -> int:
    return (notice.attempted_at is not None) + (notice.told_at is not None)
