"""All three vendors at once, over one made-up call centre."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from connectors.simulators.generator import World
from connectors.simulators.huawei import HuaweiServer, HuaweiSettings
from connectors.simulators.icsoc import IcsocServer, IcsocSettings
from connectors.simulators.pusher import Pusher, PushPlan
from connectors.simulators.scenario import Scenario
from connectors.simulators.server import Clock
from connectors.simulators.sevenmoor import SevenMoorServer, SevenMoorSettings
from connectors.simulators.truth import Truth, count_icsoc
from connectors.web import ClientSession, serve

_DRAIN_SECONDS = 0.1  # what still waits on purpose (SlowBody) need not be waited for
_LOOK_AGAIN = 0.05


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the three servers listen: free ports of the loopback interface, unless told otherwise.

    Attributes:
        host: where they listen.
        ports: of 7moor, Huawei and icsoc; 0 takes a free one.
        known_as: the host by which their clients know them; None for `host`.
    """

    host: str = "127.0.0.1"
    ports: tuple[int, int, int] = (0, 0, 0)
    known_as: str | None = None


class Simulation:
    """The running servers.

    Attributes:
        sevenmoor: `.url`, `.appkey`, `.secret`.
        huawei: `.url`, `.access_key`, `.secret_key`, `.vdn`.
        icsoc: `.url`, `.token_url`, `.tokens` (company, agent, password, client_id,
            client_secret), `.push_secret`.
        pusher: icsoc's push, once it has an address.
    """

    def __init__(
        self,
        world: World,
        clock: Clock,
        *,
        sevenmoor: SevenMoorSettings | None = None,
        huawei: HuaweiSettings | None = None,
        icsoc: IcsocSettings | None = None,
        listening: Listening | None = None,
    ) -> None:
        self.world = world
        self.clock = clock
        self._listening = listening or Listening()
        self.sevenmoor = SevenMoorServer(world, clock, sevenmoor)
        self.huawei = HuaweiServer(world, clock, huawei)
        self.icsoc = IcsocServer(world, clock, icsoc)
        self.pusher: Pusher | None = None
        self._stack = AsyncExitStack()
        self._last_end: datetime | None = None

    async def start_pushing(self, url: str, plan: PushPlan | None = None) -> Pusher:
        """Push icsoc's calls to `url` from now on, also those that ended since the start."""
        if self.pusher is not None:
            raise RuntimeError("the simulation pushes already; open a second one")
        session = await self._stack.enter_async_context(ClientSession())
        self.pusher = Pusher(self.icsoc, session, url, plan)
        task = asyncio.create_task(self.pusher.run())
        self._stack.push_async_callback(_cancel, task)
        return self.pusher

    def stop_traffic(self, now: datetime) -> datetime:
        """Start no call after `now`; give the moment at which all will have ended."""
        self._last_end = self.world.stop(now)
        return self._last_end

    async def drained(self) -> None:
        """Wait until the traffic that was stopped has ended, and its pushes are settled.

        The clock that was given must go on, by itself or by another task.
        """
        if self._last_end is None:
            raise RuntimeError("call stop_traffic first")
        # The clock has no event to wait for.
        while self._in_flight(self._last_end):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_AGAIN)

    def _in_flight(self, last_end: datetime) -> bool:
        return self.clock() < last_end or not (self.pusher is None or self.pusher.idle)

    def truth(self, now: datetime | None = None, *, since: datetime | None = None) -> Truth:
        """Count what is right.

        Args:
            now: at which moment; by default the clock's. Not before the last call made.
            since: count only icsoc's and the missed calls that started at or after this.
        """
        moment = now or self.clock()
        self.world.advance(moment)
        start = int(since.timestamp()) if since is not None else 0
        total, daily = self.huawei.growth(moment)
        return Truth(
            icsoc=count_icsoc(
                call for call in self.icsoc.ended(moment) if int(call.started) >= start
            ),
            missed=Counter(
                call.number for call in self.huawei.missed(moment) if int(call.started) >= start
            ),
            sevenmoor=self.sevenmoor.growth(moment),
            huawei_total=total,
            huawei_daily=daily,
            tasks=len(self.sevenmoor.tasks.by_id),
        )

    async def __aenter__(self) -> Simulation:
        where, servers = self._listening, (self.sevenmoor, self.huawei, self.icsoc)
        for server, port in zip(servers, where.ports, strict=True):
            server.now()
            url = await self._stack.enter_async_context(
                serve(server.app(), host=where.host, port=port, drain_seconds=_DRAIN_SECONDS)
            )
            known_as = where.known_as or where.host
            server.url = f"http://{known_as}:{url.rpartition(':')[2]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def simulate(
    scenario: Scenario,
    *,
    clock: Clock,
    push_url: str | None = None,
    push: PushPlan | None = None,
    sevenmoor: SevenMoorSettings | None = None,
    huawei: HuaweiSettings | None = None,
    icsoc: IcsocSettings | None = None,
    listening: Listening | None = None,
) -> AsyncIterator[Simulation]:
    """Open the three servers, and push where an address is given.

    Args:
        scenario: which calls are made.
        clock: the moment, with its offset; the servers make calls up to it.
        push_url: where icsoc pushes to; `Simulation.start_pushing` does it later.
        push: how the pushes go.
        sevenmoor: what differs from 7moor's own limits.
        huawei: what differs from Huawei's.
        icsoc: what differs from icsoc's.
        listening: where; on free loopback ports by default.
    """
    simulation = Simulation(
        World(scenario),
        clock,
        sevenmoor=sevenmoor,
        huawei=huawei,
        icsoc=icsoc,
        listening=listening,
    )
    async with simulation:
        if push_url is not None:
            await simulation.start_pushing(push_url, push)
        yield simulation


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
