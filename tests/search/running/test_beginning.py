"""Where a study begins: its starting points, once; and with what another study found, if it is asked to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from search.proposals.ledger import open_ledger
from search.proposals.starting_points import starting_points
from search.running import beginning
from search.running.workshop import open_workshop
from search.study_file.spec import load_study
from studies.store import StudyStore
from studies.trials import Trials
from tests.search.conftest import MODELS, TINY, Outcome, small_study, write_study

pytestmark = pytest.mark.usefixtures("own_folder")
Crucible = Callable[..., Outcome]
URL = ("--storage", "sqlite:///all.db")
FAKE = {"name": "fake", "max_tokens": 8}
SPACE = {"methods": ["ties"], "layer_groups": 1, "weight": [0.0, 1.0], "density": [0.1, 1.0]}
FINER = {"methods": ["task_arithmetic", "ties"], "layer_groups": "each", "weight": [0.0, 0.9]}


def study(name: str, trials: int = 4, **changes: Any) -> Path:
    """A study file of the fake engine in a folder of its own; --anyway, for it is steered by nothing."""
    given = {"search_space": SPACE, "engine": FAKE, **changes}
    return write_study(Path(name), small_study(trials, 4, **{"name": name, **given}))


def run(crucible: Crucible, file: Path, *options: object) -> Outcome:
    return crucible("run", file, "--anyway", *URL, "--json", *options)


def points_of(name: str) -> list[dict[str, Any]]:
    """With what its trials were begun, by number."""
    with closing(Trials("sqlite:///all.db", name)) as trials:
        return [trial.attributes.get("fixed_params", {}) for trial in trials.read()]


def best_of(outcome: Outcome) -> list[dict[str, Any]]:
    """Distinct trials, by their mean over the search slices; of equals the earlier."""
    rows = [row for row in json.loads(outcome.out) if row["kind"] == "trial"]
    score = {row["trial"]: sum(part["mean"] for part in row["search"].values()) for row in rows}
    rows.sort(key=lambda row: (-score[row["trial"]], row["trial"]))
    first = {row["digest"]: row for row in reversed(rows)}
    return [row for row in rows if first[row["digest"]] is row]


def test_starting_points_are_laid_down_once(crucible: Crucible, monkeypatch: pytest.MonkeyPatch) -> None:
    file = study("a", trials=2)
    assert run(crucible, file).code == 0
    began = points_of("a")
    space = open_workshop(load_study(file)).space
    assert began == starting_points(space, 2)
    others = [{**began[0], "weight.outer.math": 0.77}]
    monkeypatch.setattr(beginning, "starting_points", lambda space, trials: others)
    assert run(crucible, file, "--trials", 3).code == 0
    assert points_of("a") == began, "a later version has others: the study goes on with its own"


def test_a_fifth_of_the_budget_may_be_starting_points() -> None:
    space = open_workshop(load_study(study("a"))).space
    usual = starting_points(space)
    assert starting_points(space, 20) == usual
    more = starting_points(space, 60)
    assert (more[: len(usual)], len(more)) == (usual, 12)
    further = more[len(usual) :]
    told = [{point[name] for name in point if name.startswith("weight")} for point in further]
    assert told == [{1 / 3}, {0.2}, {0.5}, {1.0}, {0.0, 1.0}]
    assert all(point["density.outer.math"] == 1.0 for point in further), "nothing is trimmed"


def test_a_warm_start_begins_with_the_best_of_the_other_study(crucible: Crucible) -> None:
    found = best_of(run(crucible, study("coarse", trials=8)))[:5]
    finer = study("finer", search_space=FINER)
    assert run(crucible, finer, "--warm-start", "coarse").code == 0
    given = points_of("finer")
    space = open_workshop(load_study(finer)).space
    for row, point in zip(found, given, strict=False):
        with StudyStore("sqlite:///all.db") as store:
            recipe = store.recipe(row["digest"])
        weight = recipe.parameters_for("model.layers.2.mlp.up_proj.weight", 2).weight
        assert point["method"] == "ties"
        assert [point[f"weight.layer2.mlp.{name}"] for name in space.expert_names] == [
            pytest.approx(min(number, 0.9)) for number in weight
        ]
    assert given[5:] == starting_points(space, 4), "then come its own"
    with closing(Trials("sqlite:///all.db", "finer")) as trials:
        trials_of = [row["trial"] for row in found]
        assert trials.study_attributes()["warm_start"] == {"study": "coarse", "trials": trials_of}


def test_a_study_that_began_warm_goes_on_without_the_option(crucible: Crucible) -> None:
    other = study("other", trials=6)
    assert run(crucible, other).code == 0
    whole, cut = study("whole", trials=8), study("cut", trials=8)
    assert run(crucible, whole, "--warm-start", "other").code == 0
    assert run(crucible, cut, "--warm-start", "other", "--trials", 3).code == 0
    assert run(crucible, other, "--trials", 9).code == 0, "what the other finds later changes nothing"
    assert run(crucible, cut).code == 0
    assert points_of("cut") == points_of("whole")
    assert run(crucible, cut, "--warm-start", "other").code == 0, "saying it again is no mistake"


def refusal(outcome: Outcome) -> str:
    assert outcome.code == 2, outcome
    (line,) = outcome.err.strip().splitlines()
    return line


def test_what_a_warm_start_cannot_begin_with_is_said_in_one_line(crucible: Crucible) -> None:
    assert run(crucible, study("other", trials=2)).code == 0
    assert run(crucible, study("begun", trials=2)).code == 0
    new = study("new")
    assert "has no study 'othr': did you mean other?" in refusal(run(crucible, new, "--warm-start", "othr"))
    assert "cannot begin with its own trials" in refusal(run(crucible, new, "--warm-start", "new"))
    begun = refusal(run(crucible, Path("begun/study.yaml"), "--warm-start", "other"))
    assert "--warm-start other: study 'begun' has begun already, without a warm start; leave the" in begun
    fewer = study("fewer", experts=["./gsm8k", "./math"])
    assert "none of this study's; name a study over the same models" in refusal(
        run(crucible, fewer, "--warm-start", "other")
    )
    sce = study("sce", search_space={"methods": ["sce"], "select_topk": [0.1, 1.0]})
    said = refusal(run(crucible, sce, "--warm-start", "other"))
    assert "none of its trials lies in this search space, whose method is sce" in said
    with StudyStore("sqlite:///all.db") as store:
        store.begin("empty", {})
    assert "no trial of it was measured yet" in refusal(run(crucible, new, "--warm-start", "empty"))
    assert run(crucible, new, "--warm-start", "other").code == 0, "no refusal leaves a trace"


def test_workers_begin_warm_together(crucible: Crucible) -> None:
    assert run(crucible, study("other", trials=6)).code == 0
    file = study("several", trials=6)
    assert run(crucible, file, "--warm-start", "other", "--workers", 2).code == 0
    with closing(Trials("sqlite:///all.db", "several")) as trials:
        assert trials.study_attributes()["warm_start"]["study"] == "other"
        assert len(trials.read()) >= 6


def test_models_may_have_moved_since(crucible: Crucible) -> None:
    assert run(crucible, study("other", trials=2)).code == 0
    for name in MODELS:
        shutil.copytree(TINY / name, Path("elsewhere", name))
    given = small_study(2, 4, name="moved", engine=FAKE, search_space=SPACE)
    assert run(crucible, write_study(Path("elsewhere"), given), "--warm-start", "other").code == 0


def test_a_ledger_is_opened_without_starting_points_of_its_own(crucible: Crucible) -> None:
    file = study("a", trials=1)
    assert run(crucible, file).code == 0
    spec = load_study(file)
    space = open_workshop(spec).space
    with closing(open_ledger("a", "sqlite:///all.db", spec.sampler, space.distributions, ())) as book:
        assert book.standing().counts["WAITING"] == len(starting_points(space)) - 1
