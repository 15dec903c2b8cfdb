"""Which scopes a rule watches."""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from schemas.base import Vendor
from schemas.scope import Kind, Scope
from streams.core.rules.parts import Strict


class AnyBasis(StrEnum):
    """Which sources a rule looks at."""

    CALLS = "calls"
    TALLIES = "tallies"
    ANY = "any"


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


_T = TypeVar("_T")
_OneOrMore = Annotated[tuple[_T, ...], BeforeValidator(_several), Field(min_length=1)]


def _or_list(item: dict[str, object]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]})


_Globs = Annotated[_OneOrMore[str], _or_list({"type": "string"})]
_Vendors = Annotated[
    _OneOrMore[Vendor], _or_list({"type": "string", "enum": [str(each) for each in Vendor]})
]
_KINDS = _or_list({"type": "string", "enum": [str(k) for k in Kind if k is not Kind.GROUP]})


def _no_groups(kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    if Kind.GROUP in kinds:
        raise ValueError("a rule makes its groups by `group_by`: select the kinds that are in them")
    return kinds


Kinds = Annotated[_OneOrMore[Kind], AfterValidator(_no_groups), _KINDS]
"""Kinds of scopes as a rule writes them: one or a list."""


class Selector(Strict):
    """Which scopes a rule watches: one value, a list, or a glob (`0755*`); left out means all."""

    vendor: _Vendors | None = None
    account: _Globs | None = None
    kind: Kinds | None = None
    value: _Globs | None = None
    basis: AnyBasis = AnyBasis.ANY

    def matches(self, scope: Scope) -> bool:
        """Tell whether the scope is one of them."""
        return (
            (self.vendor is None or scope.vendor in self.vendor)
            and _glob(self.account, scope.account)
            and (self.kind is None or scope.kind in self.kind)
            and _glob(self.value, scope.value)
            and self.basis in (AnyBasis.ANY, AnyBasis(scope.basis))
        )


def _glob(patterns: tuple[str, ...] | None, text: str | None) -> bool:
    if patterns is None:
        return True
    return text is not None and any(fnmatchcase(text, pattern) for pattern in patterns)
