"""Pages of a study that an earlier version of Crucible recorded: every number is that version's."""

from __future__ import annotations

import gzip
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from studies.dashboard.app import dashboard
from studies.store import ReadOnlyStore, StudyStore
from studies.views.merge import merge_view
from studies.views.slices import slice_pair
from studies.views.studies import one_study
from studies.views.tallies import Tallies
from studies.views.trials import trials_page
from tests.studies.dashboard.test_views import PAGES, known

PREVIOUS = Path(__file__).parents[2] / "search" / "previous"
SAID: dict[str, Any] = json.loads((PREVIOUS / "study.json").read_text())


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The earlier store, brought up to date as any command does."""
    file = tmp_path / "crucible.db"
    file.write_bytes(gzip.decompress((PREVIOUS / "crucible.db.gz").read_bytes()))
    StudyStore(f"sqlite:///{file}").close()
    return f"sqlite:///{file}"


def test_views_say_what_the_earlier_version_said(url: str) -> None:
    rows = {row["name"]: row for row in SAID["leaderboard"]}
    with ReadOnlyStore(url) as store:
        view, tallies = one_study(store, Tallies(), "previous"), Tallies()
        page = trials_page(store, tallies, view.id, order="number")
        pair = slice_pair(store, tallies, view.id, "math", "code", "holdout")
    assert (view.state, view.trials, view.budget, view.failed) == ("complete", 3, 3, 0)
    for trial in page.rows:
        said = rows[trial.name]["search"]
        assert {name: (score.mean, score.n) for name, score in trial.slices.items()} == {
            name: (score["mean"], score["n"]) for name, score in said.items()
        }
    assert pair is not None
    for spot in pair.spots:
        holdout = rows[spot.name]["holdout"]
        assert (spot.x.mean, spot.y.mean) == (holdout["math"]["mean"], holdout["code"]["mean"])
    assert {spot.name for spot in pair.spots} == {name for name, row in rows.items() if row["holdout"]}


def test_a_merge_is_its_recipe(url: str) -> None:
    with ReadOnlyStore(url) as store:
        view = merge_view(store, 1, "2")
    assert view.experts == ("gsm8k", "math", "code")
    group = view.recipe.layers[1]
    assert view.maps[0].values[3] == group.rules[0].parameters.weight
    assert [place.module for place in view.places[:3]] == ["self_attn", "mlp", "rest"]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens(url: str, page: str) -> None:
    import asyncio

    import httpx

    with ReadOnlyStore(url) as store:
        app = dashboard(store)

        def ask(path: str) -> httpx.Response:
            async def send() -> httpx.Response:
                transport = httpx.ASGITransport(app)
                async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                    return await client.get(path)

            # In a thread: where a browser was opened before, this one has a loop that runs already.
            with ThreadPoolExecutor(1) as beside:
                return beside.submit(asyncio.run, send()).result()

        said = known(ask, f"/studies/1{page}")
        answers = ask("/studies/1/items?candidate=base&slice=gsm8k&wait=60").text
    assert len(said) > 50
    for item in SAID["items"]:
        assert f'id="item-{item["item"]}"' in answers
    assert len(re.findall(r'data-right="yes"', answers)) == sum(item["correct"] for item in SAID["items"])
