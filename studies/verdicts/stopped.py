"""What is known of a trial that was stopped early: answers to some search items, and no whole score."""

from __future__ import annotations

from studies.store import StudyStore
from studies.store.rows import Candidate
from studies.verdicts.leaderboard import Row
from studies.verdicts.scores import slice_scores


def stopped_trial(store: StudyStore, study: str, trial: int) -> Candidate | None:
    """The trial of that number if it was stopped early; raises StudyNotFound."""
    rows = store.candidates(store.study(study))
    return next((row for row in rows if row.trial == trial and row.state == "pruned"), None)


def row_of(store: StudyStore, study: str, candidate: Candidate) -> Row:
    """A stopped candidate as a row of a leaderboard, which ranks none: `search` is over what it was asked.

    Items that it was not asked count neither as right nor as wrong.
    """
    assert candidate.state == "pruned", f"{candidate.name} was not stopped early"
    parts = [part for part in store.slices(store.study(study)) if part.split == "search"]
    found = {part.name: slice_scores(store, [candidate.digest], part.digest, part.scoring) for part in parts}
    return Row(
        name=candidate.name,
        kind=candidate.kind,
        trial=candidate.trial,
        digest=candidate.digest,
        search={name: scores[candidate.digest] for name, scores in found.items() if scores},
        holdout={},
        holdout_mean=None,
        vs_base=None,
        vs_best_expert=None,
        vs_uniform=None,
        study=study,
    )
