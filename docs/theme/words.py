"""Chinese text: cut into words for the search, and not parted where a line of the source ends.

The search knows as words what spaces part. So the index gets spaces of no width around the terms
of the field (terms.zh.txt). The theme does it by itself where `jieba` is installed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority

_TERMS = (Path(__file__).parent / "terms.zh.txt").read_text(encoding="utf-8").split()
_TERM = re.compile("(" + "|".join(sorted(_TERMS, key=len, reverse=True)) + ")")
_HAN = re.compile("[一-鿿]+")
_BREAK = "\u200b"  # of no width: the separator in mkdocs.yml knows it
_WIDE = "[一-鿿，。；：、（）“”！？]"
_LINE_END = re.compile(f"(?<={_WIDE})\n(?={_WIDE})")


def on_page_markdown(markdown: str, **_: object) -> str:
    """Join lines that end and begin in Chinese: a browser would show a space between them."""
    return _LINE_END.sub("", markdown)


@event_priority(-200)  # after the index is written, of all languages
def on_post_build(config: MkDocsConfig) -> None:
    """Mark the words in the search index, and leave out what stands there twice."""
    path = Path(config.site_dir) / "search" / "search_index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    # A page that is not translated stands on both sides.
    first = {(each["title"], each["text"]): each for each in reversed(index["docs"])}
    index["docs"] = list(reversed(first.values()))
    for entry in index["docs"]:
        entry["title"], entry["text"] = cut(entry["title"]), cut(entry["text"])
    text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text, encoding="utf-8")


def cut(text: str) -> str:
    """Part the Chinese words of a text by spaces of no width; nothing is seen of it."""
    plain = text.replace(_BREAK, "")
    return _HAN.sub(lambda run: _words(run.group()), plain).strip(_BREAK)


def _words(run: str) -> str:
    words: list[str] = []
    for part in filter(None, _TERM.split(run)):
        # A single character is no word to search for, and would be taken for the beginning of many.
        if words and (len(part) == 1 or len(words[-1]) == 1):
            words[-1] += part
        else:
            words.append(part)
    return _BREAK + _BREAK.join(words) + _BREAK
