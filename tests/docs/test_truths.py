"""What the pages say of the code stands there: dependencies, mends, folders."""

import re
import tomllib

import pytest

from tests.docs.pages import PAGES, READMES, ROOT, blocks, code, prose, read, tables

_DOCS = ROOT / "docs"


def _names(requirements):
    return {re.match(r"[\w-]+", each).group(0) for each in requirements}


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    told = tables(_DOCS / "dependencies.md")
    for section, wanted in (
        ("Runtime", project["project"]["dependencies"]),
        ("Development", project["dependency-groups"]["dev"]),
    ):
        names = {name for row in told[section] for name in re.findall(r"`([\w-]+)`", row[0])}
        assert names == _names(wanted)


def test_each_mend_of_faust_is_where_the_page_says():
    rows = tables(_DOCS / "exactness.md")["What Faust does otherwise"]
    assert rows
    for row in rows:
        for part in row[2].split(";"):
            file, *names = re.findall(r"`([^`]+)`", part)
            path = ROOT / file if "/" in file else ROOT / "streams" / "engine" / file
            text = path.read_text(encoding="utf-8")
            assert all(name in text for name in names), f"{file} has no {names}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_folders_that_are_named_exist(page):
    roots = ("schemas/", "connectors/", "streams/", "tests/", "docs/", "requirements/")
    for name in re.findall(r"`([^`\s]+)`", prose(page)):
        if name.startswith(roots) and "<" not in name:
            assert (ROOT / name).exists(), f"{page.name} names {name}"


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_tree_is_the_tree(page):
    tree = next(block.text for block in blocks(page, "") if block.text.startswith("schemas/"))
    room = ""
    for line in tree.splitlines():
        name = line.split()[0]
        room = "" if not line.startswith(" ") else room
        assert (ROOT / room / name).is_dir(), line
        room = room or name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_of_this_machine_is_told(page):
    assert not re.search(r"/(work|tmp|root|home/\w+)/", read(page))


def test_the_licence_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in read(ROOT / "LICENSE")


def test_each_process_of_the_architecture_is_told():
    rows = tables(_DOCS / "architecture.md")["The processes"]
    assert [code(row[0]) for row in rows] == [
        f"callstreams {name}" for name in ("poll", "ingress", "worker", "hooks", "board")
    ]
