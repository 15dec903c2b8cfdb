"""The page in a real browser: Debian's Chromium, or CALLSTREAMS_CHROMIUM.

Screenshots go to CALLSTREAMS_SCREENSHOTS, or to the test's own folder.
"""

import asyncio
import os
import re
import shutil
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright, expect

from connectors.web import serve
from schemas.alert import AlertState
from schemas.topics import ANSWER_RATE
from streams.board.app import make_app
from streams.board.settings import BoardSettings
from streams.board.state import Board
from tests.board.feeder import Centre, answer_alert, answer_rate, silence, source_status

pytestmark = pytest.mark.browser

NUMBER = "calls:icsoc/main/display_number/075586110003"
QUIET = "calls:icsoc/main/display_number/075586120001"
DRAWN = """() => {
  const canvas = document.querySelector(".vendor canvas");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.some((value) => value > 0);
}"""  # the sparklines are asked for after the first drawing
SIZES = {"wall": (1920, 1080), "desk": (1280, 800), "phone": (390, 844)}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Show:
    """A board that is served, the centre that feeds it, and a browser that looks at it."""

    def __init__(self, chromium, *, scopes=60, **settings):
        self.chromium = chromium
        self.now = datetime.now(UTC)
        self.settings = BoardSettings(tick="PT0.05S", **settings)
        self.centre = Centre(scopes=scopes)
        self.board = Board(int(self.now.timestamp()))
        self.ahead = timedelta()
        self.seconds = 0

    def fill(self, minutes=20):
        self.centre.fill(self.board, self.now, minutes=minutes)

    def serve(self, port=0):
        app = make_app(
            self.board,
            self.settings,
            clock=lambda: datetime.now(UTC) + self.ahead,
            silencer=self.write,
        )
        return serve(app, port=port, drain_seconds=1)

    async def write(self, told):
        """Stands in for Kafka, which would bring the silence back to the board."""
        self.centre.silence(self.board, told)

    @asynccontextmanager
    async def page(self, address, path="/", *, size="desk", language="en", theme="light"):
        width, height = SIZES[size]
        context = await self.chromium.new_context(
            viewport={"width": width, "height": height}, locale=language, color_scheme=theme
        )
        page = await context.new_page()
        wrong = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda said: (
                wrong.append(said.text)
                if said.type == "error" and "Failed to load resource" not in said.text
                else None
            ),
        )
        try:
            await page.goto(address + path)
            yield page
            assert wrong == []  # no script failed, and the content policy refused nothing
        finally:
            await context.close()

    def tell(self, scope, attempts, answered, window="5m"):
        self.seconds += 1
        end = self.now + timedelta(seconds=self.seconds)
        told = answer_rate(scope, window, end, attempts, answered, connected=answered,
                           abandoned=0, revision=9999)  # fmt: skip
        self.board.take(ANSWER_RATE.name, told.key, told.to_json())


