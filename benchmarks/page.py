"""Keep figures: each bench has its key in performance.json and its place in performance.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "docs"
TRIED = ROOT / ".callstreams" / "bench"
"""Where the figures of a small run go, which are not to be quoted."""


def place(page: str, name: str, text: str) -> str:
    """Put the text between a bench's marks of a page; at its end where it has none."""
    begin, end = f"<!-- figures of {name} -->", f"<!-- end of {name} -->"
    before, mark, rest = page.partition(begin)
    after = rest.partition(end)[2] if mark else "\n"
    gap = "" if mark or not page else "\n"
    return f"{before}{gap}{begin}\n{text}\n{end}{after}"


def keep(folder: Path, name: str, figures: Mapping[str, Any], text: str) -> None:
    """Write a bench's figures beside those of the others.

    Args:
        folder: `KEPT` or `TRIED`.
        name: of the bench: its key in the data, and its marks in the page.
        figures: what can be written as JSON.
        text: the same in Markdown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data, page = folder / "performance.json", folder / "performance.md"
    known = json.loads(data.read_text(encoding="utf-8")) if data.exists() else {}
    known[name] = figures
    data.write_text(
        json.dumps(dict(sorted(known.items())), indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    page.write_text(place(before, name, text), encoding="utf-8")
