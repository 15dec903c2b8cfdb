"""The compose file and the image, as far as they can be judged without Docker."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from connectors.broker.artifacts import packaged_lock

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
COMMANDS = {
    "topics": "topics",
    "poller": "poll",
    "ingress": "ingress",
    "worker": "worker",
    "hooks": "hooks",
}


def test_the_services_are_those_of_the_picture():
    assert set(SERVICES) == {"kafka", *COMMANDS}


@pytest.mark.parametrize(("service", "command"), COMMANDS.items())
def test_each_runs_its_command_with_the_mounted_configuration(service, command):
    words = SERVICES[service]["command"]
    assert words[0] == command
    if service == "topics":
        assert words == ["topics", "create"]
        return
    mounts = [mount.split(":") for mount in SERVICES[service]["volumes"]]
    assert words[1:] == ["--config", "/etc/callstreams/callstreams.yaml"]
    assert ["./callstreams.yaml", words[2], "ro"] in mounts
    assert ["./secrets", "/run/secrets", "ro"] in mounts


@pytest.mark.parametrize("service", COMMANDS)
def test_each_is_confined_and_comes_back(service):
    settings = SERVICES[service]
    assert settings["read_only"] is True
    assert settings["user"] == "10001:10001"
    assert settings["tmpfs"] == ["/tmp"]
    assert settings["restart"] == ("on-failure:3" if service == "topics" else "unless-stopped")


def test_a_worker_can_be_scaled():
    # a fixed name or port would allow one alone
    assert not {"container_name", "ports"} & set(SERVICES["worker"])


def test_kafka_is_the_version_of_the_lock_and_has_no_zookeeper():
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{packaged_lock().version}"
    assert SERVICES["kafka"]["environment"]["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert not any("zookeeper" in name.lower() for name in SERVICES)


def test_kafka_keeps_its_data_in_a_volume():
    (mount,) = SERVICES["kafka"]["volumes"]
    volume, folder = mount.split(":")
    assert volume in COMPOSE["volumes"]
    assert SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"] == folder


def test_nothing_starts_before_kafka_is_healthy_and_the_topics_are_there():
    assert {"kafka", "ingress"} <= {name for name, one in SERVICES.items() if "healthcheck" in one}
    for name in COMMANDS:
        waits = SERVICES[name]["depends_on"]
        assert waits["kafka"] == {"condition": "service_healthy"}
        if name != "topics":
            assert waits["topics"] == {"condition": "service_completed_successfully"}


def test_clients_are_told_an_address_that_kafka_advertises_to_them():
    environment = SERVICES["kafka"]["environment"]
    advertised = dict(
        re.fullmatch(r"(\w+)://(.+)", one).groups()
        for one in environment["KAFKA_ADVERTISED_LISTENERS"].split(",")
    )
    for name in COMMANDS:
        address = SERVICES[name]["environment"]["KAFKA_BOOTSTRAP_SERVERS"]
        assert address == advertised["INSIDE"]
    (published,) = SERVICES["kafka"]["ports"]
    assert advertised["OUTSIDE"] == published.rsplit(":", 1)[0]


def test_no_port_is_open_beyond_this_machine():
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_the_image_is_built_from_what_the_context_lets_in():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
    let_in = (ROOT / ".dockerignore").read_text()
    for source in " ".join(copied).split():
        assert f"\n!{source.rstrip('/')}" in let_in, source
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for package in project["tool"]["setuptools"]["packages"]["find"]["include"]:
        assert f"{package.rstrip('*')}/" in copied[-3:] + [one.split()[0] for one in copied]


def test_the_image_installs_by_hash_and_runs_without_privileges():
    steps = (ROOT / "Dockerfile").read_text()
    assert "pip install --require-hashes -r requirements/runtime.lock" in steps
    assert steps.index("USER callstreams") > steps.rindex("FROM ")
