import pytest

from connectors.simulators.simulation import simulate
from tests.simulators.helpers import Clock, http, small


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def sim(clock):
    async with simulate(small(), clock=clock) as simulation:
        yield simulation


@pytest.fixture
async def client():
    async with http() as one:
        yield one
