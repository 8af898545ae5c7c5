"""How much of the data two tokenizers cut alike: told before any training, from a sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

from merging.fusion.alignment.report import survey
from merging.fusion.alignment.vocabulary import open_vocabulary
from search.fusing.align import read_texts
from search.study_file.fusion import FusionSpec

Coverage: TypeAlias = Callable[[Path, Path, Sequence[str]], float | None]
"""Of two folders with tokenizers, and texts: the share of characters in aligned spans; None: not known."""
SAMPLE = 256
"""Texts of each data file that the share is told by."""


def by_alignment() -> Coverage:
    """Align them; a tokenizer is opened once. It raises CheckpointError for a folder without one."""
    vocabulary = cache(open_vocabulary)
    return lambda a, b, texts: survey(vocabulary(a), vocabulary(b), texts).coverage


def sample(spec: FusionSpec) -> list[str]:
    """The beginning of a fusion's data.

    Raises:
        SliceError, SearchError: a file cannot be read, or is no JSONL with texts.
    """
    return [text for file in spec.data_files for text in read_texts(file)[:SAMPLE]]


def coverages(
    folders: Sequence[Path], coverage: Coverage, texts: Callable[[], Sequence[str]]
) -> dict[tuple[Path, Path], float | None]:
    """For each two of these folders, in either order, what is covered; 1 for a folder with itself.

    Texts are only asked for where there are two.
    """
    distinct = list(dict.fromkeys(folders))
    found: dict[tuple[Path, Path], float | None] = {(folder, folder): 1.0 for folder in distinct}
    for a, b in combinations(distinct, 2):
        found[a, b] = found[b, a] = coverage(a, b, texts())
    return found
