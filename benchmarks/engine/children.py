"""Contenders as child processes, and what they tell."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.engine.contenders.meter import Job

ROOT = Path(__file__).resolve().parents[2]


class ContenderError(RuntimeError):
    """A contender ended, or fell silent, before it had told what was waited for."""


class Contender:
    """One running contender.

    ```python
    async with Contender(python, "bare", job) as contender:
        done = await contender.until("done", seconds=60)
    ```

    Args:
        python: the interpreter, of this environment or the peers'.
        name: its module under `contenders`.
        job: what it is to do.
    """

    def __init__(self, python: str, name: str, job: Job) -> None:
        self._command = (python, "-m", f"benchmarks.engine.contenders.{name}")
        self._job = job
        self._log = Path(job.folder) / f"{job.run}.log"
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()
        self.events: list[dict[str, Any]] = []
        self.began = 0.0

    async def __aenter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self.began = time.monotonic()
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                json.dumps(asdict(self._job)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=self._job.folder,
                env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            )
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is None or self._reading is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    @property
    def pid(self) -> int:
        """Give the process id."""
        if self._process is None:
            raise ContenderError("not started")
        return self._process.pid

    async def until(
        self, event: str, *, seconds: float, where: Callable[[dict[str, Any]], bool] = bool
    ) -> dict[str, Any]:
        """Wait for an event that `where` accepts, from the first one on.

        Raises:
            ContenderError: it ended before, or `seconds` have passed; the text has its log's end.
        """
        seen = 0
        try:
            async with asyncio.timeout(seconds), self._news:
                while True:
                    for told in self.events[seen:]:
                        if told["event"] == event and where(told):
                            return told
                    seen = len(self.events)
                    if self._reading is not None and self._reading.done():
                        raise ContenderError(self._explain(f"ended before `{event}`"))
                    await self._news.wait()
        except TimeoutError:
            raise ContenderError(self._explain(f"no `{event}` within {seconds:.0f} s")) from None

    async def _read(self) -> None:
        stream = self._process.stdout if self._process else None
        while stream is not None and (line := await stream.readline()):
            if line.startswith(b'{"event"'):
                async with self._news:
                    self.events.append(json.loads(line))
                    self._news.notify_all()
        asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(self._wake()))

    async def _wake(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _explain(self, what: str) -> str:
        log = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        last = self.events[-1] if self.events else "nothing"
        return "\n".join([f"{self._command[-1]} {what}; it last told {last}", *log])
