"""One group of one receiver: its alerts, what of them is news, and when it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from connectors.hooks.notification import Notification, one, stable_id
from connectors.hooks.pipeline.routing import Grouping
from schemas.alert import Alert, AlertState
from schemas.notice import Notice

Muted = Callable[[Alert], bool]


class Message(NamedTuple):
    """What a group would tell now.

    Attributes:
        notices: behind the notification.
        since: from when on it could have been told; patience is counted from here.
    """

    notification: Notification
    notices: tuple[Notice, ...]
    since: datetime


class Group:
    """The notices of one group, by key, in the order in which they came.

    Attributes:
        busy: a message of it is under way; no other is made meanwhile.
        alone: it is not put into one message with other groups, since such a one was refused.
    """

    def __init__(self, grouping: Grouping) -> None:
        self.grouping = grouping
        self.busy = False
        self.alone = False
        self.notices: dict[bytes, Notice] = {}
        self._was_muted = False

    @property
    def has_news(self) -> bool:
        """Tell whether anything in it was never told."""
        return any(each.told_at is None for each in self.notices.values())

    def message(self, now: datetime, muted: Muted) -> Message | None:
        """Give what is to be told now, if anything."""
        heard = [each for each in self.notices.values() if not muted(each.alert)]
        news = _in_order([each for each in heard if each.told_at is None])
        if self.has_news and not news:
            self._was_muted = True
        if news:
            return self._of_news(news, heard, now)
        return self._of_repeat(heard, now)

    def unheard(self, muted: Muted) -> list[Notice]:
        """Give what nobody needs to hear of any more.

        These are the alerts that came and went while they were muted, and what is older than a
        transition that was told of the same alert: `resolved` would be heard while it fires again.
        What was attempted may have been heard, and so its end is not among them.
        """
        told = _latest(each for each in self.notices.values() if each.told_at is not None)
        late = {each.key: each for each in self.notices.values() if _is_late(each, told)}
        return [*late.values(), *(each for each in self._passed(muted) if each.key not in late)]

    def _passed(self, muted: Muted) -> list[Notice]:
        firing = {_episode(each): each for each in self.notices.values() if not _ended(each)}
        gone = []
        for end in self.notices.values():
            start = firing.get(_episode(end)) if _ended(end) else None
            if start is not None and start.is_unheard and end.is_unheard and muted(end.alert):
                gone += [start, end]
        return gone

    def attempt(self, notices: Iterable[Notice], now: datetime) -> list[Notice]:
        """Note that these may be heard from now on; give those to which that is new."""
        changed = [
            each.model_copy(update={"attempted_at": now})
            for each in notices
            if each.is_unheard and not _ended(each) and each.key in self.notices
        ]
        self.notices.update((each.key, each) for each in changed)
        return changed

    def told(self, notices: Iterable[Notice], now: datetime) -> tuple[list[Notice], list[Notice]]:
        """Note that the receiver has these; give what changed, and what is over.

        An alert is over when its end was told, or a later transition of it: also what was never
        told of it before then, since it would be told too late.
        """
        changed = [each.model_copy(update={"told_at": now}) for each in notices]
        self._was_muted = False
        self.notices.update((each.key, each) for each in changed)
        last = _latest(changed)
        over = [
            each
            for each in self.notices.values()
            if _is_late(each, last) or (_ended(each) and last.get(each.alert.fingerprint) == each)
        ]
        self.remove(over)
        gone = {each.key for each in over}
        return [each for each in changed if each.key not in gone], over

    def remove(self, notices: Iterable[Notice]) -> None:
        """Forget these."""
        for each in notices:
            self.notices.pop(each.key, None)

    def _of_news(self, news: list[Notice], heard: list[Notice], now: datetime) -> Message | None:
        told_at = self._last_told()
        first = min(each.received_at for each in news)
        if told_at is None:
            due = first + self.grouping.wait
        else:
            due = max(first, told_at + self.grouping.interval)
        if due > now:
            return None
        since = now if self._was_muted else due
        if not self.grouping.grouped:
            alert = news[0].alert
            receiver = news[0].receiver
            return Message(one(alert, receiver), (news[0],), since)
        fresh = {each.alert.fingerprint for each in news}
        still = [
            each
            for each in heard
            if each.told_at is not None and each.alert.fingerprint not in fresh and not _ended(each)
        ]
        return Message(self._notification(news, still), (*still, *news), since)

    def _of_repeat(self, heard: list[Notice], now: datetime) -> Message | None:
        firing = [each for each in heard if each.told_at is not None and not _ended(each)]
        told_at = self._last_told()
        if not firing or told_at is None or self.grouping.repeat is None:
            return None
        due = told_at + self.grouping.repeat
        if due > now:
            return None
        return Message(self._notification([], firing), tuple(firing), due)

    def _notification(self, news: list[Notice], still: list[Notice]) -> Notification:
        whole = (*still, *news)
        # A repeat differs from what it repeats, and is the same when it is tried again.
        parts = [each.alert.id for each in whole] + [str(each.told_at) for each in still]
        return Notification(
            stable_id(whole[0].receiver, self.grouping.key, *parts),
            whole[0].receiver,
            self.grouping.key,
            self.grouping.labels,
            tuple(each.alert for each in news),
            tuple(each.alert for each in still),
            grouped=self.grouping.grouped,
        )

    def _last_told(self) -> datetime | None:
        return max(
            (n.told_at for n in self.notices.values() if n.told_at is not None), default=None
        )


def _ended(notice: Notice) -> bool:
    return notice.alert.state is AlertState.RESOLVED


def _episode(notice: Notice) -> tuple[str, datetime]:
    return notice.alert.fingerprint, notice.alert.starts_at


def _age(notice: Notice) -> tuple[datetime, bool]:
    """Give what orders the transitions of one alert."""
    return notice.alert.starts_at, _ended(notice)


def _latest(notices: Iterable[Notice]) -> dict[str, Notice]:
    """Give the last transition of each alert, by fingerprint."""
    return {each.alert.fingerprint: each for each in sorted(notices, key=_age)}


def _is_late(notice: Notice, told: Mapping[str, Notice]) -> bool:
    latest = told.get(notice.alert.fingerprint)
    return latest is not None and _age(notice) < _age(latest)


def _in_order(notices: list[Notice]) -> list[Notice]:
    """Put the transitions of each alert in order; each alert keeps its places among the others.

    Records that are read twice after a restart may come behind later ones of the same alert.
    """
    ordered: dict[str, list[Notice]] = {}
    for each in sorted(notices, key=_age, reverse=True):
        ordered.setdefault(each.alert.fingerprint, []).append(each)
    return [ordered[each.alert.fingerprint].pop() for each in notices]
