"""What became of dead letters, decided from the messages of their topic."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from schemas.dead_letter import DeadLetter, read_dead_letter, read_mark
from schemas.envelope import Headers
from schemas.errors import ConfigError
from schemas.topics import CALLS, RAW, TALLIES

_TAKEN_BACK = frozenset(topic.name for topic in (*RAW, CALLS, TALLIES))
"""Their readers know a copy when they see one."""


class Place(NamedTuple):
    """Where a dead letter stands on `dead-letters`. Written `partition-offset`, it is its id."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}-{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read an id.

        Raises:
            ConfigError: it is none.
        """
        partition, _, offset = text.partition("-")
        if not (partition.isdecimal() and offset.isdecimal()):
            raise ConfigError(
                f"{text!r} is no dead letter's id: write it as `callstreams dead-letters list` "
                "shows it, such as 0-17"
            )
        return cls(int(partition), int(offset))


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter and what became of it.

    Attributes:
        place: where it stands; of a record that was refused several times, the newest.
        places: all of them.
        letter: without its value and its own headers.
        size: of the value, in bytes.
        replayed_at: when it was replayed; None where it was not.
    """

    place: Place
    places: frozenset[Place]
    letter: DeadLetter
    size: int
    replayed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters are meant; what is None or empty does not matter.

    Attributes:
        stage: `hooks` means `hooks/<receiver>` too.
        since: refused at that moment or later.
        places: one of these.
        replayed: also those that were replayed before.
    """

    stage: str | None = None
    code: str | None = None
    topic: str | None = None
    since: datetime | None = None
    places: frozenset[Place] = frozenset()
    replayed: bool = False

    def takes(self, each: Letter) -> bool:
        """Tell whether a letter is meant."""
        letter = each.letter
        return (
            (self.stage is None or f"{letter.stage}/".startswith(f"{self.stage}/"))
            and self.code in (None, letter.code)
            and self.topic in (None, letter.topic)
            and (self.since is None or letter.failed_at >= self.since)
            and (not self.places or not self.places.isdisjoint(each.places))
            and (self.replayed or each.replayed_at is None)
        )


@dataclass(slots=True)
class Letters:
    """Gathers the messages of `dead-letters`, in any order of the partitions.

    Attributes:
        unreadable: messages that are neither a letter nor a mark.
    """

    unreadable: int = 0
    _slim: dict[Place, tuple[DeadLetter, int]] = field(default_factory=dict)
    _marks: dict[Place, datetime] = field(default_factory=dict)

    def take(self, place: Place, headers: Headers, value: bytes | None) -> None:
        """Take in one message."""
        try:
            mark = read_mark(headers)
            if mark is not None:
                self._marks[Place(mark.partition, mark.offset)] = mark.at
                return
            slim = replace(read_dead_letter(headers, None), record_headers=())
        except ValueError:
            self.unreadable += 1
            return
        self._slim[place] = (slim, len(value or b""))

    def all(self) -> tuple[Letter, ...]:
        """Give the letters, the newest first; a record that a stage refused twice is one."""
        same: dict[object, list[Place]] = {}
        for place, (letter, _) in self._slim.items():
            # what never stood on a topic has nothing else that tells it apart
            stood = (letter.stage, letter.key) if letter.offset >= 0 else place
            same.setdefault(stood, []).append(place)
        found = []
        for places in same.values():
            newest = max(places)
            letter, size = self._slim[newest]
            marked = [self._marks[place] for place in places if place in self._marks]
            replayed_at = max(marked, default=None)
            found.append(Letter(newest, frozenset(places), letter, size, replayed_at))
        return tuple(sorted(found, key=lambda each: each.letter.failed_at, reverse=True))


def receiver_of(letter: DeadLetter) -> str | None:
    """Give the receiver that was not told; None where it is another letter."""
    stage, _, receiver = letter.stage.partition("/")
    return receiver if stage == "hooks" and receiver else None


def destination(
    letter: DeadLetter, addresses: Collection[str], receivers: Collection[str] = ()
) -> tuple[str | None, str]:
    """Tell where a letter goes back to, and where to nowhere, why.

    Args:
        letter: its bytes do not matter here.
        addresses: where accounts take pushes: `/push/icsoc/main`.
        receivers: who can be told of alerts.
    """
    receiver = receiver_of(letter)
    if receiver is not None:
        if receiver in receivers:
            return f"receiver {receiver}", ""
        return None, f"the configuration has no receiver {receiver}"
    if letter.stage == "hooks":
        return None, "it is no alert: whoever wrote it must write the alert anew"
    if letter.stage == "ingress":
        if letter.topic in addresses:
            return letter.topic, ""
        return None, f"no account of the configuration takes pushes at {letter.topic}"
    if letter.topic in _TAKEN_BACK and letter.offset >= 0:
        return letter.topic, ""
    return None, f"{letter.topic} takes no records back"
