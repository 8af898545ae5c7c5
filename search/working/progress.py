"""A study's progress as anybody can read it from the database, in the steps that a display shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import nan
from statistics import fmean

from search.showing.step import Step
from studies.errors import StudyNotFound
from studies.store import StudyStore
from studies.store.rows import Candidate
from studies.trials import estimates_of
from studies.verdicts.savings import spared
from studies.verdicts.scores import slice_scores
from studies.verdicts.steering import search_scores


@dataclass
class Progress:
    """What came of a study since the last look; everything its workers do, wherever they are."""

    store: StudyStore
    name: str
    trials: int
    finalists: int
    complete: bool = False
    """Whether the study was, at the last look."""
    _entered: set[tuple[str, str]] = field(default_factory=set)
    _judged: set[tuple[str, str]] = field(default_factory=set)
    _first: bool = True

    def look(self) -> list[Step]:
        """The candidates done since the last look; of trials that were done before the first, none."""
        try:
            study = self.store.study(self.name)
        except StudyNotFound:
            return []
        rows = self.store.candidates(study)
        steps = [*self._new(study, rows), *self._verdicts(study, rows)]
        self._first = False
        return steps

    def _new(self, study: int, rows: list[Candidate]) -> list[Step]:
        steps = []
        for stage in ("baselines", "trials"):
            own = [row for row in rows if (row.kind == "trial") == (stage == "trials")]
            ended = [row for row in own if row.state != "running"]
            new = [row for row in ended if (row.kind, row.name) not in self._entered]
            self._entered |= {(row.kind, row.name) for row in new}
            if stage == "trials" and self._first:
                continue
            total = self.trials if stage == "trials" else max(len(own), len(self._entered))
            scores = search_scores(self.store, study, [row.digest for row in new])
            begin = len(ended) - len(new)
            for done, row in enumerate(new, begin + 1):
                score = scores.get(row.digest, nan) if row.state == "complete" else None
                step = Step(stage, done, total, row.name, score, row.reason, failure=row.failure)
                steps.append(self._raced(study, row, step))
        return steps

    def _raced(self, study: int, row: Candidate, step: Step) -> Step:
        """The step of a trial with what it was spared."""
        if row.kind != "trial" or row.state == "failed" or not self._races(study):
            return step
        items, left = spared(self.store, study, row)
        if row.state != "pruned" or row.trial is None:
            return replace(step, items=items, left=left)
        estimate = estimates_of(self.store.engine, self.name).get(row.trial)
        return replace(step, pruned=True, estimate=estimate, items=items, left=left)

    def _races(self, study: int) -> bool:
        said = self.store.identity(study).get("study")
        return isinstance(said, Mapping) and "racing" in said

    def _verdicts(self, study: int, rows: list[Candidate]) -> list[Step]:
        """Whoever has answered all holdout items by now, and at the end those that were dropped before."""
        baselines, state = [row for row in rows if row.kind != "trial"], self._state(study)
        asked = rows if state in ("judging", "complete") else baselines
        left = [row for row in asked if row.state == "complete" and (row.kind, row.name) not in self._judged]
        scores = self._judged_scores(study, [row.digest for row in left])
        total = len(baselines) + min(self.finalists, self.trials)
        steps = []
        for row in left:
            if row.digest in scores:
                self._judged.add((row.kind, row.name))
                steps.append(Step("holdout", len(self._judged), total, row.name, scores[row.digest]))
        return [*steps, *(self._dropped(study, left, total) if state == "complete" else [])]

    def _dropped(self, study: int, left: list[Candidate], total: int) -> list[Step]:
        """Of finalists, those that were asked some of the holdout items only."""
        partly = self._found(study, [row.digest for row in left])
        steps = []
        for row in left:
            if row.digest in partly and (row.kind, row.name) not in self._judged:
                self._judged.add((row.kind, row.name))
                mean, asked, _ = partly[row.digest]
                done = len(self._judged)
                steps.append(Step("holdout", done, total, row.name, mean, dropped_after=asked))
        return steps

    def _state(self, study: int) -> str:
        (state,) = (each.state for each in self.store.studies() if each.id == study)
        self.complete = state == "complete"
        return state

    def _judged_scores(self, study: int, digests: list[str]) -> dict[str, float]:
        """Of those that have answered all holdout items: the mean over slices."""
        found = self._found(study, digests)
        return {digest: mean for digest, (mean, asked, n) in found.items() if asked >= n}

    def _found(self, study: int, digests: list[str]) -> dict[str, tuple[float, int, int]]:
        """Of those asked holdout items of every slice: the mean over slices, the answers, and the items."""
        if not digests:
            return {}
        parts = [part for part in self.store.slices(study) if part.split == "holdout"]
        scores = [slice_scores(self.store, digests, part.digest, part.scoring) for part in parts]
        n = sum(part.n for part in parts)
        return {
            digest: (fmean(each[digest].mean for each in scores), sum(each[digest].n for each in scores), n)
            for digest in digests
            if all(digest in each for each in scores)
        }
