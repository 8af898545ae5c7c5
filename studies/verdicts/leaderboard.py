"""Ranks the candidates of a study, and says in words what the holdout items prove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from evaluators.score import Accuracy, MeanLogprob, wilson
from studies.store import StudyStore
from studies.store.rows import Candidate, CandidateKind, StudySlice
from studies.verdicts.paired import Difference, Verdicts, paired_difference, simultaneous_level
from studies.verdicts.scores import slice_scores

FOUND = ("trial", "fused")
KIND_ORDER = ("base", "expert", "uniform", *FOUND)


@dataclass(frozen=True)
class Row:
    """One candidate with all that is known of it; a dictionary is keyed by the slice's name."""

    name: str
    kind: CandidateKind
    trial: int | None
    digest: str
    search: Mapping[str, Accuracy | MeanLogprob]
    """The mean log-probability of gold answers in studies whose objective that is."""
    holdout: Mapping[str, Accuracy]
    holdout_mean: float | None
    """Unweighted mean over the holdout slices; None unless every item of each was asked."""
    vs_best_expert: Difference | None
    vs_uniform: Difference | None

    def to_json(self) -> dict[str, Any]:
        """The row as `crucible leaderboard --json` prints it; scores are fractions."""
        return {
            "name": self.name,
            "kind": self.kind,
            "trial": self.trial,
            "digest": self.digest,
            "search": {name: _score(score) for name, score in self.search.items()},
            "holdout": {name: asdict(score) for name, score in self.holdout.items()},
            "holdout_mean": self.holdout_mean,
            "vs_best_expert": _interval(self.vs_best_expert),
            "vs_uniform": _interval(self.vs_uniform),
        }


def build_leaderboard(store: StudyStore, study: str) -> list[Row]:
    """Ranks the complete candidates of a study: the judged by holdout mean, then the others by search mean.

    The intervals of all merges that the search found hold together at 95% (Bonferroni over them).
    Raises StudyNotFound.
    """
    key = store.study(study)
    complete = [candidate for candidate in store.candidates(key) if candidate.state == "complete"]
    slices = store.slices(key)
    holdout = _judge(store, complete, [part for part in slices if part.split == "holdout"])
    search = [part for part in slices if part.split == "search"]
    digests = [candidate.digest for candidate in complete]
    scores = {part.name: slice_scores(store, digests, part.digest, part.scoring) for part in search}
    asked = sum(part.n for part in search)
    rows = [_row(candidate, scores, holdout) for candidate in complete]
    return sorted(rows, key=lambda row: _rank(row, asked))


def conclusion(rows: Sequence[Row]) -> str:
    """Says in one or two sentences which merge is best, and what it is proven to be better than."""
    judged = [row for row in rows if row.holdout_mean is not None]
    if not judged:
        return "No candidate was judged on all holdout items yet."
    best = next((row for row in judged if row.kind in FOUND), None)
    if best is None:
        return f"No merge that the search found was judged yet; of the others {_scored(judged[0])} is best."
    if judged[0].kind not in FOUND:
        ranking = f"{_scored(judged[0])} is best, then {_scored(best)}"
        headline = f"Nothing that the search found beat the baselines: {ranking}."
    else:
        headline = f"{_scored(best)} is best{_proof(best)}."
    return f"{headline} {_gains(best)}".rstrip()


@dataclass(frozen=True)
class _Holdout:
    """Everyone who was asked every holdout item, by digest, and whom to compare them with."""

    verdicts: Mapping[str, Verdicts]
    best_expert: str | None
    uniform: str | None
    level: float

    def difference(self, digest: str, reference: str | None) -> Difference | None:
        if digest not in self.verdicts or reference is None:
            return None
        a, b = self.verdicts[digest], self.verdicts[reference]
        if digest == reference:  # one model, one set of answers: there is nothing to estimate
            return Difference(0.0, 0.0, 0.0, sum(map(len, a.values())))
        return paired_difference(a, b, self.level)


def _judge(store: StudyStore, candidates: Sequence[Candidate], slices: Sequence[StudySlice]) -> _Holdout:
    digests = [candidate.digest for candidate in candidates]
    answers = {part: store.verdicts(digests, part.digest) for part in slices}
    verdicts = {
        digest: {part.name: found[digest] for part, found in answers.items()}
        for digest in digests
        if slices and all(len(found[digest]) == part.n for part, found in answers.items())
    }
    judged = [candidate for candidate in candidates if candidate.digest in verdicts]
    experts = [each.digest for each in judged if each.kind == "expert"]
    uniform = [each.digest for each in judged if each.kind == "uniform"]
    found = {each.digest for each in judged if each.kind in FOUND}
    return _Holdout(
        verdicts,
        best_expert=max(experts, key=lambda digest: _mean(verdicts[digest]), default=None),
        uniform=next(iter(uniform), None),
        level=simultaneous_level(2 * max(1, len(found))),  # each is compared with two
    )


def _row(
    candidate: Candidate, scores: Mapping[str, Mapping[str, Accuracy | MeanLogprob]], holdout: _Holdout
) -> Row:
    digest = candidate.digest
    verdicts = holdout.verdicts.get(digest)
    return Row(
        name=candidate.name,
        kind=candidate.kind,
        trial=candidate.trial,
        digest=digest,
        search={name: found[digest] for name, found in scores.items() if digest in found},
        holdout={name: wilson(sum(items.values()), len(items)) for name, items in (verdicts or {}).items()},
        holdout_mean=None if verdicts is None else _mean(verdicts),
        vs_best_expert=holdout.difference(digest, holdout.best_expert),
        vs_uniform=holdout.difference(digest, holdout.uniform),
    )


def _mean(verdicts: Verdicts) -> float:
    return fmean(sum(items.values()) / len(items) for items in verdicts.values())


def _rank(row: Row, asked: int) -> tuple[Any, ...]:
    """Best first; a search mean over some of the items ranks after those over all."""
    answered = sum(score.n for score in row.search.values())
    mean = fmean(score.mean for score in row.search.values()) if row.search else 0.0
    judged = (0, -row.holdout_mean) if row.holdout_mean is not None else (1, 0.0)
    return (*judged, answered < asked, -mean, KIND_ORDER.index(row.kind), row.trial or 0, row.name)


def _score(score: Accuracy | MeanLogprob) -> dict[str, Any]:
    found: dict[str, Any] = {"mean": score.mean, "n": score.n}
    return {**found, "of": "gold_logprob"} if isinstance(score, MeanLogprob) else found


def _interval(difference: Difference | None) -> dict[str, float] | None:
    if difference is None:
        return None
    return {"mean": difference.mean, "low": difference.low, "high": difference.high}


def _scored(row: Row) -> str:
    return f"{row.name} ({100 * (row.holdout_mean or 0):.1f}% of holdout items)"


def _comparisons(row: Row) -> dict[str, Difference]:
    gains = {"the best expert": row.vs_best_expert, "the uniform merge": row.vs_uniform}
    return {name: gain for name, gain in gains.items() if gain is not None}


def _proof(best: Row) -> str:
    gains = _comparisons(best)
    proven = [name for name, gain in gains.items() if gain.low > 0]
    unproven = [name for name in gains if name not in proven]
    better = f", proven better than {' and '.join(proven)}" if proven else ""
    return better + (f", but not proven better than {' or '.join(unproven)}" if unproven else "")


def _gains(best: Row) -> str:
    parts = [
        f"{100 * gain.mean:+.1f} points against {name}"
        f" (95% interval {100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
        for name, gain in _comparisons(best).items()
    ]
    return f"It has {' and '.join(parts)}." if parts else ""
