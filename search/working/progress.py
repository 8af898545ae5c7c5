"""A study's progress as anybody can read it from the database, in the steps that a display shows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import fmean

from search.showing.step import Step
from studies.errors import StudyNotFound
from studies.store import StudyStore
from studies.store.rows import Candidate, Split
from studies.verdicts.scores import slice_scores


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
            scores = self._scores(study, [row.digest for row in new], "search")
            begin = len(ended) - len(new)
            for done, row in enumerate(new, begin + 1):
                failed = row.state == "failed"
                score = None if failed else scores.get(row.digest)
                step = Step(stage, done, total, row.name, score, row.reason if failed else None)
                steps.append(replace(step, failure=row.failure))
        return steps

    def _verdicts(self, study: int, rows: list[Candidate]) -> list[Step]:
        """Whoever has answered all holdout items by now."""
        baselines = [row for row in rows if row.kind != "trial"]
        asked = rows if self._is_judging(study) else baselines
        left = [row for row in asked if row.state == "complete" and (row.kind, row.name) not in self._judged]
        scores = self._scores(study, [row.digest for row in left], "holdout")
        total = len(baselines) + min(self.finalists, self.trials)
        steps = []
        for row in left:
            if row.digest in scores:
                self._judged.add((row.kind, row.name))
                steps.append(Step("holdout", len(self._judged), total, row.name, scores[row.digest]))
        return steps

    def _is_judging(self, study: int) -> bool:
        (state,) = (each.state for each in self.store.studies() if each.id == study)
        self.complete = state == "complete"
        return state in ("judging", "complete")

    def _scores(self, study: int, digests: list[str], split: Split) -> dict[str, float]:
        """Of those that have answered all: the mean over slices."""
        if not digests:
            return {}
        parts = [part for part in self.store.slices(study) if part.split == split]
        found = [(slice_scores(self.store, digests, part.digest, part.scoring), part.n) for part in parts]
        return {
            digest: fmean(scores[digest].mean for scores, _ in found)
            for digest in digests
            if all(digest in scores and scores[digest].n >= n for scores, n in found)
        }
