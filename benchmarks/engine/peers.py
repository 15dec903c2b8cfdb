"""The environment of the foreign engines: made from its own lock, never mixed with ours."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.engine.children import ROOT

LOCK = ROOT / "benchmarks" / "requirements-peers.txt"


def make(folder: Path) -> str:
    """Give the environment's interpreter; made where it is missing or the lock has changed."""
    stamp, wanted = folder / ".lock", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _run(
            str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--require-hashes", "-r", str(LOCK),
        )  # fmt: skip
        stamp.write_text(wanted, encoding="ascii")
    return str(python)


def versions(python: str) -> dict[str, str]:
    """Give the versions of what is in it."""
    listed = subprocess.run(  # noqa: S603 - our own interpreter
        [python, "-m", "pip", "list", "--format", "freeze", "--disable-pip-version-check"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    pairs = (line.partition("==") for line in listed.splitlines())
    return {name.lower(): version for name, _, version in pairs}


def _run(*command: str) -> None:
    subprocess.run(command, check=True)  # noqa: S603 - constants
