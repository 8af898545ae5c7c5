"""Studies that the fake engine answers at once, and what is left of them in a database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import optuna
import yaml
from sqlalchemy import text

from studies.store import StudyStore
from studies.store.connect import reading
from studies.verdicts.leaderboard import build_leaderboard

TINY = Path(__file__).parents[2] / "examples" / "tiny"
NAME = "faults"
BASELINES = 5
SEARCH, HOLDOUT = 12, 16
"""Items of each of the two slices."""
IN_FLIGHT = 2 * 4 * max(SEARCH, HOLDOUT)
"""Questions that a process may have answered and not kept: two batches, each item with its four choices."""
EVIDENCE = """
    SELECT e.subject_digest, e.slice_digest, e.item, e.correct, e.extracted, e.logprob, e.prompt_hash, o.text
    FROM crucible_evidence e JOIN crucible_outputs o ON o.hash = e.output_hash
"""


def write_study(
    folder: Path, trials: int, sampler: str = "tpe", seconds: float = 0.0, search: int = SEARCH, **more: Any
) -> Path:
    """A study of the tiny experts on two slices of sums; the engine sleeps so long before each batch.

    `racing` is a section of its own, all `more` else are of the budget.
    """
    folder.mkdir(parents=True, exist_ok=True)
    each = max(40, search + HOLDOUT)
    items = sums(2 * each)
    for name, own in (("one", items[:each]), ("two", items[each:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(item) + "\n" for item in own))
    part = {"task": "arc_easy", "num_fewshot": 0, "search": search, "holdout": HOLDOUT}
    racing = {"racing": more.pop("racing")} if "racing" in more else {}
    study = {
        "name": NAME,
        "base_model": str(TINY / "base"),
        "experts": [str(TINY / name) for name in ("gsm8k", "math", "code")],
        "search_space": {"methods": ["ties"], "layer_groups": 2, "weight": [0.1, 1.0], "density": [0.2, 0.9]},
        "slices": [{"name": name, "data": f"{name}.jsonl", **part} for name in ("one", "two")],
        "sampler": {"name": sampler, "seed": 3},
        "engine": {"name": "fake", "seconds": seconds, "max_tokens": 8},
        "budget": {"trials": trials, "finalists": 2, **more},
        **racing,
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study, sort_keys=False))
    return path


def sums(count: int) -> list[dict[str, Any]]:
    """Questions with four choices, one of them said to be right."""
    draw = Random(0)
    return [
        {
            "id": str(n),
            "question": f"What is {n // 11} + {n % 11}?",
            "choices": {"text": [str(each) for each in draw.sample(range(40), 4)], "label": list("ABCD")},
            "answerKey": draw.choice("ABCD"),
        }
        for n in range(count)
    ]


@dataclass(frozen=True)
class Left:
    """What a study has left in its database."""

    state: tuple[str, str | None]
    candidates: dict[tuple[str, str], tuple[int | None, str, str]]
    """By kind and name: trial, recipe, state."""
    evidence: dict[tuple[str, str, int], tuple[Any, ...]]
    """By subject, slice and item: what was said and what it was worth, less what the clock adds."""
    proposals: dict[int, tuple[str, float | None, dict[str, Any]]]
    """By number: Optuna's state, value and parameters."""
    leaderboard: list[dict[str, Any]]


def left_in(storage: str) -> Left:
    """Read all of it."""
    with StudyStore(storage, create=False) as store:
        (summary,) = store.studies()
        found = store.candidates(store.study(NAME))
        with reading(store.engine) as connection:
            rows = [tuple(row) for row in connection.execute(text(EVIDENCE))]
        leaderboard = [row.to_json() for row in build_leaderboard(store, NAME)]
    evidence = {row[:3]: row[3:] for row in rows}
    assert len(evidence) == len(rows), "an item's verdict is there once"
    candidates = {(each.kind, each.name): (each.trial, each.digest, each.state) for each in found}
    assert len(candidates) == len(found), "a candidate is there once"
    return Left((summary.state, summary.reason), candidates, evidence, proposals(storage), leaderboard)


def proposals(storage: str) -> dict[int, tuple[str, float | None, dict[str, Any]]]:
    """The study's trials, as Optuna itself reads them."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    opened = optuna.storages.RDBStorage(storage)
    trials = optuna.load_study(study_name=NAME, storage=opened).get_trials(deepcopy=False)
    opened.remove_session()
    opened.engine.dispose()
    return {
        trial.number: (trial.state.name, None if trial.values is None else trial.value, trial.params)
        for trial in trials
    }


def unfinished_business(storage: str) -> list[str]:
    """What workers that ended should have left to nobody: holds, and workers that are said to be at work."""
    with StudyStore(storage, create=False) as store, reading(store.engine) as connection:
        held = connection.execute(text("SELECT stage, name, worker_id FROM crucible_holds")).all()
        working = connection.execute(text("SELECT id FROM crucible_workers WHERE state = 'working'")).all()
    return [*map(str, held), *map(str, working)]
