"""Makes a finished study as large as they come: 2,000 trials × 200 parameters × 900 search items.

python -m benchmarks.big_study OUT.db [--trials 2000] [--items 300]

Its rows lie in the tables of the store and of Optuna, as a search would have written them, only that nobody
answered: verdicts and texts are drawn from a fixed seed. What shows studies is measured on it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import distribution_to_json
from sqlalchemy import Connection, func, select, update

from benchmarks.big.landscape import answered
from benchmarks.big.plan import BEGAN, FAILED_EVERY, SPLITS, WORKERS, Plan, Slot
from benchmarks.samples import say
from merging.recipe import Recipe
from search.proposals.baselines import baselines
from search.proposals.ledger import RECIPE, open_ledger
from studies.store import StudyStore
from studies.store.connect import writing
from studies.store.evidence import evidence_rows, output_rows
from studies.store.queries import insert_new
from studies.store.rows import CandidateKind, Split
from studies.store.schema import candidates, evidence, outputs, studies, subjects, workers
from studies.store.subjects import recipe_row
from studies.trials.rows import Drawn, insert_params, set_attributes, value_rows
from studies.trials.tables import intermediate_values, optuna_studies, trials, user_attributes, values

SKILLS = {"base": -0.3, "uniform": 0.2, "expert": -0.1}
"""Of who is no merge that was searched for, and an expert's is half a logit more on one slice."""
_AT_ONCE = 20
"""Trials a transaction."""


@dataclass(frozen=True)
class Entry:
    """A candidate with how good it is on each slice."""

    kind: CandidateKind
    name: str
    recipe: Recipe
    skills: Sequence[float]
    slot: Slot
    """Baselines have one too, with a number below 0."""


