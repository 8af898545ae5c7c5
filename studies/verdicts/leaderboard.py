"""Ranks the candidates of one study or several, and says in words what the holdout items prove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

from evaluators.score import Accuracy, MeanLogprob, wilson
from studies.store import StudyStore
from studies.store.rows import Candidate, CandidateKind
from studies.verdicts.holdout import FOUND, RAW, RIVALS, Holdout, foremost, judge, mean_accuracy
from studies.verdicts.paired import Difference
from studies.verdicts.reached import Reached, reach
from studies.verdicts.scores import slice_scores
from studies.verdicts.together import Entered, enter
from studies.verdicts.winner import Finalist, Winner, crown

COMPARED = (*RIVALS, RAW)
"""Of each of these kinds the best that was judged is what a merge is compared with."""
KIND_ORDER = (*COMPARED, *FOUND)
TITLES = {
    "base": "the base",
    "expert": "the best expert",
    "uniform": "the uniform merge",
    "model": "the best raw model",
}
TARGET = "the unfused target"
PROVEN = "proven better than"
STANDINGS = (PROVEN, "not proven better than", "only equal to", "below", "proven worse than")
"""What a merge may be called beside a baseline, the best first."""


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
    vs_base: Difference | None
    vs_best_expert: Difference | None
    vs_uniform: Difference | None
    vs_best_model: Difference | None = None
    """Against the best of the models that were asked as they are."""
    vs_target: Difference | None = None
    """Of a fused model, against the model that it was made of."""
    study: str = ""
    """Whose candidate it is."""
    holdout_items: int = 0
    """Holdout items that judge, and that a baseline or a finalist has answered."""
    winner: Winner | None = None
    """What else is known of the best merge that the search found; None for all others."""
    reached: Reached | None = None
    """Of the study's goals, where these are more than accuracy or gold answers alone."""

    @property
    def proven(self) -> bool:
        """Whether it is proven better than base, best expert, uniform merge, and any raw model."""
        gains = [self.vs_base, self.vs_best_expert, self.vs_uniform]
        gains += [self.vs_best_model] if self.vs_best_model is not None else []
        return all(gain is not None and gain.low > 0 for gain in gains)

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
            "vs_base": _interval(self.vs_base),
            "vs_best_expert": _interval(self.vs_best_expert),
            "vs_uniform": _interval(self.vs_uniform),
            "vs_best_model": _interval(self.vs_best_model),
            "vs_target": _interval(self.vs_target),
            "study": self.study,
            "holdout_items": self.holdout_items,
            "verdict": None if self.winner is None else {"proven": self.proven, **self.winner.to_json()},
            "objectives": None if self.reached is None else self.reached.to_json(),
            "front": None if self.reached is None else self.reached.front_to_json(),
        }


def build_leaderboard(store: StudyStore, *studies: str) -> list[Row]:
    """Ranks the complete candidates: the judged by holdout mean, then the others by search mean.

    Of several studies, which must have been asked the same holdout items, all candidates are in one table.
    Items by which a fusion selected judge nothing here: it has set them aside in its identity. The intervals
    of all merges that the searches found, each against base, best expert, uniform merge, the best raw model
    if any was judged, and its unfused target if it has one, hold together at 95% (Bonferroni over all). Where
    the studies have several objectives, the Pareto front goes first.
    Raises StudyNotFound; StudiesError if the studies' holdout items differ.
    """
    entered = enter(store, studies)
    holdout = judge(store, entered)
    reached = reach(store, entered, holdout)
    ranked = [ranked for each in entered for ranked in _rows(store, each, holdout, reached)]
    rows = [row for _, row in sorted(ranked, key=lambda pair: pair[0])]
    return _crowned(rows, holdout, ended=all(each.complete for each in entered))


def _rows(
    store: StudyStore, study: Entered, holdout: Holdout, reached: Mapping[str, Reached]
) -> list[tuple[tuple[Any, ...], Row]]:
    """The study's rows, each with its rank."""
    digests = [candidate.digest for candidate in study.candidates]
    search = study.parts("search")
    scores = {part.name: slice_scores(store, digests, part.digest, part.scoring) for part in search}
    asked = sum(part.n for part in search)
    rows = [
        replace(_row(candidate, scores, holdout, study), reached=reached.get(candidate.digest))
        for candidate in study.candidates
    ]
    return [(_rank(row, asked), row) for row in rows]


