"""Secrets in the configuration: named, never written out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, SecretStr


def _resolve(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.startswith("env:"):
        name = value.removeprefix("env:")
        if name not in os.environ:
            raise ValueError(f"the environment has no {name}: set it, or name another")
        return os.environ[name]
    if value.startswith("file:"):
        path = Path(value.removeprefix("file:"))
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise ValueError(f"the secret file {path} cannot be read: {error.strerror}") from error
    return value


Secret = Annotated[SecretStr, BeforeValidator(_resolve)]
"""A secret given as `env:NAME`, as `file:/path`, or (for tests) as it is."""
