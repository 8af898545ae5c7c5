"""The merge that stands for its family is the best by search and selecting items."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evaluators.score import Accuracy, MeanLogprob, wilson
from studies.selection.finalists import Scores, best_merge
from studies.store.rows import Candidate, CandidateKind
from studies.verdicts.paired import Verdicts


def merge(name: str, kind: CandidateKind = "trial", trial: int | None = None) -> Candidate:
    return Candidate(kind, name, trial, f"digest of {name}", "complete", None)


def answered(**right: int) -> Verdicts:
    """So many of ten items of each slice."""
    return {name: {item: item < n for item in range(10)} for name, n in right.items()}


def steered(**right: int) -> dict[str, Accuracy]:
    """So many of twenty search items of each slice."""
    return {name: wilson(n, 20) for name, n in right.items()}


A, B, U = merge("trial 3", trial=3), merge("trial 5", trial=5), merge("uniform", "uniform")


def best(
    search: Sequence[Scores], selecting: Sequence[Verdicts], merges: tuple[Candidate, ...] = (A, B)
) -> str:
    digests = [each.digest for each in merges]
    found = best_merge(
        merges, dict(zip(digests, search, strict=True)), dict(zip(digests, selecting, strict=True))
    )
    return found.name


def test_search_and_selecting_items_count_alike() -> None:
    """(12 + 4) / 30 against (10 + 7) / 30: five search items weigh as much as five others."""
    assert best([steered(math=12), steered(math=10)], [answered(math=4), answered(math=7)]) == "trial 5"
    assert best([steered(math=14), steered(math=10)], [answered(math=4), answered(math=7)]) == "trial 3"


def test_slices_count_alike_however_many_items_they_have() -> None:
    search = [
        {"math": wilson(100, 200), "code": wilson(2, 2)},
        {"math": wilson(120, 200), "code": wilson(0, 2)},
    ]
    assert best(search, [answered(math=5, code=5), answered(math=5, code=5)]) == "trial 3"


def test_the_uniform_merge_may_stand_for_its_family() -> None:
    scores = [steered(math=10), steered(math=10), steered(math=18)]
    assert best(scores, [answered(math=5)] * 3, (A, B, U)) == "uniform"


def test_log_probabilities_only_tell_equals_apart() -> None:
    search = [{"math": MeanLogprob(-0.5, 20)}, {"math": MeanLogprob(-2.0, 20)}]
    assert best(search, [answered(math=5), answered(math=6)]) == "trial 5"
    assert best(search, [answered(math=6), answered(math=6)]) == "trial 3"


@pytest.mark.parametrize("order", [(A, B, U), (U, B, A)])
def test_equals_are_told_apart_by_trial_then_by_name(order: tuple[Candidate, ...]) -> None:
    assert best([steered(math=10)] * 3, [answered(math=5)] * 3, order) == "uniform"
    twins = tuple(each for each in order if each is not U)
    assert best([steered(math=10)] * 2, [answered(math=5)] * 2, twins) == "trial 3"
