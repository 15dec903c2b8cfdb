import os
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.broker.process import Child, tail

# Its fifo reads as ended when, and only when, the child has ended: no polling is needed.
HOLD = ["/bin/sh", "-c", 'exec sleep 600 >"$0"']

PARENT = """
import os, signal, sys, threading
from pathlib import Path
from connectors.broker.process import Child
start = lambda: Child(sys.argv[2:], Path(sys.argv[1]))
thread = threading.Thread(target=start)  # as asyncio.to_thread does
thread.start(); thread.join()
sys.stdout.write("started\\n"); sys.stdout.flush()
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def fifo(tmp_path):
    path = tmp_path / "alive"
    os.mkfifo(path)
    return path


def test_it_dies_with_a_parent_that_was_killed_and_not_with_the_thread_that_started_it(
    tmp_path, fifo
):
    command = [sys.executable, "-c", PARENT, tmp_path / "log", *HOLD, fifo]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        with fifo.open("rb") as alive:
            assert parent.stdout.readline() == b"started\n"
            os.set_blocking(alive.fileno(), False)
            assert alive.read() is None, "the child ended although its parent lives"
            os.set_blocking(alive.fileno(), True)
            parent.stdin.write(b"die\n")
            parent.stdin.flush()
            assert alive.read() == b""
        assert parent.wait() == -9


def children() -> set[str]:
    tasks = Path("/proc/self/task").glob("*/children")
    return {pid for task in tasks for pid in task.read_text().split()}


def test_kill_ends_it_and_its_guard(tmp_path, fifo):
    before = children()
    child = Child([*HOLD, fifo], tmp_path / "log")
    with fifo.open("rb") as alive:
        assert child.running
        assert len(children() - before) == 2
        child.kill()
        assert alive.read() == b""
    assert not child.running
    assert children() <= before


def test_a_child_that_ignores_the_request_is_killed(tmp_path, fifo):
    stubborn = ["/bin/sh", "-c", """trap '' TERM; exec sleep 600 >"$0" """, fifo]
    child = Child(stubborn, tmp_path / "log")
    with fifo.open("rb") as alive:
        child.terminate()
        child.wait(0.2)
        assert alive.read() == b""
    assert child.returncode == -9


def test_what_it_prints_is_in_its_log(tmp_path):
    log = tmp_path / "log"
    child = Child(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], log)
    child.wait(30)
    assert child.returncode == 3
    assert tail(log).splitlines() == ["out", "err"]


def test_the_tail_of_a_missing_log_is_empty(tmp_path):
    assert tail(tmp_path / "none") == ""
