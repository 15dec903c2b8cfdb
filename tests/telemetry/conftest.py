"""promtool, and all services at work."""

import os
import shutil
import subprocess
import time
from functools import partial

import httpx
import pytest

from tests.telemetry.house import House, call
from tests.telemetry.scrape import Scrape, scrape, until

_MISSING = "promtool is missing: install Debian's package `prometheus`"


@pytest.fixture(scope="session")
def promtool():
    """Run promtool on what its standard input is given; CALLSTREAMS_REQUIRE_PROMTOOL=1 wants it."""
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("CALLSTREAMS_REQUIRE_PROMTOOL") == "1":
            pytest.fail(_MISSING)
        pytest.skip(_MISSING)

    def check(*arguments, text=""):
        done = subprocess.run(
            [program, *map(str, arguments)], input=text, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return check


@pytest.fixture(scope="module")
def house(fresh_kafka, tmp_path_factory):
    """All services, ready, after calls that nobody answered and one record of rubbish."""
    with House(fresh_kafka.bootstrap_servers, tmp_path_factory.mktemp("house")) as house:
        house.start(*house.ports)
        for name in house.ports:
            until(lambda name=name: house.is_ready(name))
        post = partial(httpx.post, trust_env=False)
        ended = time.time()
        for number in range(20):
            assert post(house.ingress, content=call(number, ended)).status_code == 200
        # signed, named, and yet no call: the worker finds that out
        assert post(house.ingress, content=call(20, ended, result="9")).status_code == 200
        assert post(house.ingress, content=b"rubbish").status_code == 400
        yield house


@pytest.fixture
def metric(house):
    """Wait until a service shows a metric that is not 0, and give its sum."""

    def wait(service, name, /, **labels):
        def found() -> float:
            return scrape(house.address(service)).sum(name, **labels)

        return until(found)

    return wait


@pytest.fixture
def scrapes(house) -> dict[str, Scrape]:
    """Give what each service tells now."""
    return {name: scrape(house.address(name)) for name in house.ports}
