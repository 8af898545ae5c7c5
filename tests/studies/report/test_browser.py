"""The report in a browser that has no network, opened from disk: on a desk and on a phone, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.studies.report.builders import HOSTILE, Study

CHROMIUM = Path("/usr/bin/chromium")
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if not CHROMIUM.exists():
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a study whose name and experts would run if they could."""
    folder = tmp_path_factory.mktemp("report")
    Study(f"sqlite:///{folder / 'crucible.db'}", HOSTILE, experts=(HOSTILE, "code")).finish().html(folder)
    return folder / "report.html"


class Visit:
    """The page in the browser, with all that it asked for and complained of."""

    def __init__(self, browser: Any, report: Path, width: int, **options: Any) -> None:
        size = {"width": width, "height": 900}
        self.context = browser.new_context(viewport=size, offline=True, **options)
        self.context.set_default_timeout(120_000)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.goto(report.as_uri())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_from_disk_asks_for_nothing_and_has_no_complaint(
    browser: Any, report: Path, width: int, scheme: str
) -> None:
    visit = Visit(browser, report, width, color_scheme=scheme)
    visit.page.wait_for_load_state("networkidle")
    assert visit.requests == [report.as_uri()]
    assert visit.said == []
    assert visit.page.inner_text("h1") == HOSTILE
    assert visit.page.locator(".plot svg").count() == 5
    visit.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen_and_the_verdict_is_seen_first(
    browser: Any, report: Path, width: int
) -> None:
    visit = Visit(browser, report, width)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    box = visit.page.locator(".sentence").bounding_box()
    assert box["y"] + box["height"] < 900
    visit.context.close()


def test_in_the_dark_pictures_take_the_pages_colours(browser: Any, report: Path) -> None:
    """Also where one shape is used many times over."""
    visit = Visit(browser, report, 1280, color_scheme="dark")
    colour = "node => getComputedStyle(node).fill"
    text = visit.page.locator("#plot-gains text").first.evaluate(colour)
    page = visit.page.evaluate("getComputedStyle(document.body).color")
    assert text in (page, "rgb(163, 174, 186)")
    assert visit.page.locator("#plot-gains use").first.evaluate("n => getComputedStyle(n).fill") != ""
    visit.context.close()


def test_it_can_be_read_and_scrolled_by_keyboard(browser: Any, report: Path) -> None:
    visit = Visit(browser, report, 390)
    visit.page.locator("summary").first.focus()
    visit.page.keyboard.press("Enter")
    assert "crucible_recipe: 1" in visit.page.inner_text("details[open] pre")
    visit.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser: Any, report: Path, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    # axe itself runs in the page, which the page's own policy would not let it
    visit = Visit(browser, report, 1280, color_scheme=scheme, bypass_csp=True)
    found = axe.Axe().run(visit.page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    visit.context.close()


def test_on_paper_the_recipe_is_there_in_full(browser: Any, report: Path) -> None:
    visit = Visit(browser, report, 1280)
    visit.page.emulate_media(media="print")
    assert (
        visit.page.locator("details pre").first.evaluate("node => node.getBoundingClientRect().height") > 100
    )
    visit.context.close()
