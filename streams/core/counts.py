"""What is counted, as one value; and the same value packed into one integer, to be summed fast."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

_LANE = 64
_LANES = 7
_BYTES = _LANE // 8 * _LANES
_BIAS = sum(1 << (_LANE * lane + _LANE - 1) for lane in range(_LANES))
_SPLIT = Struct(f"<{_LANES}q").unpack

Packed = int
"""Seven counters side by side, 64 bits each, in the order of Counts.

Packed counts add and subtract as the integers that they are, in a twentieth of the time that
field by field takes. A counter may be negative: what it borrows from its neighbour comes back
when the sum is unpacked. Each must stay below 2**63.
"""

ATTEMPT: Packed = 1
ANSWER: Packed = 1 << _LANE
CONNECTION: Packed = 1 << _LANE * 2
ABANDON: Packed = 1 << _LANE * 3
MISS: Packed = 1 << _LANE * 4
TALK_SECOND: Packed = 1 << _LANE * 5
WAIT_SECOND: Packed = 1 << _LANE * 6

_LOWEST = (1 << _LANE) - 1
_HALF = 1 << (_LANE - 1)


class Counts(NamedTuple):
    """Counters of one scope over some stretch of event time.

    `last_event_ms` is the newest event time among what was counted (Unix ms, 0 for none); it
    adds by maximum, and is therefore not packed.
    """

    attempts: int = 0
    answered: int = 0
    connected: int = 0
    abandoned: int = 0
    missed: int = 0
    talk_seconds: int = 0
    wait_seconds: int = 0
    last_event_ms: int = 0

    def plus(self, other: Counts) -> Counts:
        """Add two counts."""
        newest = max(self.last_event_ms, other.last_event_ms)
        return unpack(pack(self) + pack(other), newest)

    def minus(self, other: Counts) -> Counts:
        """Subtract; `last_event_ms` stays, since a maximum cannot be taken back."""
        return unpack(pack(self) - pack(other), self.last_event_ms)


NOTHING = Counts()


def pack(counts: Counts) -> Packed:
    """Pack counters; `last_event_ms` is left out."""
    packed = 0
    for value in reversed(counts[:_LANES]):
        packed = (packed << _LANE) + value
    return packed


def unpack(packed: Packed, last_event_ms: int = 0) -> Counts:
    """Give packed counters their names back."""
    lanes = ((packed + _BIAS) ^ _BIAS).to_bytes(_BYTES, "little")
    return Counts._make((*_SPLIT(lanes), last_event_ms))


def attempts_of(packed: Packed) -> int:
    """Give the attempts alone."""
    return ((packed + _HALF) & _LOWEST) - _HALF


def to_wire(packed: Packed) -> bytes:
    """Write packed counters as the fewest bytes, little-endian and signed."""
    return packed.to_bytes((packed.bit_length() + 8) >> 3, "little", signed=True)


def from_wire(data: bytes) -> Packed:
    """Read what `to_wire` wrote."""
    return int.from_bytes(data, "little", signed=True)
