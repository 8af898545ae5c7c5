"""What a person does on the pages about what lies within a study, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from merging.recipe import load_recipe
from studies.store import ReadOnlyStore
from studies.verdicts.leaderboard import build_leaderboard
from studies.views.answers import Wanted
from studies.views.items import items_page
from studies.views.merge import merge_view
from tests.search.fusing.families import Families
from tests.studies.dashboard.conftest import Tab
from tests.studies.dashboard.test_browser import ids

Open = Callable[..., Tab]


def test_from_the_leaderboard_to_the_text_of_an_item_that_was_gained(
    tab: Open, site: str, studied: Families
) -> None:
    study = ids(studied)["llama"]
    with ReadOnlyStore(studied.storage) as store:
        best = build_leaderboard(store, "llama")[0]
        base = next(each for each in store.candidates(study) if each.kind == "base")
        wanted = Wanted(best.name, versus=base.name)
        shown = items_page(store, study, wanted)
    assert shown is not None
    opened = tab(site, 390)
    opened.open(f"/studies/{study}")
    opened.page.get_by_role("link", name=f"Answers of {best.name}", exact=True).click()
    opened.page.get_by_label("against").fill(base.name)
    opened.page.get_by_role("button", name="Show").click()
    said = opened.page.locator("p.verdict").inner_text()
    assert (
        f"{best.name} answered {shown.right} of {shown.n} holdout items of {shown.part.name} rightly" in said
    )
    assert f"it gained {shown.outcomes['gained']} and lost {shown.outcomes['lost']}" in said
    first = shown.rows[0]
    opened.page.get_by_role("link", name=f"Item {first.item}", exact=True).click()
    texts = opened.page.locator(".answer pre")
    assert first.other is not None
    assert texts.nth(0).text_content() == first.answer.text
    assert texts.nth(1).text_content() == first.other.text
    opened.picture("item-390")


def test_a_point_of_the_front_is_picked_and_taken_along(
    tab: Open, site: str, studied: Families, tmp_path: Path
) -> None:
    study = ids(studied)["llama"]
    opened = tab(site)
    opened.open(f"/studies/{study}/slices")
    picks = opened.page.get_by_role("link", name=re.compile("^Pick trial"))
    if picks.count():
        name = picks.first.get_attribute("aria-label").removeprefix("Pick ").partition(",")[0]
        picks.first.focus()
        opened.page.keyboard.press("Enter")
        opened.page.wait_for_selector(".scatter .picked")
        assert opened.page.locator("tr.first th a").inner_text() == name
        opened.picture("slices-picked-1280")
    else:
        name = opened.page.locator(".picks tbody th a").first.inner_text()
    with opened.page.expect_download() as waiting:
        opened.page.get_by_role("link", name=f"Recipe of {name}", exact=True).click()
    waiting.value.save_as(tmp_path / "recipe.yaml")
    with ReadOnlyStore(studied.storage) as store:
        digest = next(each.digest for each in store.candidates(study) if each.name == name)
    assert load_recipe((tmp_path / "recipe.yaml").read_text(), "page").digest == digest


def test_two_merges_stand_side_by_side_with_the_recipes_numbers(
    tab: Open, site: str, studied: Families
) -> None:
    study = ids(studied)["llama"]
    with ReadOnlyStore(studied.storage) as store:
        view = merge_view(store, study, "0")
    opened = tab(site)
    opened.open(f"/studies/{study}/merge/0")
    opened.page.get_by_label("beside").fill("uniform")
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_selector(".beside.two")
    weight = opened.page.locator(".one").first.locator("figure.heat", has_text="How much of each expert")
    cells = weight.locator("tbody td").all_inner_texts()
    assert cells == [f"{value:.2f}" for row in view.maps[0].values for value in row]
    assert opened.page.locator(".one").nth(1).locator("h2").inner_text().startswith("uniform")
    opened.picture("merge-beside-1280")


def test_importances_arrive_without_reload_and_the_command_is_there(
    tab: Open, site: str, studied: Families
) -> None:
    opened = tab(site, 390, "dark")
    opened.open(f"/studies/{ids(studied)['llama']}/parameters")
    opened.page.get_by_text("Working out").wait_for(state="detached", timeout=120_000)
    assert re.search(
        r"trials? with a score so far|trials from the others", opened.page.locator("main").inner_text()
    )
    assert opened.page.locator(".command").inner_text().startswith("optuna-dashboard sqlite:///")
    opened.picture("parameters-390-dark")
