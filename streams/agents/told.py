"""The newest counts that a worker has told, for Prometheus: few scopes, and no phone number."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from connectors import telemetry
from connectors.telemetry import Reading
from schemas.scope import Kind
from streams.core.metrics import WindowSpec
from streams.core.scopes import parse_scope

_ALWAYS = frozenset({Kind.VENDOR, Kind.ACCOUNT})
_PAST_DAY = "@"

_Labels = tuple[str, ...]


class _Row(NamedTuple):
    attempts: int | None
    answered: int
    missed: int | None


class Told:
    """What was told last of vendors, accounts and campaigns, by partition.

    A campaign without calls is left out; it would stay for ever.

    Args:
        display_numbers: of display numbers too.
    """

    def __init__(self, *, display_numbers: bool = False) -> None:
        self._kinds = _ALWAYS | {Kind.CAMPAIGN}
        if display_numbers:
            self._kinds |= {Kind.DISPLAY_NUMBER}
        self._rows: dict[int, dict[_Labels, _Row]] = {}
        self._last_ms: dict[int, dict[_Labels, int]] = {}

    def shows(self, scope: str) -> bool:
        """Tell whether Prometheus may see a scope."""
        return parse_scope(scope).kind in self._kinds

    def take(
        self, partition: int, text: str, window: WindowSpec, *, outbound: bool, inbound: bool
    ) -> None:
        """Take in what is told of a scope's window."""
        if not self.shows(text) or _PAST_DAY in window.name:
            return
        scope = parse_scope(text)
        about = (str(scope.basis), str(scope.vendor))
        labels = (*about, scope.account or "", str(scope.kind), scope.value or "", window.name)
        counts, rows = window.counts, self._rows.setdefault(partition, {})
        if scope.kind not in _ALWAYS and not counts.attempts and not counts.missed:
            rows.pop(labels, None)
            return
        rows[labels] = _Row(
            counts.attempts if outbound else None,
            counts.answered,
            counts.missed if inbound else None,
        )
        if scope.kind is Kind.VENDOR and counts.last_event_ms:
            last = self._last_ms.setdefault(partition, {})
            last[about] = max(last.get(about, 0), counts.last_event_ms)

    def keep(self, partitions: Collection[int]) -> None:
        """Forget the other partitions: they are another worker's."""
        for gone in self._rows.keys() - set(partitions):
            del self._rows[gone]
            self._last_ms.pop(gone, None)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Give it to whoever asks for the metrics, while the context is open."""
        with ExitStack() as stack:
            stack.enter_context(telemetry.ANSWER_RATIO.reading(self._ratios))
            stack.enter_context(telemetry.ATTEMPTS.reading(self._attempts))
            stack.enter_context(telemetry.MISSED.reading(self._missed))
            stack.enter_context(telemetry.LAST_EVENT.reading(self._last_events))
            yield

    def _all(self) -> Iterator[tuple[_Labels, _Row]]:
        return (each for rows in self._rows.values() for each in rows.items())

    def _ratios(self) -> Reading:
        for labels, row in self._all():
            # Tallies that a vendor corrects may answer more than they attempt for a moment.
            if row.attempts and 0 <= row.answered <= row.attempts:
                yield labels, row.answered / row.attempts

    def _attempts(self) -> Reading:
        return ((labels, row.attempts) for labels, row in self._all() if row.attempts is not None)

    def _missed(self) -> Reading:
        return ((labels, row.missed) for labels, row in self._all() if row.missed is not None)

    def _last_events(self) -> Reading:
        return ((about, ms / 1000) for last in self._last_ms.values() for about, ms in last.items())
