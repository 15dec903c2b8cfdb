"""Who is told of which alerts, and how patiently."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connectors.hooks.receivers import ReceiverSettings


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Texts = Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1)]


class Route(BaseModel):
    """Which receivers are told of the alerts with these labels.

    Attributes:
        match: per label a value, a glob (`0755*`) or a list of them; all labels must match. A
            label that the alert has not is the empty text, as in Alertmanager.
        receivers: the names of those who are told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: dict[str, _Texts] = Field(default_factory=dict)
    receivers: _Texts

    def takes(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an alert with these labels goes this way."""
        return all(
            any(fnmatchcase(labels.get(label, ""), pattern) for pattern in patterns)
            for label, patterns in self.match.items()
        )


class HooksSettings(BaseModel):
    """The hooks' part of the configuration.

    Attributes:
        routes: every route that takes an alert adds its receivers; without routes all
            receivers are told of everything.
        group: the Kafka consumer group; hooks processes of one group share the work.
        give_up_after: how long an alert is tried before it becomes a dead letter. As long can
            a broken receiver hold back the commit.
        first_wait, longest_wait: between attempts; doubled each time, with jitter.
        read_ahead: how many alerts may wait for their receivers before reading pauses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    receivers: tuple[ReceiverSettings, ...] = ()
    routes: tuple[Route, ...] = ()
    group: str = "callstreams-hooks"
    give_up_after: timedelta = Field(default=timedelta(hours=1), gt=timedelta(0))
    first_wait: timedelta = timedelta(seconds=1)
    longest_wait: timedelta = timedelta(minutes=1)
    read_ahead: int = Field(default=10_000, ge=1)

    @property
    def names(self) -> tuple[str, ...]:
        """Give the receivers' names."""
        return tuple(receiver.name for receiver in self.receivers)

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
