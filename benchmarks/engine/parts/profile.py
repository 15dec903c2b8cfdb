"""Where the time goes: py-spy over a worker of callstreams that is catching up."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.engine.bench import PATIENCE, Bench
from benchmarks.engine.feed import feed, topics_of_run
from benchmarks.engine.traffic import Traffic, now

_FRAME = re.compile(r"^(?P<name>.+) \((?P<file>.*?)(:\d+)?\)$")
_ROOMS = (
    "streams/core",
    "streams/engine",
    "streams/agents",
    "faust",
    "mode",
    "aiokafka",
    "asyncio",
)
_TOP = 25
_WAITING = "EpollSelector.select "


async def run(bench: Bench) -> dict[str, Any]:
    """Profile one worker from its first call to its last."""
    plan = bench.plan
    run_name, topic = bench.name("profile"), bench.name("calls")
    bench.step("profile: writing calls")
    await feed(bench.kafka, topic, Traffic(plan.calls, plan.rate, plan.numbers, now()))
    await topics_of_run(bench.kafka, run_name, topic)
    folded = bench.folder / run_name / "stacks.txt"
    async with bench.callstreams(run_name, topic, plan.calls) as worker:
        await worker.until("first", seconds=PATIENCE)
        bench.step("profile: py-spy")
        spy = await asyncio.create_subprocess_exec(
            str(Path(bench.peers).with_name("py-spy")), "record", "--pid", str(worker.pid),
            "--format", "raw", "--rate", "250", "--output", str(folded),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await worker.until("done", seconds=PATIENCE)
        finally:
            if spy.returncode is None:
                spy.send_signal(2)
            await asyncio.wait_for(spy.wait(), 30)
    return summarise(await asyncio.to_thread(_lines, folded))


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def summarise(folded: Iterable[str]) -> dict[str, Any]:
    """Give the functions by own time, with the time of all they call; and own time by room.

    Samples of threads that wait for the network are counted apart.

    Args:
        folded: lines `outer;inner;innermost count`, a frame being `function (file:line)`.
    """
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    rooms: Counter[str] = Counter()
    samples = waiting = 0
    for line in folded:
        stack, _, times = line.rpartition(" ")
        frames = [frame for each in stack.split(";") if (frame := _frame(each))]
        if not frames:
            continue
        if frames[-1].startswith(_WAITING):
            waiting += int(times)
            continue
        samples += int(times)
        own[frames[-1]] += int(times)
        rooms[_room(frames[-1])] += int(times)
        for frame in set(frames):
            total[frame] += int(times)
    return {
        "samples": samples,
        "waiting": waiting,
        "rooms": {room: times / samples for room, times in rooms.most_common()},
        "top": [
            {"function": frame, "own": times / samples, "total": total[frame] / samples}
            for frame, times in own.most_common(_TOP)
        ],
        "inclusive": [
            {"function": frame, "own": own[frame] / samples, "total": times / samples}
            for frame, times in total.most_common(2 * _TOP)
        ],
    }


def _frame(text: str) -> str | None:
    found = _FRAME.match(text)
    if found is None:
        return None
    file = found["file"].rpartition("site-packages/")[2].rpartition("lib/python3.11/")[2]
    for room in ("streams/", "benchmarks/", "connectors/"):
        at = file.find(room)
        file = file[at:] if at > 0 else file
    return f"{found['name']} ({file})"


def _room(frame: str) -> str:
    file = frame.rpartition("(")[2]
    return next((room for room in _ROOMS if file.startswith(room)), "other")