def points(rows: Sequence[Row]) -> list[Row]:
    """The Pareto front of several objectives: among the judged, or before there are any by search items.

    Nobody is on it where there is one objective alone.
    """
    judged = [row for row in rows if row.reached is not None and row.reached.holdout_front]
    return judged or [row for row in rows if row.reached is not None and row.reached.search_front]


def _crowned(rows: list[Row], holdout: Holdout, *, ended: bool) -> list[Row]:
    """With what is to be told of the best merge that the search found, if one is best and was judged."""
    asked = [row for row in rows if row.kind in FOUND and row.holdout_items]
    own = {row.digest: row for row in reversed(asked)}
    finalists = sorted(own.values(), key=rows.index)
    if not finalists or finalists[0].holdout_mean is None or points(finalists):
        return rows
    best = finalists[0]
    told = [Finalist(row.name, row.digest, _promised(row, best.study)) for row in finalists]
    crowned = replace(best, winner=crown(told, holdout, ended=ended))
    return [crowned if row is best else row for row in rows]


def _promised(row: Row, study: str) -> float | None:
    """The search score of a study's trial, where that is accuracy."""
    scores = list(row.search.values())
    if row.trial is None or row.study != study or not scores or row.reached is not None:
        return None
    return None if any(isinstance(each, MeanLogprob) for each in scores) else fmean(s.mean for s in scores)


def conclusion(rows: Sequence[Row]) -> str:
    """Says which merge is best, and how it stands against the base, the best expert and the uniform merge.

    And against the best of the models that were asked as they are, and the target that it was fused from.
    """
    return " ".join(filter(None, verdict(rows)))


def verdict(rows: Sequence[Row]) -> tuple[str, str]:
    """What `conclusion` says, parted: the verdict in one sentence, and all that it rests on (or nothing)."""
    judged = [row for row in rows if row.holdout_mean is not None]
    if not judged:
        return "No candidate was judged on all holdout items yet.", ""
    if leading := [row for row in judged if row.reached is not None and row.reached.holdout_front]:
        plain = [
            replace(row, reached=None) for row in sorted(judged, key=lambda row: -(row.holdout_mean or 0.0))
        ]
        return _front(leading, len(judged)), f"By mean accuracy alone: {conclusion(plain)}"
    best = next((row for row in judged if row.kind in FOUND), None)
    if best is None:
        none = f"No merge that the search found was judged yet; of the others {_scored(judged[0])} is best."
        return none, ""
    rivals, unjudged = _rivals(best, judged), _unjudged(rows, best)
    said = _gains(rivals, best.vs_target)
    said += best.winner.against_runner_up() if best.winner else ""
    if rivals and all(each.rise > 0 and each.standing != PROVEN for each in rivals):
        said += " So nothing was found that is proven better than the baselines."
    said += best.winner.about_search() if best.winner and rivals else ""
    if unjudged:
        said += (
            f" It was not compared with {_listed(unjudged, 'or')}, for want of answers to all holdout items."
        )
    return _headline(best, rivals, all_judged=not unjudged), said.strip()


def _front(leading: Sequence[Row], judged: int) -> str:
    """Say who is on the Pareto front."""
    assert leading[0].reached is not None
    goals = _listed([goal.name for goal in leading[0].reached.goals])
    names = _listed([row.name for row in leading], "or")
    return (
        f"On holdout items, of {judged} judged nobody is better in {goals} together than {names}: the"
        " Pareto front of what was measured, whatever chance had in it."
    )


def _row(
    candidate: Candidate,
    scores: Mapping[str, Mapping[str, Accuracy | MeanLogprob]],
    holdout: Holdout,
    study: Entered,
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
        holdout_mean=None if verdicts is None else mean_accuracy(verdicts),
        vs_base=holdout.difference(digest, "base"),
        vs_best_expert=holdout.difference(digest, "expert"),
        vs_uniform=holdout.difference(digest, "uniform"),
        vs_best_model=holdout.difference(digest, RAW),
        vs_target=holdout.between(digest, study.target) if candidate.kind == "fused" else None,
        study=study.name,
        holdout_items=holdout.asked(digest),
    )


def _rank(row: Row, asked: int) -> tuple[Any, ...]:
    """Best first; a search mean over some of the items ranks after those over all."""
    answered = sum(score.n for score in row.search.values())
    mean = fmean(score.mean for score in row.search.values()) if row.search else 0.0
    reached = row.reached
    if row.holdout_mean is not None:
        behind = reached is not None and reached.holdout_front is False
        judged: tuple[Any, ...] = (0, behind, -row.holdout_mean)
    else:
        judged = (1, reached is not None and reached.search_front is False, 0.0)
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


