"""Pages of studies that were really run, and of a fusion of them: they show what the store holds.

And what a person takes along is what `crucible export` writes.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from merging.recipe import load_recipe
from search.serving.looking import ExportCommand
from studies.dashboard.app import dashboard
from studies.store import ReadOnlyStore
from studies.verdicts.leaderboard import build_leaderboard
from studies.verdicts.steering import search_scores
from studies.views.curve import curves
from studies.views.fusion import fusion_view
from studies.views.tallies import Tallies
from tests.search.fusing.families import Families
from tests.studies.dashboard.conftest import ROOT, served
from tests.studies.dashboard.test_views import read


@pytest.fixture(scope="module")
def ask(studied: Families) -> Any:
    """Ask pages that can export, as `crucible dashboard` serves them."""
    with (
        ReadOnlyStore(studied.storage) as store,
        served(dashboard(store, exporter=ExportCommand(studied.storage))) as base,
        httpx.Client(base_url=base, timeout=300) as client,
    ):
        yield client.get


def number_of(studied: Families, name: str) -> int:
    (found,) = [
        number for number, called in studied.rows("select id, name from crucible_studies") if called == name
    ]
    return int(found)


def test_scores_are_those_that_steered_the_search(studied: Families) -> None:
    study = number_of(studied, "llama")
    with ReadOnlyStore(studied.storage) as store:
        (curve,) = curves(store, Tallies(), study)
        digests = {each.trial: each.digest for each in store.candidates(study) if each.kind == "trial"}
        scores = search_scores(store, study, list(digests.values()))
    assert curve.points
    for point in curve.points:
        score = scores.get(digests[point.number])
        assert point.score == pytest.approx(score) if point.state == "complete" else point.score is None


def test_a_front_point_is_taken_along_as_crucible_export_writes_it(
    studied: Families, ask: Any, tmp_path: Path
) -> None:
    study = number_of(studied, "llama")
    with ReadOnlyStore(studied.storage) as store:
        row = next(row for row in build_leaderboard(store, "llama") if row.kind == "trial")
    links = re.findall(
        r'href="([^"]*/export/\w+/trial[^"]*)"', ask(f"/studies/{study}/merge/{row.trial}?wait=60").text
    )
    assert len(links) == 2
    recipe, mergekit = (ask(link) for link in links)
    assert load_recipe(recipe.text, "page").digest == row.digest
    arguments = (
        "export",
        "llama",
        "--trial",
        row.trial,
        "--out",
        tmp_path / "out",
        "--storage",
        studied.storage,
    )
    subprocess.run([sys.executable, "-m", "search", *map(str, arguments)], check=True, cwd=ROOT)
    assert mergekit.text == (tmp_path / "out" / "merge.yaml").read_text()
    assert yaml.safe_load(mergekit.text)["merge_method"]


def test_the_fusions_page_shows_what_came_of_it(studied: Families, ask: Any) -> None:
    study = number_of(studied, "fused")
    with ReadOnlyStore(studied.storage) as store:
        view = fusion_view(store, "fused")
    assert view is not None
    assert view.before is not None
    assert view.runs
    said = read(ask, f"/studies/{study}/fusion")
    assert view.reason in said
    for row in (view.before, *view.after):
        assert f"{row.name} " in said
        assert f"{100 * (row.holdout_mean or 0):.1f}" in said
    for each in view.contestants:
        assert each.reason in said


def test_an_items_text_is_the_stores(studied: Families, ask: Any) -> None:
    study = number_of(studied, "llama")
    with ReadOnlyStore(studied.storage) as store:
        base = next(each for each in store.candidates(study) if each.kind == "base")
        part = next(part for part in store.slices(study) if part.split == "holdout")
        result = store.results(base.digest, part.digest)[0]
    path = f"/studies/{study}/items?candidate={base.name}&slice={part.name}&split=holdout&item={result.item}"
    said = read(ask, path)
    assert " ".join(result.text.split()) in said
    assert ("right" if result.correct else "wrong") in said
