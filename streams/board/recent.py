"""The newest calls of each scope, bounded."""

from __future__ import annotations

from streams.board.records import Call, decode_call


class RecentCalls:
    """Keeps the newest calls of each scope, as the bytes that they came in.

    A call comes more than once: in progress, by push, by search. Its later copy replaces the
    earlier, but for one that has not ended and would replace one that has.

    Args:
        most: how many are kept for each scope.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: dict[str, list[tuple[bytes, bytes, bool]]] = {}

    def add(self, scope: str, key: bytes, value: bytes, *, ended: bool) -> None:
        """Take one copy of a call in one of its scopes."""
        kept = self._of.setdefault(scope, [])
        for place, (known, _, was_ended) in enumerate(kept):
            if known == key:
                if ended or not was_ended:
                    kept[place] = (key, value, ended)
                return
        kept.append((key, value, ended))
        if len(kept) > self._most:
            del kept[0]

    def of(self, scope: str) -> list[Call]:
        """Give a scope's calls, the newest first."""
        calls = [decode_call(value) for _, value, _ in self._of.get(scope, ())]
        return sorted(calls, key=_moment, reverse=True)

    def forget(self, scope: str) -> None:
        """Drop a scope's calls."""
        self._of.pop(scope, None)

    def scopes(self) -> list[str]:
        """Give the scopes that have calls."""
        return list(self._of)


def _moment(call: Call) -> float:
    moment = call.ended_at or call.answered_at or call.started_at
    return 0.0 if moment is None else moment.timestamp()
