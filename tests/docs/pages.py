"""The documentation as data: pages, code blocks, commands, tables."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
PAGES = (*READMES, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PLACEHOLDER = re.compile(r"[A-Z]+")
SHELL = ("", "bash", "console", "sh")
"""How a block that is typed into a shell is marked."""
_COMMENT = re.compile(r"(^|\s+)#.*$", re.MULTILINE)
_HERE_DOCUMENT = re.compile(r"<<'END'\n.*?^END$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    language: str
    text: str


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str | None = None) -> list[Block]:
    found = [Block(*match.groups()) for match in _FENCE.finditer(read(page))]
    return [block for block in found if language in (None, block.language)]


def prose(page: Path) -> str:
    return _FENCE.sub("", read(page))


def links(page: Path) -> list[str]:
    return _LINK.findall(prose(page))


def headings(page: Path) -> list[str]:
    return re.findall(r"^(#+ .+)$", prose(page), re.MULTILINE)


def command_lines(page: Path) -> list[str]:
    """Give what a reader is told to type: lines of shell blocks, and commands in the text."""
    lines = [line for block in shell_blocks(page) for line in typed(block)]
    return [line.strip() for line in (*lines, *_SPAN.findall(prose(page))) if line.strip()]


def shell_blocks(page: Path) -> list[Block]:
    """Give the blocks that are typed into a shell; not pictures and trees of folders."""
    found = [block for block in blocks(page) if block.language in SHELL]
    return [block for block in found if not re.search(r"[─├]|^schemas/", block.text)]


def typed(block: Block) -> list[str]:
    """Give the commands of a block, without comments and without what a file is filled with."""
    text = _COMMENT.sub("", _HERE_DOCUMENT.sub("", block.text)).replace("\\\n", "")
    lines = [part.strip() for line in text.splitlines() for part in line.split("&&")]
    return [line for line in lines if line]


def commands(page: Path) -> list[tuple[str, ...]]:
    """Give the words of each `callstreams …` command, without what stands for something else."""
    found = []
    for line in command_lines(page):
        words = line.split()
        if words[0] in ("callstreams", ".venv/bin/callstreams") and len(words) > 1:
            found.append(tuple(words[1:]))
    return [
        words
        for words in found
        if not _PLACEHOLDER.fullmatch(words[0]) and not words[0].startswith(("-", "$"))
    ]


def tables(page: Path) -> dict[str, list[list[str]]]:
    """Give the rows of the table under each heading of the second level."""
    found: dict[str, list[list[str]]] = {}
    for section in re.split(r"^## ", read(page), flags=re.MULTILINE)[1:]:
        name, _, body = section.partition("\n")
        rows = [
            [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in body.splitlines()
            if line.startswith("|")
        ]
        if rows:
            found[name.strip()] = rows[2:]
    return found


def code(cell: str) -> str:
    """Give what stands in backquotes in a cell, or the cell itself."""
    match = _SPAN.fullmatch(cell)
    return match.group(1) if match else cell
