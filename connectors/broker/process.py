"""A child process that never outlives us, however we die.

A second, tiny child (a shell that waits on a pipe of ours) kills the first as soon as the pipe is
closed, which the kernel does when this process ends, even by SIGKILL. The other way, Linux'
`prctl(PR_SET_PDEATHSIG)`, is not safe here: it strikes when the *thread* that started the child
ends, and asyncio starts children from worker threads; it needs `preexec_fn`, which may deadlock
in a process with threads; and macOS has no such thing.

The child has a process group of its own: Ctrl-C in the terminal reaches us alone, and we end it
after those that use it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

_SHELL = "/bin/sh"
# A number may be somebody else's by the time that the pipe closes, so the guard also knows when
# its process was born (field 22 of /proc/N/stat; without /proc there is the number alone).
_GUARD = """
born() { cut -d" " -f22 "/proc/$1/stat" 2>/dev/null; }
read -r child || exit
at=$(born "$child")
read -r _
[ "$(born "$child")" = "$at" ] && kill -KILL "$child"
"""
# The child tells its number to the guard (its stdout is the guard's pipe) before it becomes Java:
# there is no moment at which it lives and the guard does not know it.
_BECOME = 'echo $$; log=$1; shift; exec "$@" >>"$log" 2>&1'


class Child:
    """A running command whose output goes to a file.

    Args:
        command: the program and its arguments.
        log: the file that its output is appended to.
    """

    def __init__(self, command: Sequence[str | Path], log: Path) -> None:
        self._guard = subprocess.Popen(  # noqa: S603 - a constant
            [_SHELL, "-c", _GUARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        self._process = subprocess.Popen(  # noqa: S603 - the callers here alone
            [_SHELL, "-c", _BECOME, _SHELL, log, *command],
            stdin=subprocess.DEVNULL,
            stdout=self._guard.stdin,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )

    @property
    def pid(self) -> int:
        """Give the process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tell whether it lives."""
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """Give what it ended with; None while it lives."""
        return self._process.poll()

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended; kill it where that takes longer than `seconds`."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._dismiss_guard()

    def kill(self) -> None:
        """End it at once (SIGKILL), as a power cut does."""
        self._process.kill()
        self.wait(0)

    def _dismiss_guard(self) -> None:
        # killed before its pipe closes: the number it guards may be somebody else's by now
        self._guard.kill()
        self._guard.wait()
        if self._guard.stdin is not None:
            self._guard.stdin.close()


def tail(path: Path, lines: int = 15) -> str:
    """Give the last lines of a log, or nothing where there is none."""
    try:
        return os.linesep.join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
