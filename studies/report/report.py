"""All that a report says, read from a store: the same store gives the same report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from merging.recipe import Recipe
from studies.objectives.goals import Goals, goals_of
from studies.report.again import Again, again
from studies.report.question import facts_of, items_of, models_of, question_of
from studies.report.ranked import best_found
from studies.store import StudyStore
from studies.store.rows import AT_WORK, Candidate
from studies.trials import notes_of
from studies.verdicts.leaderboard import Row, build_leaderboard, points, verdict
from studies.views.curve import Curve, curves
from studies.views.merge import MergeView, merge_view
from studies.views.tallies import Tallies

Standing = Literal["proven", "open", "front", "unjudged"]
"""Of the best merge: proven better than all baselines; judged, and not proven so; there are several
objectives, and a front; no merge was judged."""


@dataclass(frozen=True)
class Report:
    """One study as its report tells it; times are UTC."""

    study: str
    fusion: bool
    running: bool
    """Whether it had not come to its end."""
    goals: Goals
    question: str
    verdict: str
    """One sentence."""
    details: str
    """What that rests on."""
    standing: Standing
    facts: tuple[tuple[str, str], ...]
    items: tuple[tuple[str, str, int, int, str], ...]
    """By slice: name, task, search items, holdout items, scoring."""
    decision: str | None
    """Of a fusion: who learned from whom, and why."""
    rows: tuple[Row, ...]
    best: Row | None
    """The best merge that the search found; of several objectives the first on the front."""
    recipe: Recipe | None
    """Of that one; None for one that is no merge."""
    merge: MergeView | None
    curves: tuple[Curve, ...]
    again: Again


def read_report(store: StudyStore, name: str, tallies: Tallies | None = None) -> Report:
    """Read what there is to tell of a study, however far it has come; raises StudyNotFound."""
    study = store.study(name)
    identity, candidates = store.identity(study), store.candidates(study)
    summary = next(each for each in store.studies() if each.id == study)
    selection, slices = store.selection(study), store.slices(study)
    rows = tuple(build_leaderboard(store, name))
    best, goals = best_found(rows), goals_of(identity)
    said, details = verdict(rows)
    recipe = _recipe(store, best)
    reason = None if selection is None else selection.get("reason")
    names = list(dict.fromkeys(part.name for part in slices))
    return Report(
        study=name,
        fusion=selection is not None,
        running=summary.state in AT_WORK,
        goals=goals,
        question=question_of(identity, candidates, names, goals, selection),
        verdict=said if rows else "Nothing was measured to the end yet: there is no candidate to rank.",
        details=details,
        standing=_standing(rows, best),
        facts=facts_of(store, summary, identity, notes_of(store.engine, name).get("sampler")),
        items=tuple(items_of(slices)),
        decision=reason if isinstance(reason, str) else None,
        rows=rows,
        best=best,
        recipe=recipe,
        merge=None if recipe is None or best is None else merge_view(store, study, best.name),
        curves=curves(store, tallies or Tallies(), study),
        again=again(
            name,
            _shown(store),
            identity,
            _uniform(store, candidates),
            models_of(identity, candidates)[1],
            best,
            fusion=selection is not None,
        ),
    )


def _standing(rows: tuple[Row, ...], best: Row | None) -> Standing:
    if best is None or best.holdout_mean is None:
        return "unjudged"
    if points(rows):
        return "front"
    return "proven" if best.proven else "open"


def _recipe(store: StudyStore, best: Row | None) -> Recipe | None:
    subject = None if best is None else store.subject(best.digest)
    return subject if isinstance(subject, Recipe) else None


def _uniform(store: StudyStore, candidates: list[Candidate]) -> Recipe | None:
    """A merge of all of a study's models, each in its place."""
    for row in candidates:
        if row.kind == "uniform" and isinstance(found := store.subject(row.digest), Recipe):
            return found
    return None


def _shown(store: StudyStore) -> str:
    """Where the store is, without what is secret."""
    return store.engine.url.set(query={}).render_as_string(hide_password=True)
