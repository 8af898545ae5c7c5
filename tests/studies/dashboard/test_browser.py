"""Every page in a real browser: it shows what the store holds, on a phone too, live, and to everybody."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from studies.dashboard.app import PAGES
from studies.store import ReadOnlyStore
from studies.verdicts.leaderboard import build_leaderboard, conclusion
from tests.search.fusing.families import Families
from tests.studies.dashboard.conftest import Tab

Open = Callable[..., Tab]
MACHINES = (".json", "/live")
PATHS = tuple(
    route.path
    for route in PAGES
    if "GET" in (route.methods or ()) and not route.path.endswith(MACHINES) and "export" not in route.path
)
KINDS = ("llama", "fused", "fused-merge")
WIDTHS = [(1280, "light"), (390, "dark")]


def ids(families: Families) -> dict[str, int]:
    return {name: number for number, name in families.rows("select id, name from crucible_studies")}


def filled(path: str, study: int) -> str:
    """The path with that study, and its first trial."""
    return re.sub(r"{(\w+)(:\w+)?}", lambda found: str(study) if found[1] == "study" else "0", path)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_opens_wide_and_narrow_without_a_fault(
    tab: Open, site: str, studied: Families, path: str, kind: str
) -> None:
    if "{trial}" in path.replace(":int", "").replace(":str", "") and kind == "fused":
        pytest.skip("a fusion has no trials of its own")
    for width, scheme in WIDTHS:
        opened = tab(site, width, scheme)
        answer = opened.open(filled(path, ids(studied)[kind]))
        assert answer.status == 200
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
        assert opened.page.locator("h1").inner_text().strip()
        opened.picture(f"{path.replace('/', '_')}-{kind}-{width}-{scheme}".replace(":", ""))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(tab: Open, site: str, studied: Families, path: str, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    kind = "fused" if path.endswith("/fusion") else "llama"
    opened = tab(site, 1280, scheme)
    opened.open(filled(path, ids(studied)[kind]))
    found = axe.Axe().run(opened.page).response["violations"]
    told = [(each["id"], [node["html"][:120] for node in each["nodes"][:3]]) for each in found
            if each["impact"] in ("serious", "critical")]  # fmt: skip
    assert told == []


def test_a_study_shows_the_verdict_and_the_numbers_of_the_store(
    tab: Open, site: str, studied: Families
) -> None:
    with ReadOnlyStore(studied.storage) as store:
        rows = build_leaderboard(store, "llama")
    opened = tab(site)
    opened.open(f"/studies/{ids(studied)['llama']}")
    shown = " ".join(opened.page.locator("#verdict").inner_text().split())
    said = conclusion(rows)
    assert shown == said[0].upper() + said[1:], "a sentence on a page begins so"
    judged = [row for row in rows if row.holdout_mean is not None]
    lines = opened.page.locator("table.board tbody tr")
    for row, line in zip(judged, lines.all(), strict=False):
        cells = [" ".join(cell.split()) for cell in line.locator("th, td").all_inner_texts()]
        assert cells[0].split()[0] == row.name.split()[0]
        for score, cell in zip(row.holdout.values(), cells[1:], strict=False):
            assert cell == f"{100 * score.mean:.1f} {100 * score.low:.1f}–{100 * score.high:.1f}"
        assert cells[1 + len(row.holdout)] == f"{100 * (row.holdout_mean or 0):.1f}"
    asked = next(iter(judged[0].holdout.values())).n
    assert f"n = {asked}" in opened.page.locator("table.board thead").inner_text()


def test_all_studies_show_how_far_they_are(tab: Open, site: str, studied: Families) -> None:
    opened = tab(site)
    opened.open("/")
    shown = {
        each.locator(".name").inner_text(): each.inner_text() for each in opened.page.locator(".study").all()
    }
    assert set(shown) == {"llama", "qwen", "fused", "fused-merge"}
    trials = studied.rows(
        "select count(*) from crucible_candidates c join crucible_studies s on s.id = c.study_id"
        " where s.name = 'llama' and c.kind = 'trial' and c.state in ('complete', 'pruned', 'failed')"
    )[0][0]
    assert f"Trials\n{trials} of" in shown["llama"]
    assert "complete" in shown["llama"]
    opened.page.get_by_role("link", name="llama", exact=True).click()
    assert opened.page.locator("h1").inner_text() == "llama"


def test_the_curve_is_drawn_and_told_in_words(tab: Open, site: str, studied: Families) -> None:
    opened = tab(site)
    opened.open(f"/studies/{ids(studied)['llama']}")
    opened.page.wait_for_selector(".curve canvas")
    area = opened.page.locator(".curve .u-over")
    box = area.bounding_box()
    area.hover(position={"x": box["width"] * 0.01, "y": box["height"] / 2})
    assert re.match(r"Trial 0: \d+\.\d % \[.* to .*\], n = \d+", opened.page.locator(".readout").inner_text())


def test_everything_can_be_reached_by_keyboard(tab: Open, site: str, studied: Families) -> None:
    opened = tab(site)
    opened.open(f"/studies/{ids(studied)['llama']}")
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    opened.page.keyboard.press("Enter")
    assert opened.page.evaluate("location.hash") == "#main"
    reached = set()
    for _ in range(60):
        opened.page.keyboard.press("Tab")
        reached.add(opened.page.evaluate("document.activeElement.textContent.trim()"))
    assert {"trial 0", "answers"} <= reached


def test_a_running_study_goes_on_without_reload(tab: Open, running: str) -> None:
    opened = tab(running)
    opened.open("/")
    assert opened.page.locator(".study .state").inner_text() == "searching"
    opened.open("/studies/1")
    assert "No candidate was judged" in opened.page.locator("#verdict").inner_text()
    opened.page.evaluate("window.same = true")
    newest = int(opened.page.locator("#feed .number").first.inner_text())
    opened.page.wait_for_selector(f"#trial-{newest + 1}", timeout=60_000)
    assert opened.page.evaluate("window.same")
    numbers = [int(each) for each in opened.page.locator("#feed .number").all_inner_texts()]
    assert numbers == sorted(set(numbers), reverse=True)
    opened.picture("running-1280-light")
    assert opened.page.locator(".workers li").count() == 1


def test_a_server_that_is_gone_is_told(tab: Open, studied: Families) -> None:
    from studies.dashboard.app import dashboard
    from tests.studies.dashboard.conftest import served

    with ReadOnlyStore(studied.storage) as store:
        with served(dashboard(store)) as base:
            opened = tab(base, fail=False)
            opened.open("/")
        opened.page.evaluate("htmx.trigger('#poll', 'look')")
        opened.page.wait_for_selector("#pulse.lost")
        assert opened.page.locator("#pulse").inner_text() == "Not live: no answer"


def test_the_pictures_are_kept_where_git_does_not_look(studied: Families) -> None:
    assert "tests/.screenshots/" in (Path(__file__).parents[3] / ".gitignore").read_text()