@dataclass(frozen=True)
class _Rival:
    """A baseline that was judged, and how the best merge stands against it."""

    row: Row
    title: str
    gain: Difference
    rise: float
    """The merge's holdout mean less the baseline's: 0 exactly where both are as good."""

    @property
    def standing(self) -> str:
        if self.rise > 0:
            return PROVEN if self.gain.low > 0 else "not proven better than"
        if self.rise < 0:
            return "proven worse than" if self.gain.high < 0 else "below"
        return "only equal to"


def _rivals(best: Row, judged: Sequence[Row]) -> list[_Rival]:
    """Base, best expert, uniform merge and best raw model, as far as they were judged; one counts once."""
    against = (best.vs_base, best.vs_best_expert, best.vs_uniform, best.vs_best_model)
    gains = dict(zip(COMPARED, against, strict=True))
    found: dict[str, list[Row]] = {}
    for kind in COMPARED:
        if rows := [row for row in judged if row.kind == kind]:
            row = min(rows, key=lambda row: foremost(row.holdout_mean or 0.0, row.name))
            found.setdefault(row.digest, []).append(row)
    return [
        _Rival(row, _title(row, same), gain, (best.holdout_mean or 0.0) - (row.holdout_mean or 0.0))
        for row, *same in found.values()
        if (gain := gains[row.kind]) is not None
    ]


def _title(row: Row, same: Sequence[Row]) -> str:
    if row.kind == RAW:
        return f"the model {row.name}"
    notes = [row.name] if row.name != row.kind else []
    notes += [f"{TITLES[each.kind]} is the same" for each in same]
    return f"{TITLES[row.kind]} ({'; '.join(notes)})" if notes else TITLES[row.kind]


def _headline(best: Row, rivals: Sequence[_Rival], *, all_judged: bool) -> str:
    standing = _standing(rivals) if rivals else ""
    ahead = sorted((each for each in rivals if each.rise < 0), key=lambda each: each.rise)
    if ahead:
        leaders = [_scored(each.row) for each in ahead if each.rise == ahead[0].rise]
        others = [_scored(row) for row in (*(each.row for each in ahead[len(leaders) :]), best)]
        leading = f"{_listed(leaders)} {'is' if len(leaders) == 1 else 'are'} best"
        ranking = ", then ".join((leading, *others))
        return f"Nothing that the search found beat the baselines: {ranking}, {standing}."
    if any(each.rise == 0 for each in rivals):
        return f"Nothing that the search found beat the baselines: {_scored(best)} is {standing}."
    first = f"{_scored(best)} is best{'' if all_judged else ' of those judged'}"
    return f"{first}, {'' if standing.startswith(PROVEN) else 'but '}{standing}." if rivals else f"{first}."


def _standing(rivals: Sequence[_Rival]) -> str:
    """Say `proven better than A, but not proven better than B or C`, the best first."""
    titles: dict[str, list[str]] = {}
    for rival in sorted(rivals, key=lambda each: STANDINGS.index(each.standing)):
        titles.setdefault(rival.standing, []).append(rival.title)
    said = [f"{how} {_listed(names, 'or' if 'not' in how else 'and')}" for how, names in titles.items()]
    if len(said) > 1 and PROVEN in titles:
        return f"{said[0]}, but {_listed(said[1:])}"
    return _listed(said)


def _gains(rivals: Sequence[_Rival], over_target: Difference | None) -> str:
    gains = [(each.title, each.gain) for each in rivals]
    if over_target is not None:
        gains.append((TARGET, over_target))
    parts = [
        f"{100 * gain.mean:+.1f} points against {title}"
        f" (95% interval {100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
        for title, gain in gains
    ]
    return f" It has {_listed(parts)}." if parts else ""


def _unjudged(rows: Sequence[Row], best: Row) -> list[str]:
    """Whom the best merge could not be compared with; a fusion need not have baselines of every kind."""
    judged = {row.kind for row in rows if row.holdout_mean is not None}
    named: list[str] = []
    for kind in COMPARED:
        late = [f"the {kind} {row.name}" for row in rows if row.kind == kind and row.holdout_mean is None]
        if kind in RIVALS and kind not in judged and (late or best.kind != "fused"):
            named.append(TITLES[kind])
        elif kind in ("expert", RAW):
            named += late
    return named


def _listed(names: Sequence[str], word: str = "and") -> str:
    """Say `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last
