"""Show what stands elsewhere in the project, and lead links to it.

`<!-- here: file PATH -->` in a page becomes the file: Markdown as it is, all else as code.
`<!-- here: messages README -->` becomes the example messages of a README.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.pages import Page

_ROOT = Path(__file__).parents[2]
_PLACES = {  # a link that leaves docs/, and where it leads on the site
    "../README.md#topics": "messages.md",
    "../README.md": "index.md",
    "../CHANGELOG.md": "changelog.md",
    "../callstreams.example.yaml": "example-configuration.md",
    "../streams/core/rules/default.yaml": "example-configuration.md#rules",
    "../examples/README.md": "examples.md",
    "../examples/webhook.py": "examples.md#webhookpy",
    "read_metrics.py": "#read_metricspy",
    "webhook.py": "#webhookpy",
    "../docs/schemas": "schemas.md",
}
_HERE = re.compile(r"^<!-- here: (file|messages) (\S+) -->$", re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()([^)\s:]+)(?=\))")
_LANGUAGES = {".py": "python", ".yaml": "yaml"}


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Put in what a page asks for, and lead each link that leaves docs/ to its place."""
    shows = {"file": _file, "messages": _messages}
    text = _HERE.sub(lambda match: shows[match[1]](_ROOT / match[2]), markdown)
    text = _LINK.sub(lambda match: _place(match[1]), text)
    language = config.theme["language"]
    if language == "en" or page.file.src_uri.endswith(f".{language}.md"):
        return text
    return _LINK.sub(lambda match: _in_translation(match[1], language), text)


def _place(link: str) -> str:
    if link in _PLACES:
        return _PLACES[link]
    for start in ("../docs/", "docs/"):  # of examples/README.md, of the READMEs
        if link.startswith(start):
            return link.removeprefix(start)
    return link  # mkdocs says so where it leads nowhere


def _in_translation(link: str, language: str) -> str:
    """Lead a link of a page that is not translated into one that is: its headings are others."""
    name, _, anchor = link.partition("#")
    page = _ROOT / "docs" / f"{name.removesuffix('.md')}.{language}.md"
    if not anchor or not page.exists() or f"{{#{anchor}}}" in page.read_text(encoding="utf-8"):
        return link
    return name


def _file(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text.partition("\n")[2]  # the page has a title of its own
    return f"```{_LANGUAGES[path.suffix]}\n{text}```"


def _messages(readme: Path) -> str:
    text = readme.read_text(encoding="utf-8")
    found = re.search(r"<details>\n<summary>.*?</summary>\n(.*?)\n</details>", text, re.DOTALL)
    if found is None:
        raise ValueError(f"{readme.name} has no example messages in <details>")
    return re.sub(r"^\*\*`([^`]+)`\*\*(.*)$", r"## \1\n\n\2", found[1], flags=re.MULTILINE)
