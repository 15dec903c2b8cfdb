"""Each service of the compose file started by its own command, beside a real broker.

What a container would have otherwise is given here: other ports, since several runs may share a
machine, and a configuration that names them.
"""

import json
import re
import subprocess
import sys
from contextlib import suppress

import httpx
import pytest
import yaml

from connectors.broker.ports import free_ports
from connectors.broker.process import Child, tail
from tests.broker.test_compose import COMMANDS, PROFILE, ROOT, RUNNING, SERVICES
from tests.telemetry.scrape import until

CONFIG = "/etc/callstreams/callstreams.yaml"
SIMULATED = yaml.safe_load((ROOT / "deploy/simulators/callstreams.yaml").read_text())


class Compose:
    """The services as child processes."""

    def __init__(self, servers, folder):
        self.folder = folder
        self._servers = servers
        self._children = {}
        self.ingress, self.board, *telemetry = free_ports(2 + len(RUNNING))
        self.telemetry = dict(zip(RUNNING, telemetry, strict=True))
        self.config = folder / "callstreams.yaml"

    def start(self, service, command=None):
        words = command or SERVICES[service]["command"]
        words = [str(self.config) if word == CONFIG else word for word in words]
        environment = SERVICES[service]["environment"] | {
            "KAFKA_BOOTSTRAP_SERVERS": self._servers,
            "XDG_STATE_HOME": str(self.folder),
            "OTEL_EXPORTER_OTLP_ENDPOINT": "",  # what Docker makes of it where nobody sets it
        }
        if service in self.telemetry:
            environment["CALLSTREAMS_TELEMETRY__PORT"] = str(self.telemetry[service])
        for name in ("ingress", "board"):
            environment[f"CALLSTREAMS_{name.upper()}__PORT"] = str(getattr(self, name))
        pairs = [f"{name}={value}" for name, value in environment.items()]
        child = Child(
            ["env", *pairs, sys.executable, "-m", "streams.cli", *words], self.log(service)
        )
        self._children[service] = child
        return child

    def log(self, service):
        return self.folder / f"{service}.log"

    def is_well(self, service):
        """Ask by the very command that Docker would run."""
        assert self._children[service].running, tail(self.log(service), 40)
        (_, _, *words) = SERVICES[service]["healthcheck"]["test"]
        words[-1] = re.sub(r"(127\.0\.0\.1:)\d+", rf"\g<1>{self.telemetry[service]}", words[-1])
        return subprocess.run([sys.executable, *words], stderr=subprocess.DEVNULL).returncode == 0

    def ask(self, path):
        with suppress(httpx.TransportError):
            answer = httpx.get(f"http://127.0.0.1:{self.board}/api/v1/{path}", trust_env=False)
            return answer.json()
        return None

    def stop(self):
        for child in self._children.values():
            child.terminate()
        for child in self._children.values():
            child.wait(30)


@pytest.fixture(scope="module")
def compose(fresh_broker, tmp_path_factory):
    """All of them, once the topics were created and the vendors simulated."""
    compose = Compose(fresh_broker.bootstrap_servers, tmp_path_factory.mktemp("compose"))
    try:
        created = compose.start("topics")
        created.wait(60)
        assert created.returncode == 0, tail(compose.log("topics"), 40)
        written = compose.folder / "written.yaml"
        own = {
            "--port": "0",
            "--known-as": "127.0.0.1",
            "--push-to": f"http://127.0.0.1:{compose.ingress}/push/icsoc/demo",
            "--write": str(written),
        }
        command = [
            f"{word.partition('=')[0]}={own[word.partition('=')[0]]}"
            if word.partition("=")[0] in own
            else word
            for word in SERVICES[PROFILE]["command"]
        ]
        compose.start(PROFILE, command)
        until(lambda: "the configuration that fits" in tail(compose.log(PROFILE), 99))
        compose.config.write_text(
            yaml.safe_dump(SIMULATED | yaml.safe_load(written.read_text()), allow_unicode=True)
        )
        for service in RUNNING:
            compose.start(service)
        yield compose
    finally:
        compose.stop()


@pytest.mark.parametrize("service", RUNNING)
def test_each_service_is_well_by_its_own_health_check(compose, service):
    until(lambda: compose.is_well(service), 90)


def test_the_product_is_alive_on_the_simulated_vendors(compose):
    """Every feed is polled and pushed, and the wallboard counts each vendor's calls."""

    def polled():
        sources = (compose.ask("sources") or {}).get("items", ())
        return len(sources) == 6 and all(  # the pushes are one
            each["health"] == "ok" and each["last_success_at"] for each in sources
        )

    until(polled, 90)

    def counted():
        items = (compose.ask("metrics?kind=vendor&window=day") or {}).get("items", ())
        return {each["vendor"] for each in items if each["attempts"] or each["missed"]}

    until(lambda: counted() == {"7moor", "huawei", "icsoc"}, 120)


def test_the_log_is_an_object_a_line(compose):
    until(lambda: compose.is_well("ingress"), 90)
    lines = compose.log("ingress").read_text().splitlines()
    assert "taking pushes" in json.loads(lines[-1])["message"]


def test_the_configuration_that_is_mounted_fits_the_simulators_as_they_are_started(compose):
    written = (compose.folder / "written.yaml").read_text()
    options = dict(word.split("=", 1) for word in SERVICES[PROFILE]["command"][1:])
    places = sorted(set(re.findall(r"127\.0\.0\.1:(\d+)", written)), key=written.index)
    for number, place in enumerate(places):
        there = f"{options['--known-as']}:{int(options['--port']) + number}"
        written = written.replace(f"127.0.0.1:{place}", there)
    assert yaml.safe_load(written).items() <= SIMULATED.items()
    (published,) = SERVICES["ingress"]["ports"]
    assert options["--push-to"] == f"http://ingress:{published.split(':')[-1]}/push/icsoc/demo"


def test_every_service_of_ours_is_started_here():
    ours = {name for name, service in SERVICES.items() if service["image"] == "callstreams"}
    assert ours == {*COMMANDS, PROFILE}
