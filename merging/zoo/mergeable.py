"""Whether two models' weights can be merged, asked of the checks that every merge goes through."""

from __future__ import annotations

from collections.abc import Sequence

from merging.errors import CheckpointError, VocabularyError
from merging.family.alignment import foreseen
from merging.family.parts import check_wrapping
from merging.family.sameness import check_but_vocabulary, check_dtypes, check_family
from merging.family.vocabulary import BASE, UNION
from merging.models.checkpoint import Checkpoint


def check_mergeable(base: Checkpoint, expert: Checkpoint) -> str | None:
    """None where an expert can be merged with a base as it is; else what has to be aligned in its vocabulary.

    Raises:
        CheckpointError: the two cannot be merged, even with one vocabulary.
    """
    try:
        check_family(base, [expert])
    except VocabularyError as differing:
        _check_aligned([base, expert], BASE)
        return str(differing)
    return None


def tokenizer_source(models: Sequence[Checkpoint]) -> str | None:
    """What gives models, the base first, one vocabulary: None where they have one already, `union` or `base`.

    A union keeps what each model learned of tokens that the base lacks, where the base's tokenizer has room.

    Raises:
        CheckpointError: they cannot be merged.
    """
    try:
        check_family(models[0], models[1:])
    except VocabularyError:
        try:
            _check_aligned(models, UNION)
        except CheckpointError:
            _check_aligned(models, BASE)
            return BASE
        return UNION
    return None


def _check_aligned(models: Sequence[Checkpoint], source: str) -> None:
    base, *experts = foreseen(models, source)
    for model in (base, *experts):
        check_dtypes(model)
    for expert in experts:
        check_wrapping(base, expert)
        check_but_vocabulary(base, expert)
