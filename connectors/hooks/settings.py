"""Who is told of which alerts, when, and how patiently."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connectors.hooks.durations import Duration
from connectors.hooks.receivers import ReceiverSettings
from schemas.silence import Matcher

_ZERO = timedelta(0)


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Texts = Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)]


def _is_matcher(text: str) -> str:
    Matcher.parse(text)
    return text


_Matchers = Annotated[
    tuple[Annotated[str, AfterValidator(_is_matcher)], ...], BeforeValidator(_several)
]


class Route(BaseModel):
    """Which receivers are told of the alerts with these labels, and how they are grouped.

    Attributes:
        match: per label a value, a glob (`0755*`) or a list of them; all labels must match. A
            label that the alert has not is the empty text, as in Alertmanager.
        matchers: conditions as Alertmanager writes them, `severity=~"warning|critical"`; all
            must match.
        receivers: the names of those who are told.
        group_by: alerts that have the same values of these labels are told together; `[]` all
            together, `["..."]` by every label. Without it each transition is a message of its
            own, at once.
        group_wait: how long a new group waits for more before its first message.
        group_interval: how long a group waits after a message before it tells what is new.
        repeat_interval: after how long a message is sent again while its alerts fire; grouped
            4 h by default, ungrouped never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: dict[str, _Texts] = Field(default_factory=dict)
    matchers: _Matchers = ()
    receivers: _Texts
    group_by: Annotated[tuple[str, ...], BeforeValidator(_several)] | None = None
    group_wait: Duration = Field(default=timedelta(seconds=30), ge=_ZERO)
    group_interval: Duration = Field(default=timedelta(minutes=5), ge=_ZERO)
    repeat_interval: Duration | None = Field(default=None, gt=_ZERO)

    @model_validator(mode="after")
    def _waits_are_of_groups(self) -> Self:
        if self.group_by is None and self.model_fields_set & {"group_wait", "group_interval"}:
            raise ValueError("group_wait and group_interval are of groups: set group_by too")
        return self

    def takes(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an alert with these labels goes this way."""
        return all(
            any(fnmatchcase(labels.get(label, ""), pattern) for pattern in patterns)
            for label, patterns in self.match.items()
        ) and all(Matcher.parse(each).matches(labels) for each in self.matchers)


class InhibitRule(BaseModel):
    """An alert that explains others mutes them while it fires.

    Attributes:
        source: matchers of the alert that explains.
        target: matchers of those that are muted.
        equal: labels that both must have alike; missing and empty are alike.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[_Matchers, Field(min_length=1)]
    target: Annotated[_Matchers, Field(min_length=1)]
    equal: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()


class HooksSettings(BaseModel):
    """The hooks' part of the configuration.

    Attributes:
        routes: every route that takes an alert adds its receivers; without routes all
            receivers are told of everything.
        inhibit: which alerts mute which.
        group: the Kafka consumer group; hooks processes of one group share the work.
        give_up_after: how long a message is tried before it becomes a dead letter.
        first_wait, longest_wait: between attempts; doubled each time, with jitter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    receivers: tuple[ReceiverSettings, ...] = ()
    routes: tuple[Route, ...] = ()
    inhibit: tuple[InhibitRule, ...] = ()
    group: str = "callstreams-hooks"
    give_up_after: Duration = Field(default=timedelta(hours=1), gt=_ZERO)
    first_wait: Duration = timedelta(seconds=1)
    longest_wait: Duration = timedelta(minutes=1)

    @property
    def names(self) -> tuple[str, ...]:
        """Give the receivers' names."""
        return tuple(receiver.name for receiver in self.receivers)

    def receiver(self, name: str) -> ReceiverSettings:
        """Give a receiver's settings.

        Raises:
            KeyError: there is none of this name.
        """
        for each in self.receivers:
            if each.name == name:
                return each
        raise KeyError(name)

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        for name in self.names:
            if self.names.count(name) > 1:
                raise ValueError(f"two receivers are called {name!r}: rename one")
        for route in self.routes:
            for name in route.receivers:
                if name not in self.names:
                    raise ValueError(
                        f"a route names the receiver {name!r}, which there is not; "
                        f"there are: {', '.join(self.names) or 'none'}"
                    )
        return self
