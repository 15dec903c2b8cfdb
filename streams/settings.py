"""The configuration: one YAML file, secrets from the environment or files, read once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from connectors.health import TelemetrySettings
from connectors.hooks.settings import HooksSettings
from connectors.ingress.settings import IngressSettings
from connectors.kafka import KafkaSettings
from connectors.poller.settings import PollerSettings
from connectors.vendors.registry import Account
from schemas.errors import ConfigError
from streams.board.settings import BoardSettings
from streams.core.rules.durations import Duration, parse_duration


class State(StrEnum):
    """Where a worker keeps what each call said."""

    MEMORY = "memory"
    ROCKSDB = "rocksdb"


class StreamsSettings(BaseModel):
    """How the streams count.

    Attributes:
        group: the consumer group of the workers, and the prefix of their changelogs.
        windows: the rolling windows; each a multiple of `pane`. The calendar day is always there.
        pane: the slices that windows are made of, and the step in which they slide.
        late: how late a call may come after its end and still correct its windows.
        tell_every: how often metrics are written at most, per scope and window.
        tell_share: how much of its time a worker spends on telling at most; where that is too
            little for each change each `tell_every`, metrics and alerts come less often.
        idle_after: where nothing comes, event time follows the clock at this distance.
        state: where a worker keeps what each call of the last two days said: in memory, some
            500 bytes a call, or in RocksDB, which takes more time and hardly any memory.
        state_dir: a folder for RocksDB on a disk; by default one among the temporary files.
        rules: a file of rules; without one the built-in rules hold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str = "callstreams"
    windows: tuple[str, ...] = ("5m", "15m", "1h")
    pane: Duration = 10
    late: Duration = 4 * 3600
    tell_every: float = Field(default=1.0, gt=0)
    tell_share: float = Field(default=0.3, gt=0, le=1)
    idle_after: Duration = 60
    state: State = State.MEMORY
    state_dir: Path | None = None
    rules: Path | None = None

    @property
    def window_sizes(self) -> tuple[int, ...]:
        """Give the windows' lengths in seconds."""
        return tuple(parse_duration(window) for window in self.windows)

    @property
    def keep(self) -> int:
        """Tell how long (s) totals keep a pane: longer than partials of it may still come."""
        return max(self.late, *self.window_sizes) + 1800

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.pane <= 0 or 900 % self.pane:
            raise ValueError(
                f"a pane of {self.pane}s does not divide a quarter of an hour, on which days "
                "begin: choose 1s, 5s, 10s, 30s or 1m"
            )
        for window, size in zip(self.windows, self.window_sizes, strict=True):
            if size % self.pane or size <= 0:
                raise ValueError(f"window {window} is no multiple of the pane of {self.pane}s")
        return self


class Settings(BaseSettings):
    """The whole configuration; each room of the house has its own section.

    A key of the environment stands above the file: `CALLSTREAMS_INGRESS__PORT` is `ingress.port`.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="CALLSTREAMS_",
        env_nested_delimiter="__",
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment first, then what the file says."""
        return env_settings, init_settings

    kafka: KafkaSettings = KafkaSettings()
    accounts: tuple[Account, ...] = ()
    poller: PollerSettings = PollerSettings()
    ingress: IngressSettings = IngressSettings()
    streams: StreamsSettings = StreamsSettings()
    hooks: HooksSettings = HooksSettings()
    board: BoardSettings = BoardSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        seen: set[tuple[str, str]] = set()
        for account in self.accounts:
            name = (account.vendor, account.name)
            if name in seen:
                raise ValueError(f"two accounts are called {account.vendor}/{account.name}")
            seen.add(name)
        return self


def load_settings(path: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the configuration.

    Args:
        path: the YAML file; None for defaults alone.
        environment: KAFKA_BOOTSTRAP_SERVERS in it stands above the file.

    Raises:
        ConfigError: it cannot be used; the text names the key and the mend.
    """
    content: dict[str, Any] = {}
    if path is not None:
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"{path} is not YAML: {error}") from error
        if not isinstance(content, dict):
            raise ConfigError(f"{path} must be a mapping: `kafka:`, `accounts:` …")
    servers = (environment if environment is not None else os.environ).get(
        "KAFKA_BOOTSTRAP_SERVERS"
    )
    if servers:
        content["kafka"] = (content.get("kafka") or {}) | {"bootstrap_servers": servers}
    try:
        settings = Settings(**content)
    except ValidationError as error:
        raise ConfigError(_explain(path, error)) from error
    return settings


def _explain(path: Path | None, error: ValidationError) -> str:
    lines = [f"{path or 'the configuration'} cannot be used:"]
    for one in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in one["loc"]) or "top"
        lines.append(f"  {where}: {one['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)
