from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from connectors.web import serve
from streams.board.app import make_app
from streams.board.settings import BoardSettings
from streams.board.state import Board
from tests.board.feeder import Centre

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def board():
    return Board(int(NOW.timestamp()))


@pytest.fixture
def filled(board):
    """A board of a busy centre, and the centre."""
    centre = Centre(scopes=60)
    centre.fill(board, NOW, minutes=12)
    return board, centre


@asynccontextmanager
async def client_of(board, clock=lambda: NOW, silencer=None, **settings):
    """A client of a server of this board."""
    app = make_app(board, BoardSettings(tick="PT0.02S", **settings), clock=clock, silencer=silencer)
    async with (
        serve(app, drain_seconds=1) as address,
        httpx.AsyncClient(base_url=address, timeout=10) as client,
    ):
        yield client