@pytest.fixture
async def chromium():
    path = os.environ.get("CALLSTREAMS_CHROMIUM") or shutil.which("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def show(chromium):
    show = Show(chromium)
    show.fill()
    return show


@pytest.fixture
def folder(tmp_path):
    folder = Path(os.environ.get("CALLSTREAMS_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def vendor(page, name="icsoc"):
    return page.locator(f'[data-vendor="{name}"]')


async def test_a_change_is_seen_without_a_reload(show):
    async with show.serve() as address, show.page(address) as page:
        await expect(page.locator("#status")).to_have_text("Live")
        show.tell("calls:icsoc", 1000, 123)
        await expect(vendor(page).locator(".rate")).to_have_text("12.3%")
        await expect(vendor(page).locator(".figure dd").first).to_have_text("1,000")
        show.tell("calls:icsoc", 0, 0)
        await expect(vendor(page).locator(".rate")).to_have_text("–")


async def test_from_the_vendor_to_the_number_to_the_last_calls(show):
    async with show.serve() as address, show.page(address) as page:
        await vendor(page).get_by_role("button", name="icsoc").click()
        panel = page.get_by_role("dialog")
        await expect(panel.get_by_role("heading", level=2)).to_have_text("icsoc")
        await panel.locator(".inside a", has_text="075586110003").click()
        await expect(panel.get_by_role("heading", level=2)).to_have_text("075586110003")
        calls = panel.locator(".calls tbody tr")
        await expect(calls).to_have_count(20)
        await expect(calls.first.locator(".number")).to_have_text(
            # the customer's number is masked
            re.compile(r"^139\*{4}\d{4}$")
        )
        await expect(panel.locator(".chart canvas")).to_be_visible()
        await page.go_back()
        await expect(panel.get_by_role("heading", level=2)).to_have_text("icsoc")
        await page.keyboard.press("Escape")
        await expect(page.locator("#panel")).to_be_hidden()


async def test_a_scope_shows_what_it_counts_and_no_columns_of_nothing(show):
    tallied, queue = "tallies:7moor/main", "calls:huawei/aicc/queue/4008800001"
    async with show.serve() as address:
        for scope, heads in (
            (tallied, ["Window", "Answer rate", "95 % interval", "Attempts", "Answered"]),
            (queue, ["Window", "Missed", "Wait"]),
        ):
            path = f"/#/scope/{scope.replace('/', '%2F')}"
            async with show.page(address, path) as page:
                table = page.get_by_role("region", name="By window")
                await expect(table.get_by_role("columnheader")).to_have_text(heads)
        path = f"/#/scope/{tallied.replace('/', '%2F')}"
        async with show.page(address, path) as page:
            figure = page.locator("#panel .figure", has_text="Answered").locator("dd")
            await expect(figure).to_have_text(re.compile(r"^\d+$"))


async def test_the_language_is_switched_and_remembered(show):
    async with show.serve() as address, show.page(address) as page:
        await expect(page.get_by_role("heading", name="Alerts firing now")).to_be_visible()
        await page.get_by_role("button", name="中文").click()
        await expect(page.get_by_role("heading", name="当前告警")).to_be_visible()
        await expect(page.locator(".alerts .summary").first).to_contain_text("接通率")
        await page.reload()
        await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        await expect(vendor(page, "7moor").locator("h3")).to_have_text("容联七陌")


async def test_the_language_is_the_browsers_at_first(show):
    async with show.serve() as address, show.page(address, language="zh-CN") as page:
        await expect(page.get_by_role("heading", name="全部统计对象")).to_be_visible()


async def test_the_theme_is_the_systems_until_another_is_chosen(show):
    async with show.serve() as address, show.page(address, theme="dark") as page:
        colour = "getComputedStyle(document.body).backgroundColor"
        dark = await page.evaluate(colour)
        await page.locator("#theme").click()
        await expect(page.locator("html")).to_have_attribute("data-theme", "light")
        assert await page.evaluate(colour) != dark
        await page.reload()
        await expect(page.locator("html")).to_have_attribute("data-theme", "light")


async def test_an_alert_appears_is_said_aloud_and_resolves(show):
    def alert(state, **more):
        at = show.now + timedelta(seconds=show.seconds)
        show.seconds += 1
        told = answer_alert(
            QUIET, AlertState(state), show.now, at, successes=5, attempts=90, **more
        )
        show.centre.alert(show.board, told)

    async with show.serve() as address, show.page(address) as page:
        firing = page.locator('.alert[data-state="firing"]')
        await expect(firing).to_have_count(3)
        alert("firing")
        await expect(firing).to_have_count(4)
        await expect(page.locator("#alerts-count")).to_have_text("4")
        await expect(page.locator("#announce")).to_contain_text("075586120001 is answered 5.6%")
        alert("resolved", ends_at=show.now)
        await expect(firing).to_have_count(3)
        await expect(page.locator("#announce")).to_contain_text("Resolved: 075586120001")
        await expect(page.locator('.alert[data-state="resolved"]').first).to_contain_text(
            "075586120001"
        )


async def test_an_alerts_story_opens_with_its_chart_and_steps(show):
    async with show.serve() as address, show.page(address) as page:
        await page.locator('.alert[data-fingerprint="dn-icsoc-075586110003"]').click()
        panel = page.get_by_role("dialog")
        await expect(panel.locator(".verdict")).to_have_text("Firing · Critical")
        await expect(panel.locator(".story li strong")).to_have_text(["Pending", "Firing"])
        await expect(panel.locator(".chart canvas")).to_be_visible()
        await expect(panel.get_by_text("Resolves when the answer rate is")).to_be_visible()


async def test_it_comes_back_by_itself_after_the_server_restarts(show):
    async with asyncio.timeout(60):
        server = show.serve()
        address = await server.__aenter__()
        async with show.page(address) as page:
            await expect(page.locator("#status")).to_have_text("Live")
            await server.__aexit__(None, None, None)
            await expect(page.locator("#banner")).to_contain_text("Connection lost")
            await expect(page.locator("#status")).to_have_text("Disconnected")
            show.board = Board(int(show.now.timestamp()) + 1)
            show.centre = Centre(scopes=40)
            show.fill(2)
            show.tell("calls:icsoc", 1000, 321)
            async with show.serve(int(address.rsplit(":", 1)[1])):
                await expect(page.locator("#status")).to_have_text("Live", timeout=20_000)
                await expect(page.locator("#banner")).to_be_hidden()
                await expect(vendor(page).locator(".rate")).to_have_text("32.1%")


async def test_ten_thousand_scopes_cost_no_more_rows_than_fit(chromium):
    show = Show(chromium, scopes=10_000)
    show.fill(1)
    async with show.serve() as address, show.page(address) as page:
        await expect(page.locator("#found")).to_have_text("10,000 of 10,000")
        rows = page.locator(".body .row")
        assert await rows.count() < 60
        grid = page.get_by_role("grid")
        await grid.focus()
        await page.keyboard.press("End")
        last = page.locator('.row[aria-rowindex="10001"]')
        await expect(last).to_be_in_viewport()
        assert await rows.count() < 60


async def test_search_filter_sort_and_keyboard(show):
    async with show.serve() as address, show.page(address) as page:
        rows = page.locator(".body .row")
        await page.get_by_label("Search").fill("0755 110003")
        await expect(rows).to_have_count(1)
        await expect(rows.first).to_contain_text("075586110003")
        await page.get_by_label("Search").fill("nobody has this")
        await expect(page.get_by_text("Nothing fits these filters")).to_be_visible()
        await page.get_by_role("button", name="Clear the filters").click()
        await page.locator("#filter-kind").select_option("queue")
        await expect(rows).to_have_count(5)
        await page.get_by_role("columnheader", name="Missed").get_by_role("button").click()
        await expect(page.get_by_role("columnheader", name="Missed")).to_have_attribute(
            "aria-sort", "descending"
        )
        await expect(rows.first).to_contain_text("4008800001")
        await page.get_by_role("grid").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text(
            "4008800001"
        )


async def test_a_token_is_asked_for_and_a_wrong_one_refused(chromium):
    show = Show(chromium, token="t-read")
    show.fill(2)
    async with show.serve() as address, show.page(address) as page:
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Token").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(dialog.get_by_role("alert")).to_have_text("This token is not accepted.")
        await dialog.get_by_label("Token").fill("t-read")
        await page.keyboard.press("Enter")
        await expect(dialog).to_be_hidden()
        await expect(vendor(page).locator(".rate")).to_contain_text("%")


async def test_nothing_counted_yet_is_said_and_ends_with_the_first_call(chromium):
    show = Show(chromium)
    async with show.serve() as address, show.page(address) as page:
        await expect(page.locator("#banner")).to_contain_text("Reading the topics")
        # what is not known yet is not said to be missing, nor calm
        await expect(page.locator(".skeleton").first).to_be_visible()
        await expect(page.get_by_text("No calls counted yet")).to_have_count(0)
        await expect(page.get_by_text("No alert is firing")).to_have_count(0)
        show.board.set_ready()
        await expect(page.locator("#banner")).to_be_hidden()
        await expect(page.get_by_text("No calls counted yet").first).to_be_visible()
        await expect(page.get_by_text("No alert is firing")).to_be_visible()
        show.tell("calls:icsoc", 8, 2)
        await expect(vendor(page).locator(".rate")).to_have_text("25.0%")


async def test_figures_that_stand_still_are_said_to_be_stale(show):
    show.ahead = timedelta(minutes=30)
    show.centre.sources(show.board, show.now + show.ahead)  # the pollers live, no worker does
    async with show.serve() as address, show.page(address) as page:
        await expect(page.locator("#banner")).to_contain_text("Nothing new for 30 min")
        await expect(vendor(page)).to_have_attribute("data-fresh", "stale")


def source(page, name):
    return page.locator(".source", has_text=name)


async def test_sources_are_told_with_icon_word_and_reason(show):
    later = show.now + timedelta(seconds=1)
    show.centre.sources(
        show.board,
        later,
        campaign_statistics={"state": "degraded", "reason": "huawei: 503, again in 40 s"},
        cdr={"state": "stopped", "reason": "401: renew ICSOC_PASSWORD", "found_by_search": 12},
    )
    async with show.serve() as address, show.page(address) as page:
        await expect(page.locator("#sources-summary")).to_have_text("2 of 5 need attention")
        for name, word, reason in (
            ("Answer report", "OK", "1,234 records"),
            ("Campaign statistics", "Degraded", "huawei: 503, again in 40 s"),
            ("Call records", "Stopped", "401: renew ICSOC_PASSWORD"),
        ):
            await expect(source(page, name).locator(".word")).to_have_text(word)
            await expect(source(page, name)).to_contain_text(reason)
            await expect(source(page, name).locator(".sign svg")).to_be_visible()
        await expect(source(page, "Call records")).to_contain_text("12 found by search")
        await expect(vendor(page).locator(".sources-badge")).to_have_text("1 source stopped")
        await expect(vendor(page, "7moor").locator(".sources-badge")).to_be_hidden()
        # its pushes still come
        await expect(vendor(page).locator(".rate")).to_contain_text("%")

        later += timedelta(seconds=1)
        show.centre.sources(show.board, later, cdr={"state": "starting", "last_success_at": None})
        await expect(source(page, "Call records").locator(".word")).to_have_text("Starting")
        await expect(page.locator("#sources-summary")).to_have_text("1 of 5 starting")
        show.centre.sources(show.board, later + timedelta(seconds=1))
        await expect(page.locator("#sources-summary")).to_have_text("all 5 are well")
        await expect(vendor(page).locator(".sources-badge")).to_be_hidden()


async def test_a_reason_is_told_in_chinese_with_the_sentence_as_its_detail(show):
    reason = "open.7moor.com answered 429"
    told = {"state": "degraded", "reason": reason}
    show.centre.sources(show.board, show.now + timedelta(seconds=1), cdr=told)
    async with show.serve() as address, show.page(address, language="zh-CN") as page:
        line = source(page, "话单")
        await expect(line.locator(".reason")).to_have_text("请求过于频繁（429），稍后自动重试")
        await expect(line.locator("[lang=en]")).to_have_text(reason)
        await page.get_by_role("button", name="English").click()
        line = source(page, "Call records")
        await expect(line.locator(".reason")).to_have_text(reason)
        await expect(line.locator("[lang=en]")).to_be_hidden()


async def test_no_data_is_not_an_answer_rate(show):
    show.ahead = timedelta(minutes=2)
    heard = show.now + show.ahead
    show.centre.sources(show.board, heard)
    show.centre.source(
        show.board,
        source_status("huawei/aicc/campaign-statistics", heard + timedelta(seconds=1), "stopped"),
    )
    async with show.serve() as address, show.page(address) as page:
        huawei = vendor(page, "huawei")
        await expect(huawei.locator(".rate")).to_have_text("No data")
        await expect(huawei.locator(".rate-label")).to_contain_text("nothing since")
        await expect(huawei.locator(".figure dd")).to_have_text(["–", "–", "–", re.compile(r"\d")])
        await expect(vendor(page, "7moor").locator(".rate")).to_contain_text("%")
        show.ahead += timedelta(seconds=61)  # and now nobody is heard of
        await page.reload()
        await expect(vendor(page, "7moor").locator(".rate")).to_have_text("No data")
        await expect(vendor(page, "7moor").locator(".sources-badge")).to_have_text(
            "2 sources silent"
        )
        await expect(huawei.locator(".figure dd").last).to_have_text("–")
        await expect(page.locator(".row .cell.age", has_text="No data").first).to_be_visible()


async def test_a_silenced_alert_says_so_and_the_silence_is_listed(show):
    show.centre.silence(show.board, silence("s-1", show.now, "display_number=075586110003"))
    async with show.serve() as address, show.page(address) as page:
        firing = page.locator('.alert[data-fingerprint="dn-icsoc-075586110003"]')
        await expect(firing).to_contain_text("Silenced until")
        await expect(page.locator(".silence")).to_contain_text('display_number="075586110003"')
        await expect(page.locator(".silence")).to_contain_text("李娜")
        await expect(page.locator(".silence button")).to_have_count(0)  # nobody may write here
        show.board.take("callstreams.silences", b"s-1", None)
        await expect(page.locator(".silence")).to_have_count(0)
        await expect(firing).not_to_contain_text("Silenced")


async def test_an_alert_is_silenced_from_its_story_and_the_silence_ended(chromium):
    show = Show(chromium, write_token="t-write")
    show.fill(2)
    async with show.serve() as address, show.page(address) as page:
        await page.locator('.alert[data-fingerprint="dn-icsoc-075586110003"]').click()
        await page.get_by_role("button", name="Silence this alert").click()
        form = page.locator("#silence")
        await expect(form).to_contain_text('display_number="075586110003"')
        await form.get_by_label("For").select_option("4h")
        await form.get_by_label("Your name").fill("Li Na")
        await form.get_by_label("Why").fill("being replaced")
        await form.get_by_role("button", name="Silence", exact=True).click()
        sign_in = page.locator("#sign-in")
        for token, wrong in (("guess", True), ("t-write", False)):
            await sign_in.get_by_label("Token").fill(token)
            await page.keyboard.press("Enter")
            if wrong:
                await expect(sign_in.get_by_role("alert")).to_have_text(
                    "This token is not accepted."
                )
        await expect(form).to_be_hidden()
        await expect(page.locator("#panel .silenced")).to_contain_text("Silenced until")
        (written,) = show.board.silences.all()
        assert (written.created_by, written.comment) == ("Li Na", "being replaced")
        assert written.ends_at - written.starts_at == timedelta(hours=4)
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="End the silence").click()
        await expect(page.locator(".silence")).to_have_count(0)


async def test_what_stands_on_a_topic_never_becomes_markup(show):
    evil = "calls:icsoc/main/campaign/<img src=x onerror=document.title='owned'>"
    show.tell(evil, 5000, 2500)
    async with show.serve() as address, show.page(address) as page:
        await page.get_by_label("Search").fill("onerror")
        await expect(page.locator(".body .row .title")).to_have_text(evil.split("/", 3)[3])
        await page.locator(".body .row").first.click()
        await expect(page.get_by_role("dialog").get_by_role("heading", level=2)).to_contain_text(
            "<img"
        )
        assert await page.locator("img").count() == 0
        assert await page.title() == "callstreams Wallboard"


def troubled(show):
    """Sources in every state, a silence that holds and one that will."""
    later = show.now + timedelta(seconds=1)
    show.centre.source(
        show.board,
        source_status("huawei/aicc/campaign-statistics", later, "degraded", reason="503"),
    )
    show.centre.source(show.board, source_status("icsoc/main/cdr", later, "stopped", reason="401"))
    long_ago = show.now - timedelta(minutes=9)
    show.centre.source(show.board, source_status("7moor/old/answer-report", long_ago))
    show.centre.silence(show.board, silence("s-1", show.now, "display_number=075586110003"))
    show.centre.silence(show.board, silence("s-2", show.now, "vendor=huawei", ago=-60))


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_where_nothing_is_heard_or_a_token_is_asked_for(chromium, theme):
    silent = Show(chromium)
    silent.fill(2)
    silent.ahead = timedelta(minutes=5)
    closed = Show(chromium, token="t-read")
    for show, shown in ((silent, ".rate[data-none]"), (closed, "#sign-in[open]")):
        async with show.serve() as address, show.page(address, theme=theme) as page:
            await expect(page.locator(shown).first).to_be_visible()
            found = await Axe().run(page)
            assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
async def test_axe_finds_nothing(show, size, theme):
    alert = "/#/alert/dn-icsoc-075586110003"
    troubled(show)
    async with show.serve() as address:
        for path in ("/", "/#/scope/calls%3Aicsoc", alert):
            async with show.page(address, path, size=size, theme=theme) as page:
                await expect(page.locator(".body .row").first).to_be_attached()
                if path != "/":
                    await expect(page.locator("#panel .chart canvas")).to_be_visible()
                found = await Axe().run(page)
                assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("size", SIZES)
async def test_screenshots(show, size, language, theme, folder):
    paths = {"board": "/", "scope": f"/#/scope/{NUMBER.replace('/', '%2F')}"}
    paths["story"] = "/#/alert/dn-icsoc-075586110003"
    async with show.serve() as address:
        for name, path in paths.items():
            async with show.page(address, path, size=size, language=language, theme=theme) as page:
                await expect(page.locator(".body .row").first).to_be_attached()
                if name != "board":
                    await expect(page.locator("#panel .chart canvas")).to_be_visible()
                await page.wait_for_function(DRAWN)
                wide = await page.evaluate("document.documentElement.scrollWidth")
                assert wide <= SIZES[size][0]  # nothing hangs over the edge
                image = folder / f"{name}-{size}-{language}-{theme}.png"
                await page.screenshot(path=image, full_page=size == "phone" and name == "board")
                assert image.stat().st_size > 10_000
