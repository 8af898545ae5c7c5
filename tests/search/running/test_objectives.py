"""A study of several objectives from file to export: what samplers are told, who is judged, what is shown."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from evaluators.benchmarks.slices import Item, Slice
from evaluators.score import Accuracy, MeanLogprob, wilson
from search.errors import SpecError
from search.running.outlook import faint_slices
from search.running.workshop import open_workshop, steering
from search.showing.display import Display
from search.study_file.spec import load_study
from search.working.run import run_study
from tests.search.conftest import Finished, Outcome, small_study, write_study

Crucible = Callable[..., Outcome]
TRIALS, FINALISTS = 9, 2
OBJECTIVE = [{"gold_logprob": {"math": 1}}, {"mean": {"gsm8k": 1, "code": 2}}, "tokens"]
NAMES = ["gold_logprob(math 1)", "mean(gsm8k 1, code 2)", "tokens"]
UP = (True, True, False)
TOLD = "select number, objective, value from trials join trial_values using (trial_id) order by 1, 2"


@dataclass(frozen=True)
class Several(Finished):
    """A finished study, what its display said, and its leaderboard by name."""

    said: str
    rows: Mapping[str, dict[str, Any]]

    def values(self, name: str) -> tuple[float, ...]:
        found = self.rows[name]["objectives"]
        return tuple(found[goal]["search"]["value"] for goal in NAMES)


def begin(folder: Path, **changes: object) -> Path:
    budget = {"trials": TRIALS, "finalists": FINALISTS}
    study = small_study(items=4, engine={"name": "fake", "max_tokens": 48}, budget=budget)
    return write_study(folder, {**study, **changes})


def run(file: Path, trials: int | None = None) -> Several:
    storage, said = f"sqlite:///{file.parent / 'crucible.db'}", StringIO()
    spec = load_study(file)
    rows = run_study(spec, storage, Display(Console(file=said, width=200), spec.objective), trials=trials)
    found = json.loads(json.dumps([row.to_json() for row in rows], allow_nan=False))
    return Several(file, storage, said.getvalue(), {row["name"]: row for row in found})


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Several:
    """Three objectives, by NSGA-II."""
    folder = tmp_path_factory.mktemp("several")
    return run(begin(folder, objective=OBJECTIVE, sampler={"name": "nsga2", "seed": 3}))


def undominated(points: Mapping[str, tuple[float, ...]]) -> set[str]:
    """Brute force: whom nobody else beats."""

    def beats(a: str, b: str) -> bool:
        pairs = [(x, y) if up else (-x, -y) for x, y, up in zip(points[a], points[b], UP, strict=True)]
        return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)

    return {name for name in points if not any(beats(other, name) for other in points)}


def test_samplers_are_told_each_objective_and_which_way_is_better(several: Several) -> None:
    with sqlite3.connect(several.folder / "crucible.db") as database:
        told = database.execute(TOLD).fetchall()
        ways = database.execute("select direction from study_directions order by objective").fetchall()
    assert [way for (way,) in ways] == ["MAXIMIZE", "MAXIMIZE", "MINIMIZE"]
    expected = {(n, i): value for n in range(TRIALS) for i, value in enumerate(several.values(f"trial {n}"))}
    assert {(number, objective): value for number, objective, value in told} == pytest.approx(expected)


def test_one_slice_may_be_scored_by_gold_answers_and_another_by_accuracy(several: Several) -> None:
    row = several.rows["base"]
    assert row["search"]["math"]["of"] == "gold_logprob"
    assert "of" not in row["search"]["gsm8k"]
    found = row["objectives"]
    assert found[NAMES[0]]["search"]["value"] == row["search"]["math"]["mean"] < 0
    assert "low" in found[NAMES[1]]["search"]
    assert found["tokens"]["search"]["n"] == 2 * 4, "no answer is given where the gold one is read"
    assert found["tokens"]["holdout"]["n"] == 3 * 8
    assert found[NAMES[0]]["holdout"]["value"] == row["holdout"]["math"]["mean"], "and accuracy confirms it"


def test_trials_of_the_front_are_judged(several: Several) -> None:
    trials = {name: several.values(name) for name, row in several.rows.items() if row["kind"] == "trial"}
    assert len(trials) == TRIALS
    judged = {name for name in trials if several.rows[name]["holdout_mean"] is not None}
    front = undominated(trials)
    assert judged <= front
    assert len(judged) == min(FINALISTS, len(front))


def test_the_leaderboard_says_who_is_on_the_front(several: Several) -> None:
    everybody = {name: several.values(name) for name in several.rows}
    told = {name for name, row in several.rows.items() if row["front"]["search"]}
    assert told == undominated(everybody)
    judged = {
        name: tuple(row["objectives"][goal]["holdout"]["value"] for goal in NAMES)
        for name, row in several.rows.items()
        if row["holdout_mean"] is not None
    }
    assert {name for name in judged if several.rows[name]["front"]["holdout"]} == undominated(judged)
    assert all(several.rows[name]["front"]["holdout"] is None for name in several.rows.keys() - judged.keys())


def test_progress_has_every_value_and_the_size_of_the_front(several: Several) -> None:
    lines = [line for line in several.said.splitlines() if line.startswith(("baselines", "search"))]
    assert len(lines) == 5 + TRIALS
    assert "best" not in several.said
    everybody = {name: several.values(name) for name in several.rows}
    for line, size in zip(lines[-1:], [len(set(undominated(everybody)))], strict=True):
        assert f"front of {size} " in line
    (first,) = (line for line in lines if " trial 0 " in line)
    gold, mean, tokens = several.values("trial 0")
    assert f"{NAMES[0]} {gold:.4f}, {NAMES[1]} {100 * mean:.1f}, tokens {tokens:.1f}" in first
    judged = [line for line in several.said.splitlines() if line.startswith("holdout")]
    assert all(NAMES[0] not in line for line in judged)


def test_a_person_reads_the_front_too(several: Several, crucible: Crucible) -> None:
    out = crucible("leaderboard", "tiny", "--storage", several.storage).out
    assert "tiny: objectives on 24 holdout items" in out
    (head,) = (line for line in out.splitlines() if "candidate" in line and "front" in line)
    assert all(name in head for name in NAMES)
    assert "the Pareto front of what was measured" in out
    assert "(gold_logprob(math 1), mean(gsm8k 1, code 2), tokens)" in crucible("check", several.file).out


def test_a_finished_study_is_not_measured_again(several: Several, crucible: Crucible) -> None:
    again = crucible("run", several.file, "--storage", several.storage, "--json")
    assert {row["name"]: row for row in json.loads(again.out)} == several.rows
    assert not [line for line in again.err.splitlines() if line.startswith("search")]
    hint = crucible("run", several.file, "--storage", several.storage).out
    assert "Next: crucible export tiny --trial N --out DIR" in hint


def test_nobody_is_best_in_all_so_an_export_names_its_point(
    several: Several, crucible: Crucible, tmp_path: Path
) -> None:
    def export(*options: object) -> Outcome:
        where = ("--storage", several.storage, "--format", "recipe")
        return crucible("export", "tiny", "--out", tmp_path / "out", *where, *options)

    refused = export()
    assert refused.code == 2
    assert "study 'tiny' has several objectives, and nobody is best in all; name whom to take" in refused.err
    front = [name for name, row in several.rows.items() if row["front"]["holdout"]]
    for name in front:
        option = f"--trial {name.split()[1]}" if name.startswith("trial") else f"--candidate {name}"
        assert option in refused.err
    taken = export("--trial", TRIALS - 1)
    assert taken.code == 0, taken.err
    made = yaml.safe_load((tmp_path / "out" / "recipe.yaml").read_text())
    assert made["method"] == "ties"


def test_a_baseline_on_the_front_is_exported_by_its_name(
    several: Several, crucible: Crucible, tmp_path: Path
) -> None:
    def export(*options: object) -> Outcome:
        return crucible("export", "tiny", "--out", tmp_path / "out", "--storage", several.storage, *options)

    assert "--trial and --candidate both name" in export("--trial", 1, "--candidate", "math").err
    unknown = export("--candidate", "maths")
    assert unknown.code == 2
    assert "has no candidate 'maths' that was measured; it has" in unknown.err
    assert "did you mean 'math'?" in unknown.err
    done = export("--candidate", "math", "--format", "recipe")
    assert done.code == 0, done.err
    assert f"math ({several.rows['math']['digest'][:12]})" in done.out


def test_the_worst_slice_is_shown_once_it_can_be_known(tmp_path: Path, crucible: Crucible) -> None:
    budget = {"trials": 2, "finalists": 1}
    done = run(begin(tmp_path, objective="worst_slice", budget=budget))
    lines = [line for line in done.said.splitlines() if line.startswith("baselines")]
    assert [line.split()[3] for line in lines][:3] == ["-"] * 3, "before all experts have answered"
    assert all(float(line.split()[3]) > 0 for line in lines[3:])
    found = done.rows["trial 0"]["objectives"]["worst_slice"]["search"]
    assert set(found) == {"value", "n", "low", "high", "slice"}
    with sqlite3.connect(done.folder / "crucible.db") as database:
        assert database.execute(TOLD).fetchone() == (0, 0, pytest.approx(found["value"]))
    assert (
        "worst_slice (% of the best expert) [95%]"
        in crucible("leaderboard", "tiny", "--storage", done.storage).out
    )


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_other_samplers_serve_several_objectives_and_go_on_where_they_were(
    tmp_path: Path, sampler: str
) -> None:
    changes: dict[str, Any] = {
        "objective": ["accuracy", "tokens"],
        "sampler": {"name": sampler},
        "budget": {"trials": 8, "finalists": 1},
    }
    whole = run(begin(tmp_path / "whole", **changes))
    run(begin(tmp_path / "halves", **changes), trials=6)
    halves = run(tmp_path / "halves" / "study.yaml")
    digests = [row["digest"] for row in whole.rows.values() if row["kind"] == "trial"]
    assert sorted(digests) == sorted(row["digest"] for row in halves.rows.values() if row["kind"] == "trial")


def test_experts_who_answer_hardly_anything_are_told_of_where_the_worst_slice_steers(tmp_path: Path) -> None:
    def scores(gsm8k: int, math: int) -> dict[str, dict[str, Accuracy | MeanLogprob]]:
        names = ("base", "gsm8k", "math", "code", "uniform")
        of = {"gsm8k": ("gsm8k", gsm8k), "math": ("math", math), "code": ("code", 60)}
        return {
            part: {name: wilson(right if name == best else 0, 64) for name in names}
            for part, (best, right) in of.items()
        }

    workshop = open_workshop(load_study(begin(tmp_path, objective="worst_slice")))
    nobody, few = faint_slices(workshop, scores(0, 5))
    assert nobody.startswith(
        "slice 'gsm8k': its best expert answers 0 of its 64 search items rightly (95% interval 0.0% to 5.7%);"
    )
    assert few.startswith(
        "slice 'math': its best expert answers 5 of its 64 search items rightly (95% interval 3.4%"
    )
    assert faint_slices(workshop, scores(12, 12)) == ()
    plain = open_workshop(load_study(begin(tmp_path, objective="accuracy")))
    assert faint_slices(plain, scores(0, 5)) == ()


def test_tokens_are_refused_where_no_answer_is_generated() -> None:
    part = Slice("quiz", "arc", "search", (Item(0, "a", {}, gold=" b"),), (), 8, "acc", scoring="choices")
    with pytest.raises(
        SpecError, match="objective: tokens are those of generated answers, and no slice has any"
    ):
        steering([part], ("accuracy", "tokens"))
