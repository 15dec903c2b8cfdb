"""icsoc's CDR push: each ended call to the customer's address (icsoc-cdr.txt, chapter 2)."""

from __future__ import annotations

import asyncio
import heapq
import json
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import count

from connectors.simulators.calls import Call
from connectors.simulators.icsoc import IcsocServer
from connectors.simulators.icsoc_records import push_record
from connectors.simulators.signatures import php_json, push_encrypt, push_sign
from connectors.web import ClientError, ClientSession, ClientTimeout

RETRIES = (15, 15, 30, 180, 1800, 1800, 1800, 1800, 3600)
"""Seconds between attempts, as documented; then a push is given up."""
_TICK = 0.1
_SHARES = 1000


@dataclass(frozen=True, slots=True)
class PushPlan:
    """How the pushes go.

    Attributes:
        encrypted: `data` is base64 of AES instead of an object.
        retry_scale: multiplies the pauses between attempts.
        dropped: the share of calls that is never pushed, as if given up: search must find them.
        twice: the share of calls that is pushed twice.
        at_once: how many pushes are under way at once.
        timeout: for one push.
    """

    encrypted: bool = False
    retry_scale: float = 1
    dropped: float = 0
    twice: float = 0
    at_once: int = 8
    timeout: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    at: float
    order: int
    call: Call
    attempt: int


def push_body(call: Call, secret: str, now: datetime, *, encrypted: bool = False) -> bytes:
    """Write and sign one push.

    Args:
        call: an ended call.
        secret: the customer's.
        now: the local moment for `timestamp`.
        encrypted: encrypt `data`.
    """
    data = php_json(push_record(call))
    written = data
    if encrypted:
        data = push_encrypt(data, secret)
        written = json.dumps(data)
    sign = push_sign(data, secret)
    timestamp = now.strftime("%Y-%m-%d %H:%M:%S")
    return f'{{"type":1,"data":{written},"sign":"{sign}","timestamp":"{timestamp}"}}'.encode()


class Pusher:
    """Pushes the calls that end from the scenario's start on; what ended before is history.

    Attributes:
        attempts: how many requests were sent.
        delivered: the ids of the calls whose push was taken at least once.
        dropped: the ids of the calls that the plan kept back.
        given_up: the ids of the calls that no attempt delivered.
    """

    def __init__(
        self, server: IcsocServer, session: ClientSession, url: str, plan: PushPlan | None = None
    ) -> None:
        self._server = server
        self._session = session
        self._url = url
        self._plan = plan or PushPlan()
        self._seen = 0
        self._order = count()
        self._waiting: list[_Due] = []
        self._sending = 0
        self.attempts = 0
        self.delivered: set[str] = set()
        self.dropped: set[str] = set()
        self.given_up: set[str] = set()

    @property
    def idle(self) -> bool:
        """Say whether every call so far was delivered, dropped or given up."""
        return not self._waiting and not self._sending and self._seen == len(self._calls)

    async def run(self) -> None:
        """Push until cancelled."""
        while True:
            await self.tick(self._server.now())
            await asyncio.sleep(_TICK)

    async def tick(self, now: datetime) -> None:
        """Send every push that is due at `now`, and wait for the answers."""
        self._take_new()
        due = []
        while self._waiting and self._waiting[0].at <= now.timestamp():
            due.append(heapq.heappop(self._waiting))
        self._sending = len(due)
        gate = asyncio.Semaphore(self._plan.at_once)
        try:
            await asyncio.gather(*(self._push(one, now, gate) for one in due))
        finally:
            self._sending = 0

    @property
    def _calls(self) -> list[Call]:
        return self._server.world.icsoc

    def _take_new(self) -> None:
        start = self._server.world.scenario.start.timestamp()
        for call in self._calls[self._seen :]:
            if call.ended < start:
                continue
            luck = zlib.crc32(call.call_id.encode()) % _SHARES / _SHARES
            if luck < self._plan.dropped:
                self.dropped.add(call.call_id)
                continue
            self._wait(call.ended, call, 0)
            if luck >= 1 - self._plan.twice:
                self._wait(call.ended, call, 0)
        self._seen = len(self._calls)

    def _wait(self, at: float, call: Call, attempt: int) -> None:
        heapq.heappush(self._waiting, _Due(at, next(self._order), call, attempt))

    async def _push(self, due: _Due, now: datetime, gate: asyncio.Semaphore) -> None:
        server = self._server
        body = push_body(
            due.call,
            server.push_secret,
            (now + server.skew).astimezone(server.world.scenario.zone),
            encrypted=self._plan.encrypted,
        )
        async with gate:
            self.attempts += 1
            taken = await self._send(body)
        if taken:
            self.delivered.add(due.call.call_id)
        elif due.attempt < len(RETRIES):
            pause = RETRIES[due.attempt] * self._plan.retry_scale
            self._wait(now.timestamp() + pause, due.call, due.attempt + 1)
        elif due.call.call_id not in self.delivered:
            self.given_up.add(due.call.call_id)

    async def _send(self, body: bytes) -> bool:
        """Send one push: taken is status 200 and a JSON object whose `code` is 0."""
        timeout = ClientTimeout(total=self._plan.timeout.total_seconds())
        headers = {"Content-Type": "application/json"}
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, timeout=timeout
            ) as response:
                text = await response.read()
                status = response.status
        except (ClientError, TimeoutError):
            return False
        try:
            answer = json.loads(text)
        except ValueError:
            return False
        return (
            status == HTTPStatus.OK
            and isinstance(answer, dict)
            and type(answer.get("code")) is int
            and answer["code"] == 0
        )
