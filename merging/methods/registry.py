"""The merge methods as data: what each does, which parameters it reads, and what may be relied on.

Names, parameters and defaults are mergekit's 0.1.5, so its configs mean the same here. Search spaces,
`crucible check`, the dialect and the reference page are derived from this table.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from merging.errors import RecipeError

Value = float | bool | str
REQUIRED = None
"""Stands where a parameter has no default."""


@dataclass(frozen=True)
class Parameter:
    """A number, flag or word that methods read; per expert, or shared by all."""

    name: str
    summary: str
    kind: Literal["float", "int", "bool", "word"] = "float"
    per_expert: bool = False
    low: float = float("-inf")
    high: float = float("inf")
    open_low: bool = False
    """Whether `low` itself is out of range."""
    words: tuple[str, ...] = ()


PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {
        parameter.name: parameter
        for parameter in (
            Parameter("weight", "scale of an expert, or of its task vector", per_expert=True),
            Parameter(
                "density",
                "share of a task vector's elements that is kept",
                per_expert=True,
                low=0.0,
                high=1.0,
                open_low=True,
            ),
            Parameter(
                "gamma", "share of the largest elements that is dropped", per_expert=True, low=0.0, high=1.0
            ),
            Parameter(
                "epsilon",
                "half the spread of keep probabilities around density",
                per_expert=True,
                low=0.0,
                high=0.5,
            ),
            Parameter("lambda", "scale of the merged sum of task vectors"),
            Parameter("normalize", "divide by the weights that took part", "bool"),
            Parameter("rescale", "scale what was kept to the L1 norm of before", "bool"),
            Parameter(
                "t", "way from the base (0) to the expert (1); for nearswap, the largest step", low=0.0
            ),
            Parameter("from_base", "interpolate task vectors instead of weights", "bool"),
            Parameter("nuslerp_flatten", "treat a tensor as one vector", "bool"),
            Parameter("nuslerp_row_wise", "rows rather than columns, if not flattened", "bool"),
            Parameter("normalize_weights", "make the weights sum to 1", "bool"),
            Parameter("eps", "guard against division by a norm of 0", low=0.0, open_low=True),
            Parameter("max_iter", "most iterations towards the mean", "int", low=1, high=1000),
            Parameter("tol", "angle below which the mean has converged", low=0.0),
            Parameter("filter_wise", "one ratio per row instead of one per tensor", "bool"),
            Parameter(
                "select_topk", "share of elements, by variance between experts, that is merged", low=0, high=1
            ),
            Parameter("variant", "whose publication of SCE", "word", words=("mergekit", "fusechat")),
            Parameter("scale", "factor of the one input"),
        )
    }
)

Identity = Literal["weight 0 is base", "alone is expert", "order-free"]


@dataclass(frozen=True)
class Method:
    """One merge method: its parameters with their defaults (`REQUIRED` for none), inputs and guarantees."""

    name: str
    summary: str
    source: str
    defaults: Mapping[str, Value | None]
    experts: tuple[int, int | None] = (1, None)
    """Fewest and most experts beside the base; None for any number."""
    base: Literal["adds to", "mixes in", "config only"] = "adds to"
    """Whether the base's weights are what task vectors are taken from, an input like others, or unread."""
    sparsifier: Literal["magnitude", "bernoulli", "outliers", "magprune"] | None = None
    consensus: bool = False
    identities: frozenset[Identity] = field(default_factory=frozenset)
    elementwise: bool = True
    """Whether no reduction over a tensor enters its arithmetic (but thresholds)."""
    mergekit: bool = True
    """Whether mergekit 0.1.5 has it too."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of what it reads."""
        return tuple(self.defaults)

    @property
    def on_task_vectors(self) -> bool:
        """Whether experts enter as differences from the base."""
        return self.base == "adds to"

    @property
    def random(self) -> bool:
        """Whether it draws masks."""
        return self.sparsifier in ("bernoulli", "magprune")

    @property
    def normalize(self) -> bool:
        """Default of `normalize`; False where it is not read."""
        return bool(self.defaults.get("normalize", False))

    @property
    def rescale(self) -> bool:
        """Default of `rescale`; False where it is not read."""
        return bool(self.defaults.get("rescale", False))


def _sparse(normalize: bool, rescale: bool, **more: Value) -> dict[str, Value | None]:
    return {
        "weight": REQUIRED,
        "density": 1.0,
        **more,
        "lambda": 1.0,
        "normalize": normalize,
        "rescale": rescale,
    }


