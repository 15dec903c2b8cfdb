"""The worked example of docs/adding-a-vendor.md, built from the page and polled."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-vendor.md"
BLOCK = r"\n```python\n(.*?)```"

POLL = """
import asyncio, json
from datetime import UTC, datetime, timedelta
from connectors.vendors.registry import MAPPERS
from connectors.web import serve, web
from schemas.topics import ALL, raw_topic
from streams.settings import Settings

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
CALLS = [
    {"id": str(n), "shown": "02160661801", "to": "13800138000", "started": "2026-03-02T01:00:00Z",
     "answered": "2026-03-02T01:00:09Z" if n % 2 else None, "ended": "2026-03-02T01:01:00Z"}
    for n in range(5)
]
asked = []

async def calls(request):
    asked.append((request.headers["authorization"], dict(request.query)))
    after = request.query["after"]
    first = int(after or 0)
    more = str(first + 2) if first + 2 < len(CALLS) else None
    return web.json_response({"calls": CALLS[first:first + 2], "next": more})

async def main():
    app = web.Application()
    app.router.add_get("/calls", calls)
    async with serve(app) as url:
        settings = Settings.model_validate({"accounts": [
            {"vendor": "tinkle", "name": "main", "base_url": url, "key": "k", "request_gap": 0.001}
        ]})
        (source,) = settings.accounts[0].sources()
        poll = await source.poll(None, NOW)
        again = await source.poll(poll.cursor, NOW + timedelta(seconds=15))
        await source.close()
    topic = raw_topic(source.vendor, source.feed)
    assert topic in ALL
    mapped = [call for record in poll.records for call in MAPPERS[topic.name](record)]
    print(json.dumps({
        "ids": [call.call_id for call in mapped],
        "outcomes": [call.outcome for call in mapped],
        "same": [r.id for r in poll.records] == [r.id for r in again.records],
        "since": asked[3][1]["since"], "key": asked[0][0], "topic": topic.name,
    }))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Copy the packages, and do to the copy what the page says."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("schemas", "connectors", "streams"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    page = PAGE.read_text(encoding="utf-8")
    for path, text in re.findall(rf"<!-- file: (\S+) -->{BLOCK}", page, re.DOTALL):
        (tree / path).parent.mkdir(exist_ok=True)
        (tree / path).write_text(text, encoding="utf-8")
    lines = re.findall(rf"<!-- in: (\S+), (after|before): (.+?) -->{BLOCK}", page, re.DOTALL)
    assert len(lines) == 1
    for path, side, anchor, text in lines:
        insert(tree / path, side, anchor, text)
    return tree


def insert(path, side, anchor, text):
    kept = path.read_text(encoding="utf-8").splitlines(keepends=True)
    place = next(at for at, line in enumerate(kept) if line.strip().startswith(anchor))
    place += side == "after"
    path.write_text("".join([*kept[:place], text, *kept[place:]]), encoding="utf-8")


def run(tree, *words):
    done = subprocess.run(
        [sys.executable, *words], cwd=tree, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_pages_vendor_polls_and_maps(tree):
    told = json.loads(run(tree, "-c", POLL))
    assert told["ids"] == ["0", "1", "2", "3", "4"]
    assert told["outcomes"] == ["unanswered", "connected"] * 2 + ["unanswered"]
    assert told["same"]
    assert told["since"] == "2026-03-02T01:50:00+00:00"  # the lookback before the cursor
    assert (told["key"], told["topic"]) == ("Bearer k", "raw.tinkle.calls")


def test_the_pages_files_are_as_this_house_writes(tree):
    run(tree, "-m", "ruff", "check", "--no-cache", "connectors/vendors/tinkle")
    run(tree, "-m", "ruff", "format", "--no-cache", "--check", "connectors/vendors/tinkle")


def test_the_new_vendor_is_listed(tree):
    listed = "from streams.cli.main import app; app(['vendors', '--settings'])"
    assert "tinkle" in run(tree, "-c", listed)
