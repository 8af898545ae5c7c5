"""What an earlier version wrote is read, continued and said as before; `make.py` wrote the files with it."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from merging.recipe import load_recipe
from search import cli
from search.study_file.spec import load_study
from tests.search.conftest import MODELS, TINY, Outcome
from tests.search.previous.make import HERE, PLACE, TRIALS

Crucible = Callable[..., Outcome]
COMMANDS: dict[str, list[str]] = json.loads((HERE / "commands.json").read_text())
RECIPES: dict[str, dict[str, Any]] = json.loads((HERE / "recipes.json").read_text())
STUDY: dict[str, Any] = json.loads((HERE / "study.json").read_text())
URL = ("--storage", "sqlite:///crucible.db")
GAINS = ("vs_best_expert", "vs_uniform")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The earlier version's working directory, moved here: models, items, study file and store."""
    for name in MODELS:
        shutil.copytree(TINY / name, tmp_path / name)
    for file in (*HERE.glob("*.jsonl"), HERE / "study.yaml"):
        shutil.copy(file, tmp_path)
    (tmp_path / "crucible.db").write_bytes(gzip.decompress((HERE / "crucible.db.gz").read_bytes()))
    with closing(sqlite3.connect(tmp_path / "crucible.db")) as store, store:
        change = "update crucible_recipes set recipe = replace(recipe, ?, ?)"
        store.execute(change, (str(PLACE), str(tmp_path)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def moved(text: str, place: Path) -> str:
    return text.replace(str(PLACE), str(place))


def rows_of(place: Path, table: str) -> set[tuple[object, ...]]:
    with closing(sqlite3.connect(place / "crucible.db")) as store:
        return set(store.execute(f"select * from {table}"))


def said(crucible: Crucible, *arguments: object) -> Any:
    outcome = crucible(*arguments, "--json")
    assert outcome.code == 0, outcome
    return json.loads(outcome.out)


def test_the_files_are_small() -> None:
    assert sum(file.stat().st_size for file in HERE.iterdir() if file.is_file()) < 300_000


# -- the command line ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_every_option_that_it_took(
    command: str, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    assert command in typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
    assert set(COMMANDS[command]) <= set(re.findall(r"--[a-z-]+", crucible(command, "--help").out))


# -- recipes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_file_has_the_digest_that_it_had(name: str) -> None:
    assert load_recipe(RECIPES[name]["recipe"], name).digest == RECIPES[name]["digest"]


@pytest.mark.parametrize("name", RECIPES)
def test_a_mergekit_config_becomes_the_recipe_that_it_became(
    name: str, place: Path, crucible: Crucible
) -> None:
    Path("merge.yaml").write_text(RECIPES[name]["config"])
    options = ("--compat", "mergekit") if name == "compat" else ()
    merged = said(crucible, "merge", "merge.yaml", "out", *options)
    assert merged["digest"] == RECIPES[name]["digest"]
    assert set(RECIPES[name]["keys"]) <= set(merged)
    was, now = moved(RECIPES[name]["recipe"], place), Path("out", "crucible_recipe.yaml").read_text()
    assert yaml.safe_load(now) == yaml.safe_load(was)


# -- a study and its store -----------------------------------------------------------------------------------


def test_the_study_file_is_read(place: Path) -> None:
    spec = load_study(place / "study.yaml")
    assert (spec.name, spec.budget.trials, len(spec.slices)) == ("previous", TRIALS, 3)


def test_the_leaderboard_ranks_and_scores_as_it_did(place: Path, crucible: Crucible) -> None:
    """Intervals may be wider, for more comparisons hold together now; they hold what they held."""
    rows = said(crucible, "leaderboard", "previous", *URL)
    assert [row["name"] for row in rows] == [row["name"] for row in STUDY["leaderboard"]]
    for row, was in zip(rows, STUDY["leaderboard"], strict=True):
        assert {key: row[key] for key in was if key not in GAINS} == {
            key: value for key, value in was.items() if key not in GAINS
        }
        for key in GAINS:
            if was[key] is None:
                assert row[key] is None
            else:
                assert row[key]["mean"] == was[key]["mean"]
                assert row[key]["low"] <= was[key]["low"] <= was[key]["high"] <= row[key]["high"]


def test_status_and_items_say_what_they_said(place: Path, crucible: Crucible) -> None:
    (status,) = said(crucible, "status", *URL)
    (was,) = STUDY["status"]
    assert {key: status[key] for key in was} == was
    options = ("--candidate", "base", "--slice", "gsm8k")
    items = said(crucible, "items", "previous", *options, *URL)
    assert [
        {key: item[key] for key in old} for item, old in zip(items, STUDY["items"], strict=True)
    ] == STUDY["items"]


@pytest.mark.parametrize(("form", "file"), [("recipe", "recipe.yaml"), ("mergekit", "merge.yaml")])
def test_an_export_is_what_it_was(place: Path, crucible: Crucible, form: str, file: str) -> None:
    assert crucible("export", "previous", "--trial", 1, "--format", form, "--out", "out", *URL).code == 0
    was, now = moved(STUDY["exports"][form], place), Path("out", file).read_text()
    assert yaml.safe_load(now) == yaml.safe_load(was)
    assert now.splitlines()[0] == was.splitlines()[0], "the digest"


def test_a_finished_study_is_found_finished_and_nothing_is_asked_again(
    place: Path, crucible: Crucible
) -> None:
    evidence, candidates = rows_of(place, "crucible_evidence"), rows_of(place, "crucible_candidates")
    assert crucible("run", "study.yaml", *URL).code == 0
    assert rows_of(place, "crucible_evidence") == evidence
    assert {row[:4] for row in rows_of(place, "crucible_candidates")} == {row[:4] for row in candidates}


def test_a_study_goes_on_with_the_trial_that_would_have_been_next(place: Path, crucible: Crucible) -> None:
    """Its earlier evidence stays, and its next candidate is answered as the earlier version had it."""
    evidence = rows_of(place, "crucible_evidence")
    assert crucible("run", "study.yaml", "--trials", TRIALS + 1, *URL).code == 0
    assert evidence < rows_of(place, "crucible_evidence")
    (row,) = [row for row in said(crucible, "leaderboard", "previous", *URL) if row["trial"] == TRIALS]
    (was,) = STUDY["next"]
    assert {key: row[key] for key in ("name", "digest", "search")} == {
        key: was[key] for key in ("name", "digest", "search")
    }
