"""Run the bench: `python -m benchmarks.engine [--quick] [--only race,profile]`.

The full run writes docs/performance.json and the figures in docs/performance.md; a quick one, and
one of some parts, writes the same two files under .callstreams/bench.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from benchmarks.engine import machine, peers, report
from benchmarks.engine.bench import Bench
from benchmarks.engine.children import ContenderError
from benchmarks.engine.plan import FULL, QUICK
from benchmarks.page import KEPT, TRIED, keep
from connectors.broker import Broker
from connectors.broker.artifacts import packaged_lock

PARTS = ("core", "race", "workers", "latency", "restore", "scopes", "windows", "profile")


async def measure(parts: list[str], *, quick: bool, console: Console) -> dict[str, Any]:
    """Measure the parts on a broker of their own."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with (
        Progress(*columns, console=console) as progress,
        tempfile.TemporaryDirectory(prefix="callstreams-bench-") as folder,
    ):
        task = progress.add_task("the peers' environment", total=len(parts))
        python = await asyncio.to_thread(peers.make, TRIED / "peers")
        versions = await asyncio.to_thread(peers.versions, python)
        figures: dict[str, Any] = {
            "quick": quick,
            "machine": machine.describe(versions, packaged_lock().version),
            "failed": {},
        }
        async with Broker() as broker:
            bench = Bench(broker.settings, QUICK if quick else FULL, Path(folder), python)
            for name in parts:
                bench.step = partial(_tell, progress, task, name)
                try:
                    part = await import_module(f"benchmarks.engine.parts.{name}").run(bench)
                except (ContenderError, TimeoutError) as error:
                    figures["failed"][name] = str(error)
                    console.print(f"{name}: {error}", style="red", markup=False)
                else:
                    figures[name] = part
                progress.advance(task)
    return figures


def main() -> None:
    """Measure, write, and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.engine", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little of everything, for trying")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    asked = parser.parse_args()
    parts = asked.only.split(",")
    unknown = set(parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    console = Console()
    figures = asyncio.run(measure(parts, quick=asked.quick, console=console))
    whole = not asked.quick and set(parts) == set(PARTS) and not figures["failed"]
    write(KEPT if whole else TRIED, figures, console)
    if figures["failed"]:
        sys.exit(f"failed: {', '.join(figures['failed'])}")


def write(folder: Path, figures: dict[str, Any], console: Console) -> None:
    """Write both files, and print the text."""
    text = report.render(figures)
    keep(folder, "engine", figures, text)
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    console.print(f"\nwritten: {folder}/performance.json, {folder}/performance.md")


def _tell(progress: Progress, task: TaskID, part: str, what: str) -> None:
    progress.update(task, description=f"{part}: {what}")


if __name__ == "__main__":
    main()
