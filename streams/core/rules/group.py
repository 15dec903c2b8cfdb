"""Groups: the calls of all scopes that a rule selects, counted together, one alert a group.

Vendors name carriers and regions each in their own way, and count each in theirs: a group lies
within one vendor, and within one account only where the rule groups by it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

from schemas.scope import Basis, Kind, Scope
from streams.core.rules.select import Selector

DIMENSIONS = tuple(kind for kind in Kind if kind is not Kind.GROUP)
"""What can be grouped by."""

TALLIED = (Kind.VENDOR, Kind.ACCOUNT, Kind.DISPLAY_NUMBER, Kind.CAMPAIGN)
"""What tallies have of it."""

_PLACE = (Kind.VENDOR, Kind.ACCOUNT)
_MARK = "~"


class Group(NamedTuple):
    """One rule's grouping.

    Attributes:
        name: the rule's name, and a digest of what is selected and grouped by: a rule that
            selects otherwise makes other groups, whose counts are not mixed with the old ones'.
        select: which scopes' calls are in it.
        by: what tells one group from another, in the order of `DIMENSIONS`.
        bases: which sources can be grouped so.
    """

    name: str
    select: Selector
    by: tuple[Kind, ...]
    bases: frozenset[Basis]

    @classmethod
    def of(cls, rule: str, select: Selector, by: Iterable[Kind], bases: Iterable[Basis]) -> Self:
        """Make the grouping of a rule."""
        ordered = tuple(kind for kind in DIMENSIONS if kind in set(by))
        told = json.dumps([select.model_dump(mode="json"), ordered], sort_keys=True)
        digest = hashlib.blake2b(told.encode(), digest_size=3).hexdigest()
        return cls(f"{rule}{_MARK}{digest}", select, ordered, frozenset(bases))

    def scope_of(
        self, basis: Basis, having: Mapping[Kind, str | None], scopes: Iterable[Scope]
    ) -> str | None:
        """Give the scope (its text form) that a record counts in, if it is in a group.

        Args:
            basis: what the record is.
            having: the record's dimensions; without one of those grouped by it is in no group.
            scopes: those that it counts in by itself; one of them must be selected.
        """
        if basis not in self.bases or not any(self.select.matches(each) for each in scopes):
            return None
        parts = []
        for kind in self.by:
            value = having.get(kind)
            if value is None:
                return None
            if kind not in _PLACE:
                parts.append(f"{kind}={_quoted(value)}")
        account = having[Kind.ACCOUNT] if Kind.ACCOUNT in self.by else None
        own = f"{self.name}/{','.join(parts)}" if parts else self.name
        return f"{basis}:{having[Kind.VENDOR]}/{account or ''}/{Kind.GROUP}/{own}"

    def holds(self, scope: Scope) -> bool:
        """Tell whether a scope is one of its groups."""
        return scope.kind is Kind.GROUP and _name(scope) == self.name


def group_of(scope: Scope) -> tuple[str, dict[Kind, str]]:
    """Read a group's scope: the name of its rule, and its dimensions beyond vendor and account."""
    _, _, told = (scope.value or "").partition("/")
    pairs = (each.partition("=") for each in told.split(",") if each)
    having = {Kind(kind): value for kind, _, value in pairs}
    rule = _name(scope).rpartition(_MARK)[0]
    return rule, {kind: _unquoted(value) for kind, value in having.items()}


def whoever_grouped(text: str) -> str:
    """Give a scope's text form without the name of the rule that grouped it."""
    scope = Scope.parse(text)
    if scope.kind is not Kind.GROUP or scope.value is None:
        return text
    return str(scope._replace(value=scope.value.partition(_MARK)[2]))


def prefix_of(scope: Scope) -> str:
    """Give what the text forms of a group and its siblings begin with."""
    return str(scope._replace(value=_name(scope)))


def _name(scope: Scope) -> str:
    return (scope.value or "").partition("/")[0]


def _quoted(value: str) -> str:
    return value.replace("%", "%25").replace(",", "%2C")


def _unquoted(value: str) -> str:
    return value.replace("%2C", ",").replace("%25", "%")
