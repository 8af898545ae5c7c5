"""What a candidate's answers to one slice amount to, by the way in which the slice is scored."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from evaluators.score import Accuracy, MeanLogprob, wilson
from studies.store import StudyStore
from studies.store.rows import Scoring


def slice_scores(
    store: StudyStore, subject_digests: Sequence[str], slice_digest: str, scoring: Scoring
) -> dict[str, Accuracy | MeanLogprob]:
    """Per subject, its score on the items that it was asked so far; who was asked none is left out.

    A slice that is scored by its gold answers has their mean log-probability per token, every item counting
    alike however long its answer is; other slices have the share of correct answers.
    """
    if scoring == "gold":
        logprobs = store.logprobs(subject_digests, slice_digest)
        return {
            digest: MeanLogprob(fmean(items.values()), len(items))
            for digest, items in logprobs.items()
            if items
        }
    tallies = store.tallies(subject_digests, slice_digest)
    return {digest: wilson(tally.correct, tally.n) for digest, tally in tallies.items() if tally.n}


def full_scores(
    store: StudyStore, subject_digests: Sequence[str], parts: Sequence[tuple[str, Scoring, int]]
) -> dict[str, float]:
    """Of those that were asked all items of all parts: the mean over these of what each is scored by.

    A part is its digest, its way of scoring and how many items it has.
    """
    found = [(slice_scores(store, subject_digests, digest, scoring), n) for digest, scoring, n in parts]
    return {
        digest: fmean(scores[digest].mean for scores, _ in found)
        for digest in subject_digests
        if all(digest in scores and scores[digest].n >= n for scores, n in found)
    }
