"""An ingress that listens, with a Kafka that a test can hold, break and look into."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest

from connectors.ingress.app import make_app
from connectors.ingress.settings import IngressSettings
from connectors.vendors.icsoc.signature import sign
from connectors.vendors.icsoc.source import IcsocAccount
from connectors.web import serve
from schemas.dead_letter import DeadLetter
from schemas.envelope import RawRecord

SECRET = "0123456789abcdef0123456789abcdef"
DATA = '{"call_id":"6811535818021285888","caller":"01212345674","callresult":"0"}'
NOW = datetime(2021, 6, 18, 8, 0, tzinfo=UTC)
PATH = "/push/icsoc/main"


def push(data: str = DATA, *, kind: int = 1, secret: str = SECRET) -> bytes:
    return f'{{"type":{kind},"data":{data},"sign":"{sign(data, secret)}"}}'.encode()


@dataclass
class FakeKafka:
    """Keep what is published once `open` is set; raise `error` instead where there is one."""

    records: list[RawRecord] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    error: Exception | None = None
    waiting: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    is_ready: bool = True

    async def publish(self, record: RawRecord) -> None:
        await self._pass()
        self.records.append(record)

    async def bury(self, letter: DeadLetter) -> None:
        await self._pass()
        self.letters.append(letter)

    async def ready(self) -> bool:
        return self.is_ready

    async def _pass(self) -> None:
        self.waiting.put_nowait(None)
        await self.open.wait()
        if self.error is not None:
            raise self.error


@pytest.fixture
def outlet() -> FakeKafka:
    made = FakeKafka()
    made.open.set()
    return made


Listening = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def listening(outlet: FakeKafka) -> Listening:
    """Serve the accounts `main` and `open` (unsigned), and give a client."""

    @asynccontextmanager
    async def start(**settings: object) -> AsyncIterator[httpx.AsyncClient]:
        accounts = [
            IcsocAccount(name="main", push={"secrets": [SECRET]}),
            IcsocAccount(name="open", push={"signature": "off"}),
        ]
        app = make_app(
            [account.receiver() for account in accounts],
            outlet.publish,
            outlet.bury,
            IngressSettings.model_validate(settings),
            ready=outlet.ready,
            clock=lambda: NOW,
        )
        async with (
            serve(app, drain_seconds=1) as address,
            httpx.AsyncClient(base_url=address, trust_env=False) as client,
        ):
            yield client

    return start
