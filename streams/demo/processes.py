"""The real commands as child processes, as in production."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from connectors.broker.process import Child, tail
from schemas.errors import FatalError

_STOP_SECONDS = 20


class Processes:
    """Child processes with a log file each; they end with us, however we end.

    Args:
        folder: where the logs are written.
        config: the configuration that all are given.
    """

    def __init__(self, folder: Path, config: Path) -> None:
        self._folder = folder
        self._config = config
        self._children: dict[str, Child] = {}

    def start(self, command: str) -> None:
        """Start `callstreams COMMAND`."""
        self._children[command] = Child(
            [
                sys.executable,
                "-m",
                "streams.cli",
                command,
                "--config",
                str(self._config),
                "--verbose",
            ],
            self.log(command),
        )

    def log(self, command: str) -> Path:
        """Tell where a command's log is."""
        return self._folder / f"{command}.log"

    def check(self) -> None:
        """See that all run.

        Raises:
            FatalError: one has ended; the text holds the end of its log.
        """
        for command, child in self._children.items():
            if not child.running:
                raise FatalError(
                    f"callstreams {command} ended with {child.returncode}:\n"
                    f"{tail(self.log(command), 30)}"
                )

    def stop(self, commands: Sequence[str] | None = None) -> None:
        """Ask them to end, and wait until they have."""
        ending = [each for each in (commands or list(self._children)) if each in self._children]
        for command in ending:
            self._children[command].terminate()
        for command in ending:
            self._children.pop(command).wait(_STOP_SECONDS)
