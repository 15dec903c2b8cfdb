"""What an operator sees of the vendors' commands, against the simulated vendors."""

import asyncio
import json
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from connectors.simulators.huawei import HuaweiSettings
from connectors.simulators.simulation import simulate
from connectors.vendors.registry import VENDORS
from schemas.errors import ConfigError
from streams.cli.main import app
from streams.cli.tasks import read_numbers
from streams.cli.vendors import describe_settings
from tests.contract.house import now, scenario


@contextmanager
def vendors_running():
    """Run the simulators on a loop of their own: a command runs a loop itself."""
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()
    running = []

    async def serve():
        often = HuaweiSettings(interval=timedelta(0))
        async with simulate(scenario(), clock=now, huawei=often) as sim:
            running.append(sim)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(20)
        yield running[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def sim():
    with vendors_running() as running:
        yield running


@pytest.fixture
def config(sim, tmp_path):
    """Write a configuration with an account at each vendor; gives a way to change one of them."""
    tokens = sim.icsoc.tokens
    accounts = {
        "7moor": {
            "vendor": "7moor",
            "name": "main",
            "state_dir": str(tmp_path / "state"),
            "base_url": sim.sevenmoor.url,
            "appkey": sim.sevenmoor.appkey,
            "secret": sim.sevenmoor.secret,
            "numbers": ["01081401967"],
            "request_gap": 3.1,
            "backfill_share": 0.99,
        },
        "huawei": {
            "vendor": "huawei",
            "name": "main",
            "isales_url": sim.huawei.url,
            "cms_url": sim.huawei.url,
            "vdn": sim.huawei.vdn,
            "access_key": sim.huawei.access_key,
            "secret_key": sim.huawei.secret_key,
        },
        "icsoc": {
            "vendor": "icsoc",
            "name": "calls",
            "base_url": sim.icsoc.url,
            "state_dir": str(tmp_path / "tokens"),
            "push": {"secrets": ["x"]},
            "oauth": {
                "token_url": sim.icsoc.token_url,
                "company": tokens.company,
                "agent": tokens.agent,
                "password": tokens.password,
                "client_id": tokens.client_id,
                "client_secret": tokens.client_secret,
            },
        },
    }

    def write(vendor=None, **changes):
        if vendor is not None:
            accounts[vendor] |= changes
        path = tmp_path / "callstreams.yaml"
        path.write_text(json.dumps({"accounts": list(accounts.values())}), encoding="utf-8")
        return str(path)

    return write


def run(*words, status=0):
    result = CliRunner(env={"COLUMNS": "250", "TERM": "dumb"}).invoke(app, list(words))
    assert result.exit_code == status, result.output
    return " ".join(result.output.split())


def test_vendors_lists_every_interface_with_its_limit():
    told = run("vendors")
    for listed in VENDORS.values():
        for interface in listed.interfaces:
            assert interface.name in told
            assert interface.limit in told
    assert "20 requests a minute" in told


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_setting_is_explained(vendor):
    account = VENDORS[vendor].account
    unexplained = set(account.model_fields) - describe_settings(account).keys()
    assert unexplained <= {"vendor", "base_url", "oauth", "push"}
    assert "backfill_share" in run("vendors", "--settings")


@pytest.mark.parametrize(
    ("account", "found"),
    [
        ("7moor/main", ["answered with 1 rows", "task get answered", "19.4 requests a minute"]),
        ("huawei/main", ["answered with 2 campaigns", "missed calls answered with"]),
        ("calls", ["1 of 128 tokens", "cdr search answered with", "/push/icsoc/calls"]),
    ],
)
def test_probe_says_that_all_is_well(config, account, found):
    told = run("probe", account, "--config", config())
    for words in (*found, "clock within"):
        assert words in told


@pytest.mark.parametrize(
    ("account", "changes", "found"),
    [
        ("7moor/main", {"secret": "wrong"}, "401: check the account's credentials"),
        ("7moor/main", {"base_url": "http://127.0.0.1:9"}, "the connection to 127.0.0.1:9 broke"),
        ("7moor/main", {"request_gap": 1}, "60.0 requests a minute are sent, of the 20 allowed"),
        ("huawei/main", {"secret_key": "wrong", "isales_url": None}, "401: check the account's"),
        ("huawei/main", {"vdn": 160, "cms_url": None}, "refused the query with 0200001"),
    ],
)
def test_probe_says_what_is_wrong(config, account, changes, found):
    vendor = account.split("/")[0]
    assert found in run("probe", account, "--config", config(vendor, **changes), status=1)


def test_probe_tells_a_wrong_password_from_a_wrong_address(config, sim):
    tokens = sim.icsoc.tokens
    told = {"token_url": sim.icsoc.token_url, "company": tokens.company, "agent": tokens.agent}
    told |= {"password": "no", "client_id": tokens.client_id, "client_secret": tokens.client_secret}
    told = run("probe", "calls", "--config", config("icsoc", oauth=told), status=1)
    assert "refused the log-in with 400: check company, agent, password" in told
    assert "cdr search" not in told


def test_probe_tells_a_wrong_clock_from_wrong_credentials(config, sim):
    sim.sevenmoor.skew = timedelta(minutes=12)
    try:
        told = run("probe", "7moor/main", "--config", config(), status=1)
    finally:
        sim.sevenmoor.skew = timedelta(0)
    assert "our clock is 7" in told  # 719 to 721 s
    assert "behind" in told
    assert "chronyc" in told


def test_probe_takes_huaweis_429_for_what_it_is(config, sim, monkeypatch):
    path = config("huawei", cms_url=None)
    run("probe", "huawei/main", "--config", path)
    monkeypatch.setattr(sim.huawei, "settings", HuaweiSettings())
    told = run("probe", "huawei/main", "--config", path)
    assert "429" in told
    assert "nothing to mend" in told


def test_an_account_is_found_by_its_name_or_asked_for(config):
    assert "write one of 7moor/main, huawei/main" in run(
        "probe", "main", "--config", config(), status=1
    )
    assert "there are: 7moor/main, huawei/main, icsoc/calls" in run(
        "probe", "other", "--config", config(), status=1
    )


def test_tasks_show_first_and_send_with_yes(config, sim):
    path = config("7moor", request_gap=0.01)
    new = ("tasks", "create", "main", "新任务", "--agent-number", "2000", "--agent", "2001")
    count = len(sim.sevenmoor.tasks.by_id)

    assert "Nothing was sent" in run(*new, "--config", path)
    assert len(sim.sevenmoor.tasks.by_id) == count
    run(*new, "--yes", "--config", path)
    task = list(sim.sevenmoor.tasks.by_id.values())[-1]
    assert (task.name, task.reps) == ("新任务", ("2001",))

    assert task.task_id in run("tasks", "list", "main", "--name", "新任务", "--config", path)
    run("tasks", "update", "main", task.task_id, "--name", "旧任务", "--config", path)
    assert task.name == "新任务"
    run("tasks", "update", "main", task.task_id, "--name", "旧任务", "--yes", "--config", path)
    assert task.name == "旧任务"


def test_numbers_are_imported_in_parts_and_deleted(config, sim, tmp_path):
    path, server = config("7moor", request_gap=0.01), sim.sevenmoor
    task_id = next(iter(server.tasks.by_id))
    before = len(server.tasks.by_id[task_id].numbers)
    file = tmp_path / "numbers.csv"
    lines = [f"139{n:08d},客户{n},remark,2000" for n in range(2500)]
    file.write_text("\ufeffnumber,name,remark,agent_number\n" + "\n".join(lines), encoding="utf-8")
    call = ("tasks", "import", "main", task_id, str(file), "--agent-number", "2000")

    told = run(*call, "--config", path)
    assert "2 requests of [2000, 500] rows" in told
    assert "Nothing was sent" in told
    assert "13900000000" not in told
    assert len(server.tasks.by_id[task_id].numbers) == before
    assert "2500 rows are imported" in run(*call, "--yes", "--config", path)
    numbers = server.tasks.by_id[task_id].numbers
    assert len(numbers) == before + 2500
    assert numbers[-1].name == "客户2499"
    assert server.log.count("/import") == 2

    run("tasks", "delete", "main", task_id, "--number", "13900000007", "--yes", "--config", path)
    assert len(server.tasks.by_id[task_id].numbers) == before + 2499
    told = run("tasks", "delete", "main", task_id, "--yes", "--config", path, status=1)
    assert "say which numbers to delete" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("139,a\n", "must name the columns"),
        ("number,nmae\n139,a\n", "there are no columns nmae"),
        ("number,name\n139,a\n,b\n", "line 3: the number is empty"),
        ("number,name\n139,a,b\n", "line 2: more fields"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_line(tmp_path, text, told):
    file = tmp_path / "numbers.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        read_numbers(file)
