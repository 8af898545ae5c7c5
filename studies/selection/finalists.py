"""Which merge of a study stands for its family: told by what may select, never by what judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from evaluators.score import Accuracy, MeanLogprob
from studies.store.rows import Candidate, CandidateKind
from studies.verdicts.holdout import mean_accuracy
from studies.verdicts.paired import Verdicts

MERGES: tuple[CandidateKind, ...] = ("uniform", "trial", "fused")

Scores = Mapping[str, Accuracy | MeanLogprob]
"""Of one candidate, by slice: on the search items."""


def best_merge(
    merges: Sequence[Candidate], search: Mapping[str, Scores], selecting: Mapping[str, Verdicts]
) -> Candidate:
    """The best of a study's judged merges; `search` and `selecting` are by digest.

    Where both are accuracies, search and selecting items count alike: of each slice the share of all of them,
    unweighted mean over slices. Log-probabilities can't be added to shares, so there the selecting items
    decide, and the search score only between equals. Of equals the first by trial, then by name.
    """
    return min(
        merges,
        key=lambda each: (*_worth(search[each.digest], selecting[each.digest]), each.trial or 0, each.name),
    )


def _worth(search: Scores, selecting: Verdicts) -> tuple[float, float]:
    """The best first."""
    steered = fmean(score.mean for score in search.values()) if search else 0.0
    if any(isinstance(score, MeanLogprob) for score in search.values()):
        return -mean_accuracy(selecting), -steered
    return -fmean(_share(search.get(name), items) for name, items in selecting.items()), -steered


def _share(search: Accuracy | MeanLogprob | None, items: Mapping[int, bool]) -> float:
    before = 0.0 if search is None else search.mean * search.n
    return (before + sum(items.values())) / ((0 if search is None else search.n) + len(items))
