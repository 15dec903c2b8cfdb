"""Customers' numbers, for those who may not see them."""

from __future__ import annotations

from msgspec.structs import replace

from streams.board.records import Call

_HEAD, _TAIL = 3, 4
_SHORTEST = 7


def mask(number: str) -> str:
    """Hide the middle of a number: `13812345678` is `138****5678`; extensions stay as they are."""
    if sum(letter.isdigit() for letter in number) < _SHORTEST:
        return number
    if len(number) <= _HEAD + _TAIL + 1:
        return f"{number[:2]}****{number[-2:]}"
    return f"{number[:_HEAD]}****{number[-_TAIL:]}"


def masked_call(call: Call) -> Call:
    """Hide whom a call was with: all numbers but our own display number and queue."""
    ours = {call.display_number, call.queue}
    return replace(
        call,
        **{
            side: mask(number)
            for side, number in (("caller", call.caller), ("callee", call.callee))
            if number is not None and number not in ours
        },
    )
