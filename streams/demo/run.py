"""Run the demo: everything up, a minute of traffic, everything compared, everything down."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from connectors.broker import Broker, Installation
from connectors.broker.ports import free_ports
from connectors.kafka import create_topics
from connectors.simulators.huawei import HuaweiSettings
from connectors.simulators.pusher import PushPlan
from connectors.simulators.scenario import brisk
from connectors.simulators.simulation import Simulation, simulate
from connectors.web import serve
from schemas import topics
from streams.demo import plan
from streams.demo.processes import Processes
from streams.demo.receiver import WebhookReceiver
from streams.demo.screen import screen
from streams.demo.verdict import Difference, differences, passed, summary
from streams.demo.watch import Seen, watch

_COMMANDS = ("worker", "hooks", "ingress", "poll", "board")
_REFRESH_SECONDS = 0.5
_SETTLE_SECONDS = 45
_FLAGGED = timedelta(seconds=22)
_RECOVERS = timedelta(seconds=40)


def _now() -> datetime:
    return datetime.now(UTC)


class Demo:
    """One run.

    Args:
        installation: Kafka and Java.
        seconds: how long the traffic flows; None until Ctrl-C.
        console: where it is shown.
        folder: where logs and configuration are written.
    """

    def __init__(
        self, installation: Installation, seconds: float | None, console: Console, folder: Path
    ) -> None:
        self._installation = installation
        self._seconds = seconds
        self._console = console
        self._folder = folder
        self._seen = Seen()
        self._receiver = WebhookReceiver()
        self._stop = asyncio.Event()
        self._addresses: dict[str, str] = {}
        self._began = time.monotonic()

    async def run(self) -> tuple[dict[str, Any], list[Difference]]:
        """Run it.

        Returns:
            The summary, and what was counted wrongly.

        Raises:
            CallstreamsError: something did not start, or ended by itself.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        async with AsyncExitStack() as stack:
            self._console.print("starting Apache Kafka …", style="dim")
            broker = await stack.enter_async_context(Broker(installation=self._installation))
            await create_topics(broker.settings, topics.ALL)
            hook = await stack.enter_async_context(serve(self._receiver.app(), drain_seconds=1))
            self._console.print("starting the simulated vendors and the services …", style="dim")
            simulation = await stack.enter_async_context(self._simulation())
            ingress_port, board_port = free_ports(2)
            config = plan.configuration(
                simulation,
                bootstrap_servers=broker.bootstrap_servers,
                ingress_port=ingress_port,
                board_port=board_port,
                hook_url=f"{hook}/alerts",
                hook_secret=self._receiver.secret,
                folder=self._folder,
            )
            path = self._folder / "callstreams.yaml"
            plan.write(config, path)
            processes = Processes(self._folder, path)
            stack.callback(processes.stop)
            for command in _COMMANDS:
                processes.start(command)
            self._addresses = {
                "wallboard": f"http://127.0.0.1:{board_port}/",
                "ingress": f"http://127.0.0.1:{ingress_port}/push/icsoc/{plan.ACCOUNT}",
                "Kafka": broker.bootstrap_servers,
                "logs": str(self._folder),
            }
            reading = asyncio.create_task(watch(broker.settings, self._seen))
            stack.push_async_callback(_cancel, reading)
            await simulation.start_pushing(
                self._addresses["ingress"], PushPlan(retry_scale=0.05, dropped=0.02, twice=0.02)
            )
            return await self._show(simulation, processes, reading)

    def _simulation(self) -> Any:  # noqa: ANN401 - an async context manager of a Simulation
        scenario = brisk(_now(), flagged_after=_FLAGGED, recovers_after=_RECOVERS)
        pause = timedelta(seconds=plan.STATISTICS_SECONDS)
        return simulate(scenario, clock=_now, huawei=HuaweiSettings(interval=pause))

    async def _show(
        self, simulation: Simulation, processes: Processes, reading: asyncio.Task[None]
    ) -> tuple[dict[str, Any], list[Difference]]:
        self._began = time.monotonic()
        with Live(console=self._console, auto_refresh=False, transient=False) as live:

            def draw(clock: str) -> None:
                processes.check()
                if reading.done():
                    reading.result()
                delivered = len(self._receiver.delivered)
                live.update(screen(self._seen, self._addresses, delivered, clock), refresh=True)

            while not self._over():
                draw(self._clock())
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), _REFRESH_SECONDS)
            simulation.stop_traffic(_now())
            await simulation.drained()
            off = differences(self._seen, simulation.truth())
            deadline = time.monotonic() + _SETTLE_SECONDS
            while off and time.monotonic() < deadline:
                draw("the traffic has ended; what is under way arrives")
                await asyncio.sleep(_REFRESH_SECONDS)
                off = differences(self._seen, simulation.truth())
            draw("done")
        self._console.print()  # what follows begins on a line of its own, also in a pipe
        return summary(self._seen, len(self._receiver.delivered), off), off

    def _over(self) -> bool:
        if self._stop.is_set():
            return True
        return self._seconds is not None and time.monotonic() - self._began >= self._seconds

    def _clock(self) -> str:
        went = int(time.monotonic() - self._began)
        return f"{went} s" if self._seconds is None else f"{went} of {int(self._seconds)} s"


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def run_demo(
    installation: Installation, seconds: float | None, console: Console
) -> tuple[dict[str, Any], list[Difference], bool]:
    """Run the demo in a folder of its own that goes at the end.

    Args:
        installation: Kafka and Java.
        seconds: how long the traffic flows; None until Ctrl-C.
        console: where it is shown.

    Returns:
        The summary, what was counted wrongly, and whether all is as it should be.
    """
    with tempfile.TemporaryDirectory(prefix="callstreams-demo-") as folder:
        result, off = await Demo(installation, seconds, console, Path(folder)).run()
    return result, off, passed(result, off)
