"""The merge methods as data: what each does to task vectors, and which parameters it reads.

Names, parameters and defaults are mergekit's, so its configs mean the same here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from merging.errors import RecipeError


@dataclass(frozen=True)
class Method:
    """One merge method; `normalize` and `rescale` are its defaults."""

    name: str
    summary: str
    source: str
    parameters: tuple[str, ...]
    sparsifier: Literal["magnitude", "bernoulli"] | None = None
    consensus: bool = False
    normalize: bool = False
    rescale: bool = False
    on_task_vectors: bool = True


_SPARSE = ("weight", "density", "lambda", "normalize", "rescale")

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(
                name="linear",
                summary="weighted average of the experts",
                source="Wortsman et al. 2022, arXiv 2203.05482",
                parameters=("weight", "normalize"),
                normalize=True,
                on_task_vectors=False,
            ),
            Method(
                name="task_arithmetic",
                summary="base plus the weighted sum of the task vectors",
                source="Ilharco et al. 2022, arXiv 2212.04089",
                parameters=("weight", "lambda", "normalize"),
            ),
            Method(
                name="ties",
                summary="the largest parts of the task vectors, where they agree in sign",
                source="Yadav et al. 2023, arXiv 2306.01708",
                parameters=_SPARSE,
                sparsifier="magnitude",
                consensus=True,
                normalize=True,
            ),
            Method(
                name="dare_linear",
                summary="randomly thinned task vectors, summed",
                source="Yu et al. 2023, arXiv 2311.03099",
                parameters=_SPARSE,
                sparsifier="bernoulli",
                rescale=True,
            ),
            Method(
                name="dare_ties",
                summary="randomly thinned task vectors, where they agree in sign",
                source="Yu et al. 2023, arXiv 2311.03099",
                parameters=_SPARSE,
                sparsifier="bernoulli",
                consensus=True,
                rescale=True,
            ),
        )
    }
)


def find_method(name: str) -> Method:
    """The method of this name; raises RecipeError with the nearest one."""
    if name not in METHODS:
        raise RecipeError(f"unknown method {name!r}{nearest(name, METHODS)}; known: {', '.join(METHODS)}")
    return METHODS[name]


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint such as `; did you mean 'ties'?`, or nothing when no known word is near."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