@dataclass
class Maker:
    """Fills one database."""

    plan: Plan
    store: StudyStore
    study: int

    def fill(self) -> None:
        """Write everything."""
        with writing(self.store.engine) as connection:
            for book in self.plan.books.values():
                connection.execute(insert_new(connection, outputs), output_rows(book.everything()))
        asked = list(self._baselines())
        with writing(self.store.engine) as connection:
            for entry in asked:
                self._enter(connection, entry)
        scores: dict[float, Entry] = {}
        for entries in _chunks(self._trials()):
            with writing(self.store.engine) as connection:
                for entry, drawn in entries:
                    if (score := self._trial(connection, entry, drawn)) is not None:
                        scores.setdefault(score, entry)
        best = [scores[each] for each in sorted(scores, reverse=True)[: self.plan.spec.budget.finalists]]
        with writing(self.store.engine) as connection:
            for entry in (*asked, *best):
                self._ask(connection, entry, "holdout")
            self._end(connection)

    def _baselines(self) -> Iterator[Entry]:
        for i, each in enumerate(baselines(self.plan.space)):
            skills = [SKILLS[each.kind] + 0.5 * (each.kind == "expert" and i == s + 2) for s in range(3)]
            start = BEGAN + timedelta(seconds=30 * i)
            yield Entry(each.kind, each.name, each.recipe, skills, Slot(-1 - i, start, start))

    def _trials(self) -> Iterator[tuple[Entry, Drawn]]:
        space, points = self.plan.space, self.plan.landscape.wander(self.plan.trials)
        skills = self.plan.landscape.skills(points)
        ranges = [(each.low, each.high) for each in space.distributions.values()]
        written = [distribution_to_json(each) for each in space.distributions.values()]
        low, high = np.array(ranges).T
        for slot, point, skill in zip(self.plan.slots(), points, skills, strict=True):
            numbers = dict(zip(space.distributions, (low + point * (high - low)).tolist(), strict=True))
            drawn = dict(zip(numbers, zip(numbers.values(), written, strict=True), strict=True))
            yield Entry("trial", f"trial {slot.number}", space.decode(numbers), skill.tolist(), slot), drawn

    def _trial(self, connection: Connection, entry: Entry, drawn: Drawn) -> float | None:
        """Write a trial, as Optuna has it and as the store has; returns its score if it has one."""
        slot, estimate = entry.slot, self._enter(connection, entry)
        state = "FAIL" if slot.failed else "PRUNED" if slot.pruned else "COMPLETE"
        times = {"datetime_start": slot.start, "datetime_complete": slot.end}
        owner = select(optuna_studies.c.study_id).where(optuna_studies.c.study_name == self.plan.spec.name)
        row = {"number": slot.number, "state": state, **times}
        added = connection.execute(trials.insert().values(study_id=owner.scalar_subquery(), **row))
        trial = int(added.inserted_primary_key[0])  # type: ignore[index]
        insert_params(connection, trial, drawn)
        set_attributes(connection, user_attributes, {"trial_id": trial}, {RECIPE: entry.recipe.digest})
        if estimate is None:
            return None
        connection.execute(values.insert(), value_rows(trial, [estimate]))
        if slot.pruned:
            said = {
                "step": self.plan.items,
                "intermediate_value": estimate,
                "intermediate_value_type": "FINITE",
            }
            connection.execute(intermediate_values.insert(), {"trial_id": trial, **said})
        return None if slot.pruned else estimate

    def _enter(self, connection: Connection, entry: Entry) -> float | None:
        """Write a candidate and its answers to search items; returns its score, or what it would be."""
        slot = entry.slot
        state, reason, failure = _end_of(slot, self.plan.items)
        connection.execute(insert_new(connection, subjects), recipe_row(entry.recipe))
        row: dict[str, Any] = {
            "study_id": self.study,
            "kind": entry.kind,
            "name": entry.name,
            "digest": entry.recipe.digest,
        }
        row |= {"trial": slot.number if slot.number >= 0 else None, "created_at": slot.start}
        ended = {"state": state, "reason": reason, "failure": failure, "updated_at": slot.end}
        connection.execute(candidates.insert(), {**row, **ended})
        return None if slot.failed else self._ask(connection, entry, "search")

    def _ask(self, connection: Connection, entry: Entry, split: Split) -> float:
        """Write what a candidate answers; returns the mean over slices."""
        means, parts = [], [part for part in self.plan.slices if part.split == split]
        grounds = self.plan.landscape.difficulties(self.plan.items, SPLITS.index(split))
        for i, part in enumerate(parts):
            seed = [i, SPLITS.index(split), entry.slot.number + 100]
            right: NDArray[np.bool_] = answered(entry.skills[i], grounds[i], seed)
            asked = max(1, part.n // 3) if entry.slot.pruned else part.n
            results = self.plan.books[part.digest].results(right, seed, asked)
            rows = evidence_rows(entry.recipe.digest, part.digest, results, entry.slot.end)
            connection.execute(evidence.insert(), rows)
            means.append(fmean(map(bool, right[:asked])))
        return fmean(means)

    def _end(self, connection: Connection) -> None:
        last = connection.execute(select(func.max(candidates.c.updated_at))).scalar_one()
        end = last + timedelta(minutes=10)
        ended = {"state": "complete", "created_at": BEGAN, "updated_at": end}
        connection.execute(update(studies).where(studies.c.id == self.study).values(ended))
        hours = (end - BEGAN).total_seconds()
        for i in range(WORKERS):
            stats = {
                "tokens": int(hours * 900),
                "busy_s": 0.8 * hours,
                "alive_s": hours,
                "answers": int(hours * 9),
            }
            row = {
                "id": f"{i:032x}",
                "study_id": self.study,
                "host": f"gpu-{i}",
                "boot": "boot",
                "pid": 4000 + i,
            }
            row |= {"started": "0", "place": {"gpus": ["0"]}, "beats": 9000, "state": "ended", "stats": stats}
            connection.execute(workers.insert(), {**row, "joined_at": BEGAN, "updated_at": end})


def _end_of(slot: Slot, items: int) -> tuple[str, str | None, str | None]:
    """State, reason and kind of failure."""
    if slot.failed and slot.number // FAILED_EVERY % 2:
        return (
            "failed",
            "model.layers.7.mlp.up_proj.weight: 3 of 4358144 merged numbers are NaN",
            "not finite",
        )
    if slot.failed:
        return "failed", "CUDA out of memory. Tried to allocate 2.90 GiB", "out of memory"
    if slot.pruned:
        return "pruned", f"stopped after {items} of {3 * items} items: very unlikely to beat the best", None
    return "complete", None, None


def _chunks(entries: Iterator[Any]) -> Iterator[list[Any]]:
    """So many entries at a time; says now and then how far it is."""
    done = 0
    while chunk := [entry for _, entry in zip(range(_AT_ONCE), entries, strict=False)]:
        yield chunk
        done += len(chunk)
        if done % 200 == 0:
            say(f"{done} trials")


def make(out: Path, trials: int = 2000, items: int = 300) -> None:
    """Write the database; what is there takes its place only once it is whole."""
    part = out.with_name(f".{out.name}.part")
    for each in (part, *_beside(part)):
        each.unlink(missing_ok=True)
    plan, url = Plan(trials, items), f"sqlite:///{part}"
    with StudyStore(url) as store:
        study = store.begin(plan.spec.name, plan.identity)
        store.add_slices(study, plan.slices)
        spec = plan.spec
        open_ledger(spec.name, url, spec.sampler, plan.space.distributions, [], budget=trials).close()
        Maker(plan, store, study).fill()
    os.replace(part, out)


def _beside(file: Path) -> Sequence[Path]:
    """What SQLite keeps beside a file while it is open."""
    return [file.with_name(f"{file.name}-{end}") for end in ("wal", "shm")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the study that the command line describes."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.big_study", description=__doc__.splitlines()[0]
    )
    parser.add_argument("out", type=Path, metavar="OUT.db", help="the SQLite file to write (about 600 MB)")
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--items", type=int, default=300, help="of each slice, to steer and to judge (300)")
    given: Mapping[str, Any] = vars(parser.parse_args(arguments))
    make(**given)


if __name__ == "__main__":
    main()