_ALL: frozenset[Identity] = frozenset(("weight 0 is base", "alone is expert", "order-free"))
_ALONE: frozenset[Identity] = frozenset(("alone is expert", "order-free"))
_ORDER: frozenset[Identity] = frozenset(("order-free",))

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(
                name="linear",
                summary="weighted average of the experts",
                source="Wortsman et al. 2022, arXiv 2203.05482",
                defaults={"weight": REQUIRED, "normalize": True},
                base="config only",
                identities=_ALONE,
            ),
            Method(
                name="task_arithmetic",
                summary="base plus the weighted sum of the task vectors",
                source="Ilharco et al. 2022, arXiv 2212.04089",
                defaults={"weight": REQUIRED, "lambda": 1.0, "normalize": False},
                identities=_ALL,
            ),
            Method(
                name="ties",
                summary="the largest parts of the task vectors, where they agree in sign",
                source="Yadav et al. 2023, arXiv 2306.01708",
                defaults=_sparse(normalize=True, rescale=False),
                sparsifier="magnitude",
                consensus=True,
                identities=_ALL,
            ),
            Method(
                name="dare_linear",
                summary="randomly thinned task vectors, summed",
                source="Yu et al. 2023, arXiv 2311.03099",
                defaults=_sparse(normalize=False, rescale=True),
                sparsifier="bernoulli",
                identities=_ALL,
            ),
            Method(
                name="dare_ties",
                summary="randomly thinned task vectors, where they agree in sign",
                source="Yu et al. 2023, arXiv 2311.03099",
                defaults=_sparse(normalize=False, rescale=True),
                sparsifier="bernoulli",
                consensus=True,
                identities=_ALL,
            ),
            Method(
                name="della",
                summary="task vectors thinned at random, small elements of a row sooner, where signs agree",
                source="Deep et al. 2024, arXiv 2406.11617",
                defaults=_sparse(normalize=True, rescale=True, epsilon=0.15),
                sparsifier="magprune",
                consensus=True,
                identities=_ALL,
            ),
            Method(
                name="della_linear",
                summary="task vectors thinned at random, small elements of a row sooner, summed",
                source="Deep et al. 2024, arXiv 2406.11617",
                defaults=_sparse(normalize=False, rescale=True, epsilon=0.15),
                sparsifier="magprune",
                identities=_ALL,
            ),
            Method(
                name="breadcrumbs",
                summary="task vectors without their largest and smallest elements, summed",
                source="Davari and Belilovsky 2023, arXiv 2312.06795",
                defaults=_sparse(normalize=False, rescale=False, gamma=0.01),
                sparsifier="outliers",
                identities=_ALL,
            ),
            Method(
                name="breadcrumbs_ties",
                summary="task vectors without their largest and smallest elements, where signs agree",
                source="Davari and Belilovsky 2023, arXiv 2312.06795",
                defaults=_sparse(normalize=False, rescale=False, gamma=0.01),
                sparsifier="outliers",
                consensus=True,
                identities=_ALL,
            ),
            Method(
                name="slerp",
                summary="the way along the sphere from the base to one expert",
                source="Shoemake 1985, doi 10.1145/325334.325242",
                defaults={"t": REQUIRED},
                experts=(1, 1),
                base="mixes in",
                elementwise=False,
            ),
            Method(
                name="nuslerp",
                summary="the way along the sphere between two experts, or their task vectors",
                source="mergekit 0.1.5, nuslerp",
                defaults={
                    "weight": REQUIRED,
                    "from_base": False,
                    "nuslerp_flatten": True,
                    "nuslerp_row_wise": False,
                },
                experts=(2, 2),
                identities=_ORDER,
                elementwise=False,
            ),
            Method(
                name="multislerp",
                summary="weighted mean of any number of experts on a sphere, by their mean's tangent plane",
                source="Goddard 2025, goddard.blog/posts/multislerp-wow-what-a-cool-idea",
                defaults={
                    "weight": REQUIRED,
                    "from_base": False,
                    "normalize_weights": True,
                    "eps": 1e-8,
                },
                identities=_ALONE,
                elementwise=False,
            ),
            Method(
                name="karcher",
                summary="the point on a sphere that is nearest to all inputs",
                source="arXiv 2603.04972",
                defaults={"max_iter": 10, "tol": 1e-5},
                base="config only",
                identities=_ALONE,
                elementwise=False,
            ),
            Method(
                name="model_stock",
                summary="between the base and the experts' mean, nearer the mean the more they agree",
                source="Jang et al. 2024, arXiv 2403.19522",
                defaults={"filter_wise": False},
                experts=(2, None),
                identities=_ORDER,
                elementwise=False,
            ),
            Method(
                name="sce",
                summary="task vectors weighted by their energy, where experts vary most and signs agree",
                source="Wan et al. 2024, arXiv 2408.07990",
                defaults={"select_topk": 1.0, "variant": "mergekit"},
                identities=_ALONE,
                elementwise=False,
            ),
            Method(
                name="nearswap",
                summary="the base moved towards an expert by at most t an element",
                source="alchemonaut 2024, huggingface.co/alchemonaut/QuartetAnemoi-70B-t0.0001",
                defaults={"t": REQUIRED},
                experts=(1, 1),
                base="mixes in",
            ),
            Method(
                name="arcee_fusion",
                summary="the elements of one expert that changed most, weighed by divergence of their row",
                source="mergekit 0.1.5, arcee_fusion",
                defaults={},
                experts=(1, 1),
                elementwise=False,
            ),
            Method(
                name="passthrough",
                summary="one model's layers as they are, or scaled",
                source="mergekit 0.1.5, passthrough",
                defaults={"scale": 1.0},
                experts=(1, 1),
                base="config only",
                identities=_ALONE,
            ),
            Method(
                name="tsv",
                summary="strongest directions of each task vector, made orthogonal, then summed (TSV-Merge)",
                source="Gargiulo et al. 2024, arXiv 2412.00081",
                defaults={"weight": 1.0, "lambda": 1.0},
                identities=frozenset(("weight 0 is base", "order-free")),
                elementwise=False,
                mergekit=False,
            ),
            Method(
                name="iso_c",
                summary="the summed task vectors, with all singular values made equal (Iso-C)",
                source="Marczak et al. 2025, arXiv 2502.04959",
                defaults={"weight": 1.0, "lambda": 1.0},
                identities=frozenset(("weight 0 is base", "order-free")),
                elementwise=False,
                mergekit=False,
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
