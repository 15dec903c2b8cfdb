"""The times at which a rule is asked at all: a zone, weekdays, hours, holidays."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, NamedTuple, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic.config import JsonDict

from streams.core.rules.moments import moment
from streams.core.rules.parts import Strict, wrong

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


class Hours(NamedTuple):
    """From `start` to before `end`, in minutes of the day."""

    start: int
    end: int


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone: write one such as Asia/Shanghai") from error
    return name


def _weekdays(value: object) -> object:
    """Read `mon-fri`, `[mon, wed]` or a mixture into numbers, Monday being 0."""
    found: set[int] = set()
    for each in value if isinstance(value, list | tuple | frozenset | set) else (value,):
        if isinstance(each, int) and not isinstance(each, bool):
            found.add(each)
            continue
        first, _, last = str(each).lower().partition("-")
        if first not in _DAYS or (last or first) not in _DAYS:
            raise ValueError(f"{each!r} is no weekday: write mon, tue … sun, or mon-fri")
        start, end = _DAYS.index(first), _DAYS.index(last or first)
        found.update(range(start, end + 1) if start <= end else (*range(start, 7), *range(end + 1)))
    return found


def _hours(value: object) -> Hours:
    if isinstance(value, Hours):
        return value
    match = _HOURS.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} are no hours: write them as 09:00-18:00")
    numbers = [int(group) for group in match.groups()]
    start, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    if end > 24 * 60:
        raise ValueError(f"{value!r}: the day ends at 24:00")
    if start >= end:
        raise ValueError(
            f"{value!r} end before they begin: over midnight write both parts, "
            "22:00-24:00 and 00:00-06:00"
        )
    return Hours(start, end)


def _list(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


def _no_default(schema: JsonDict) -> None:
    """Take out a default that is not as people write it."""
    schema.pop("default", None)


_Hours = Annotated[Hours, BeforeValidator(_hours)]
_HOURS_SCHEMA = {"type": "string", "description": "such as 09:00-18:00"}
_DAY_SCHEMA = {"type": "string", "description": "mon … sun, or mon-fri"}


class ActiveTimes(Strict):
    """When a rule is asked. Outside, nothing begins, and what fires ends.

    Attributes:
        zone: the IANA time zone that days and hours are meant in.
        weekdays: `mon-fri`, or a list; every day unless stated.
        hours: `09:00-18:00`, or a list; the whole day unless stated.
        holidays: days that are free though their weekday is not.
        workdays: days that are worked though their weekday is free (调休).
    """

    zone: Annotated[str, AfterValidator(_zone)]
    weekdays: Annotated[
        frozenset[Annotated[int, Field(ge=0, le=6)]],
        BeforeValidator(_weekdays),
        Field(min_length=1),
        WithJsonSchema({"anyOf": [_DAY_SCHEMA, {"type": "array", "items": _DAY_SCHEMA}]}),
    ] = Field(default=frozenset(range(7)), json_schema_extra=_no_default)
    hours: Annotated[
        tuple[_Hours, ...],
        BeforeValidator(_list),
        Field(min_length=1),
        WithJsonSchema(
            {"anyOf": [_HOURS_SCHEMA, {"type": "array", "items": _HOURS_SCHEMA, "minItems": 1}]}
        ),
    ] = Field(default=(Hours(0, 24 * 60),), json_schema_extra=_no_default)
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    def include(self, at_ms: int) -> bool:
        """Tell whether a moment (Unix ms) lies in them."""
        local = moment(at_ms).astimezone(ZoneInfo(self.zone))
        return self._is_worked(local) and self._is_open(local)

    def _is_worked(self, local: datetime) -> bool:
        day = local.date()
        if day in self.workdays:
            return True
        return day not in self.holidays and local.weekday() in self.weekdays

    def _is_open(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        return any(hours.start <= minute < hours.end for hours in self.hours)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        both = sorted(self.holidays & self.workdays)
        if both:
            raise wrong("workdays", f"{both[0]} is a holiday too: take it out of one of them")
        return self
