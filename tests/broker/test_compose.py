"""The compose file and the image, as far as they can be judged without Docker."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import platformdirs
import pytest
import yaml

from connectors.broker.artifacts import packaged_lock
from connectors.health import TelemetrySettings
from streams.settings import load_settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
COMMANDS = {
    "topics": "topics",
    "poller": "poll",
    "ingress": "ingress",
    "worker": "worker",
    "hooks": "hooks",
    "board": "board",
}
RUNNING = [name for name in COMMANDS if name != "topics"]
PROFILE = "simulators"


def test_the_services_are_those_of_the_picture():
    assert set(SERVICES) == {"kafka", *COMMANDS, PROFILE, "prometheus", "grafana"}


def test_the_file_is_what_docker_compose_reads():
    judge = [Path(sys.executable).with_name("check-jsonschema")]
    judge += ["--builtin-schema", "vendor.compose-spec", "--color", "never"]
    done = subprocess.run(
        [*judge, ROOT / "docker-compose.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_image_is_built_as_hadolint_advises():
    judge = [Path(sys.executable).with_name("hadolint"), "--no-color"]
    done = subprocess.run(
        [*judge, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(("service", "command"), COMMANDS.items())
def test_each_runs_its_command_with_the_mounted_configuration(service, command):
    words = SERVICES[service]["command"]
    assert words[0] == command
    if service == "topics":
        assert words == ["topics", "create"]
        return
    mounts = SERVICES[service]["volumes"]
    assert words[1:] == ["--config", "/etc/callstreams/callstreams.yaml"]
    (configuration,) = [mount for mount in mounts if isinstance(mount, dict)]
    assert configuration["target"] == words[2]
    assert configuration["read_only"] is True
    assert "./secrets:/run/secrets:ro" in mounts


def test_without_a_configuration_of_ones_own_it_runs_on_the_simulators():
    (mount,) = {SERVICES[name]["volumes"][0]["source"] for name in COMMANDS if name != "topics"}
    default = re.fullmatch(r"\$\{CALLSTREAMS_CONFIG:-(.+)\}", mount)[1]
    settings = load_settings(ROOT / default)
    assert {each.name for each in settings.accounts} == {"demo"}
    assert SERVICES[PROFILE]["profiles"] == [PROFILE]
    assert not any("profiles" in SERVICES[name] for name in set(SERVICES) - {PROFILE})


@pytest.mark.parametrize("service", [*COMMANDS, PROFILE])
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
    for name in COMMANDS:
        waits = SERVICES[name]["depends_on"]
        assert waits["kafka"] == {"condition": "service_healthy"}
        if name != "topics":
            assert waits["topics"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("service", SERVICES)
def test_each_is_asked_whether_it_is_well(service):
    check = SERVICES[service]["healthcheck"]
    if service == "topics":
        assert check == {"disable": True}  # it does its work and ends
        return
    assert check["test"][0] == "CMD"
    assert service not in RUNNING or "/readyz" in check["test"][-1]


@pytest.mark.parametrize("service", RUNNING)
def test_each_logs_what_a_collector_reads(service):
    assert SERVICES[service]["environment"]["CALLSTREAMS_LOG_FORMAT"] == "json"


@pytest.mark.parametrize("service", RUNNING)
def test_each_is_asked_where_it_answers(service, monkeypatch):
    for name, value in SERVICES[service]["environment"].items():
        monkeypatch.setenv(name, value)
    settings = load_settings(None)
    (port,) = re.findall(r"127\.0\.0\.1:(\d+)", SERVICES[service]["healthcheck"]["test"][-1])
    assert settings.telemetry == TelemetrySettings(host="0.0.0.0", port=int(port))


@pytest.mark.parametrize("service", ["ingress", "board"])
def test_what_is_published_is_where_the_service_listens(service, monkeypatch):
    for name, value in SERVICES[service]["environment"].items():
        monkeypatch.setenv(name, value)
    listens = getattr(load_settings(None), service)
    assert listens.host == "0.0.0.0"
    (published,) = SERVICES[service]["ports"]
    assert published.endswith(f":{listens.port}:{listens.port}")


def test_icsocs_token_outlives_its_container(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", SERVICES["poller"]["environment"]["XDG_STATE_HOME"])
    state = platformdirs.user_state_dir("callstreams")
    assert f"state:{state}" in SERVICES["poller"]["volumes"]
    assert "state" in COMPOSE["volumes"]
    # the image has the folder, so that the volume is our user's and not root's
    assert re.search(rf"install --directory --owner=10001 .*{state}$", DOCKERFILE, re.M)


def test_the_rules_are_a_folder_since_a_file_that_is_replaced_would_not_be_seen():
    assert "./rules:/etc/callstreams/rules:ro" in SERVICES["worker"]["volumes"]


@pytest.mark.parametrize("service", ["prometheus", "grafana"])
def test_what_watches_is_confined_and_reads_the_files_of_this_tree(service):
    settings = SERVICES[service]
    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]
    for mount in settings["volumes"]:
        source, _, *mode = mount.split(":")
        if source.startswith("."):
            assert (ROOT / source).is_dir()
            assert mode == ["ro"]
        else:
            assert source in COMPOSE["volumes"]


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
    assert steps.index("USER 10001:10001") > steps.rindex("FROM ")
