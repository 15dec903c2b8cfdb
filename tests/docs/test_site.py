"""The documentation site: built as `make docs` does, and looked at without the internet."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.async_api import async_playwright, expect
from typer.main import get_command

from streams.cli.main import app
from tests.board.test_browser import ARGUMENTS
from tests.docs.pages import PAGES, ROOT, blocks, headings, shell_blocks, typed

TRANSLATED = [page for page in PAGES if page.name.endswith(".zh.md")]
USER_PART = (
    "index", "five-minute-start", "connect", "rules", "hooks", "wallboard", "day-to-day",
    "production", "read-the-topics",
)  # fmt: skip
SIZES = ((1280, 800), (390, 844))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built from what stands in the folder; a warning would end the build."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    return folder


class _Assets(HTMLParser):
    """What a page fetches by itself; a link is followed by whoever wants to."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        at = dict(attrs)
        if tag == "link" and at.get("rel") in ("canonical", "alternate", "next", "prev"):
            return
        if tag != "a":
            self.found += [at[name] for name in ("src", "srcset", "href") if at.get(name)]


def test_no_page_names_an_asset_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        assets = _Assets()
        assets.feed(page.read_text(encoding="utf-8"))
        assert not [each for each in assets.found if re.match("(https?:)?//", each)], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", sheet.read_text("utf-8"))


@pytest.fixture(scope="module")
def address(site):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
async def chromium():
    path = os.environ.get("CALLSTREAMS_CHROMIUM") or shutil.which("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_browser_asks_nobody_else_and_nothing_hangs_over_the_edge(
    chromium, address, size, tmp_path
):
    folder = os.environ.get("CALLSTREAMS_SCREENSHOTS") or tmp_path
    width, height = size
    for theme in ("light", "dark"):
        context = await chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme
        )
        page = await context.new_page()
        asked, wrong = [], []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("pageerror", lambda error, wrong=wrong: wrong.append(str(error)))
        names = ("", *(f"{each}/" for each in USER_PART[1:]), "commands/")
        for language in ("", "zh/"):
            for name in names if theme == "light" else names[:2]:
                await page.goto(f"{address}{language}{name}")
                wide = await page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, name
                shot = f"docs-{name.strip('/') or 'index'}-{language.strip('/') or 'en'}"
                await page.screenshot(path=f"{folder}/{shot}-{theme}-{width}.png")
        assert not [each for each in asked if not each.startswith((address, "data:", "blob:"))]
        assert wrong == []
        await context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("language", "words", "found"),
    [
        ("zh/", "接通率", "/zh/rules/"),
        ("zh/", "外显号码", "/zh/day-to-day/"),
        ("zh/", "分区", "/zh/production/"),
        ("zh/", "钉钉", "/zh/hooks/"),
        ("", "silence", "/hooks/"),
    ],
)
async def test_the_search_finds(chromium, address, language, words, found):
    page = await chromium.new_page()
    await page.goto(f"{address}{language}", wait_until="networkidle")  # the index is there
    await page.keyboard.press("/")
    await page.keyboard.type(words)
    await page.keyboard.press("End")  # Chinese is put in without a key; the search looks at one
    results = page.locator(".md-search-result__item > a")
    await expect(results.first).to_be_attached()
    links = await results.evaluate_all("all => all.map(each => each.pathname)")
    assert found in links
    await page.close()


def test_the_index_has_words_and_nothing_twice(site):
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    words = {word for each in index["docs"] for word in re.split("\u200b", each["text"])}
    assert {"接通率", "外显号码", "未接来电", "静默"} <= words
    texts = [(each["title"], each["text"]) for each in index["docs"]]
    assert len(texts) == len(set(texts))


def test_the_reference_is_the_code(site):
    """The pages are written at every build; here that all of it stands there."""
    page = (site / "commands" / "index.html").read_text(encoding="utf-8")
    for path, command in _commands(get_command(app), ("callstreams",)):
        assert f">{' '.join(path)}<" in page, path
        for option in (each for each in command.params if not getattr(each, "hidden", False)):
            if option.param_type_name == "option":
                assert all(f"<code>{name}</code>" in page for name in option.opts), option.opts
    schemas = (site / "schemas" / "index.html").read_text(encoding="utf-8")
    for file in (ROOT / "docs" / "schemas").glob("*.json"):
        assert f'id="{file.stem}"' in schemas
        assert (site / "schemas" / file.name).exists()
    rules = (site / "rule-schema" / "index.html").read_text(encoding="utf-8")
    assert all(f"<code>{key}</code>" in rules for key in ("min_attempts", "keep_firing_for"))
    messages = (site / "messages" / "index.html").read_text(encoding="utf-8")
    assert 'id="metricsanswer-rate"' in messages


def _commands(command, path):
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield (*path, name), child
            yield from _commands(child, (*path, name))


@pytest.mark.parametrize("name", USER_PART)
def test_the_user_part_is_there_in_both_languages(name):
    assert ROOT / "docs" / f"{name}.zh.md" in TRANSLATED


@pytest.mark.parametrize("page", TRANSLATED, ids=lambda page: page.name)
def test_a_translation_shows_the_same_commands(page):
    original = page.with_name(page.name.replace(".zh.md", ".md"))
    theirs, ours = (
        {command for block in shell_blocks(one) for command in typed(block)}
        for one in (page, original)
    )
    assert ours <= theirs
    if page.name == "five-minute-start.zh.md":
        assert blocks(page) == blocks(original)
        assert len(headings(page)) == len(headings(original))
