"""What stands beside a scope, as far as the partitions at hand hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.scope import Scope
from streams.core.counts import Counts
from streams.core.totals import Totals


class Siblings:
    """The counts of a vendor's scopes over one rolling window, each looked up once a round.

    Args:
        totals: the step that holds the scopes.
        partitions: those whose scopes are known here; the others are left out.
    """

    def __init__(self, totals: Totals, partitions: Iterable[int]) -> None:
        self._totals = totals
        self._partitions = tuple(partitions)
        self._known: dict[tuple[str, int], dict[str, Counts]] = {}

    def over(self, scope: Scope, seconds: int) -> Mapping[str, Counts]:
        """Count all that is known of a scope's vendor, over the rolling window next to `seconds`.

        One of the windows that are kept as sums is taken, since there may be thousands of
        scopes: the shortest that is not shorter, else the longest.
        """
        sizes = self._totals.window_sizes
        longer = [size for size in sizes if size >= seconds]
        index = sizes.index(min(longer) if longer else max(sizes))
        vendor = str(scope._replace(account=None, value=None))
        found = self._known.get((vendor, index))
        if found is None:
            found = self._known[vendor, index] = self._count(vendor, index)
        return found

    def _count(self, vendor: str, index: int) -> dict[str, Counts]:
        found = {}
        for partition in self._partitions:
            for text in self._totals.scopes(partition):
                if text == vendor or text.startswith(f"{vendor}/"):
                    totals = self._totals.scope(partition, text)
                    if totals is not None:
                        found[text] = totals.sliding.window(index)
        return found
