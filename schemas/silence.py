"""Silences: who is not to be disturbed with what, until when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from schemas.base import Message, Moment


class MatchOperator(StrEnum):
    """How a matcher holds a label against its value; an expression must match the whole label."""

    IS = "="
    IS_NOT = "!="
    MATCHES = "=~"
    MATCHES_NOT = "!~"


_WRITTEN = re.compile(
    r"\s*(?P<label>[a-zA-Z_][a-zA-Z0-9_]*)\s*(?P<operator>=~|!~|!=|=)\s*"
    r"(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<bare>[^\s\"]*))\s*"
)


class Matcher(Message):
    """One condition on one label; a label that is missing is the empty text.

    Source: prometheus.io/docs/alerting/latest/configuration, "matcher".
    """

    label: str = Field(min_length=1)
    operator: MatchOperator
    value: str

    @staticmethod
    @lru_cache(maxsize=1024)
    def parse(text: str) -> Matcher:
        r"""Read `severity="critical"`, `value=~"0755.*"`, `team!=night`.

        Raises:
            ValueError: it is not written so.
        """
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError(f'{text!r} is no matcher: write label="value", with one of = != =~ !~')
        quoted = found["quoted"]
        value = found["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        return Matcher(label=found["label"], operator=MatchOperator(found["operator"]), value=value)

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        if self.operator in (MatchOperator.MATCHES, MatchOperator.MATCHES_NOT):
            try:
                _expression(self.value)
            except re.error as error:
                raise ValueError(f"{self.value!r} is no regular expression: {error}") from error
        return self

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether these labels meet the condition."""
        have = labels.get(self.label, "")
        match self.operator:
            case MatchOperator.IS:
                return have == self.value
            case MatchOperator.IS_NOT:
                return have != self.value
            case MatchOperator.MATCHES:
                return _expression(self.value).fullmatch(have) is not None
            case MatchOperator.MATCHES_NOT:
                return _expression(self.value).fullmatch(have) is None

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.label}{self.operator}"{value}"'


def _read_matcher(value: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
    return Matcher.parse(value) if isinstance(value, str) else value


AMatcher = Annotated[Matcher, BeforeValidator(_read_matcher)]
"""A matcher, also as text: `severity="critical"`."""


class Silence(Message):
    """What is not told between two moments. Topic `callstreams.silences`, keyed by `id`.

    Attributes:
        matchers: all must match.
        ends_at: from here on it has ended; to expire a silence means to move this to now.
    """

    id: str = Field(min_length=1)
    matchers: tuple[AMatcher, ...] = Field(min_length=1)
    starts_at: Moment
    ends_at: Moment
    created_by: str = Field(min_length=1)
    comment: str = Field(min_length=1)
    updated_at: Moment

    @field_validator("matchers")
    @classmethod
    def _chooses(cls, matchers: tuple[Matcher, ...]) -> tuple[Matcher, ...]:
        if all(matcher.matches({}) for matcher in matchers):
            raise ValueError(
                "these matchers would silence everything: name a label that must be there"
            )
        return matchers

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.ends_at < self.starts_at:
            raise ValueError("a silence cannot end before it starts")
        return self

    def is_active(self, now: datetime) -> bool:
        """Tell whether it holds at a moment: from its start, up to but without its end."""
        return self.starts_at <= now < self.ends_at

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether it is for an alert with these labels, whenever it holds."""
        return all(matcher.matches(labels) for matcher in self.matchers)

    def mutes(self, labels: Mapping[str, str], now: datetime) -> bool:
        """Tell whether an alert with these labels is silent at a moment."""
        return self.is_active(now) and self.matches(labels)

    @property
    def key(self) -> bytes:
        """Give the Kafka key."""
        return self.id.encode()


@lru_cache(maxsize=1024)
def _expression(text: str) -> re.Pattern[str]:
    return re.compile(text)
