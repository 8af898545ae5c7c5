"""The merges that mergekit is asked to make too: two small families, our recipes, people's configs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from merging.mergekit.read import from_mergekit
from merging.models.checkpoint import open_checkpoint
from merging.recipe import LayerGroup, ModelRef, Parameters, Recipe, Rule
from merging.worker import MergeWorker
from tests.merging.pico import Pico, write_model

GOLDEN = Path(__file__).parent / "golden"
WRITTEN = Path(__file__).parent / "written"
MODELS = ("base", "expert0", "expert1", "expert2")


@dataclass(frozen=True)
class Family:
    """Models of one architecture, and the dtype their merges are written in."""

    name: str
    pico: Pico
    dtype: str
    recipes: Mapping[str, Recipe]

    @property
    def golden(self) -> Path:
        return GOLDEN / self.name

    @property
    def written(self) -> list[str]:
        """Names of the configs that were written by hand, in mergekit's dialect."""
        return sorted(path.stem for path in (WRITTEN / self.name).glob("*.yaml"))


def lay_out(family: Family, tensors: Mapping[str, Mapping[str, torch.Tensor]], folder: Path) -> MergeWorker:
    """Write a family's models into a folder and open them; configs name them relative to it."""
    models = [open_checkpoint(write_model(folder / name, tensors[name], family.pico)) for name in MODELS]
    return MergeWorker(models[0], models[1:], _REFS[0], _REFS[1:])


def read_written(family: Family, name: str, worker: MergeWorker) -> Recipe:
    """The recipe that a config written by hand means."""
    path = WRITTEN / family.name / f"{name}.yaml"
    refs = {ref.path: ref for ref in _REFS}
    return from_mergekit(path.read_text(), path, lambda model: (refs[model], worker.base.tensors))


def among(worker: MergeWorker, recipe: Recipe) -> MergeWorker:
    """A worker over those of the family's models that a recipe names, in its order."""
    models = dict(zip(MODELS, (worker.base, *worker.experts), strict=True))
    experts = [models[ref.path] for ref in recipe.experts]
    return MergeWorker(models[recipe.base.path], experts, recipe.base, recipe.experts)


_REFS = tuple(ModelRef(name, f"content of {name}") for name in MODELS)


def _parameters(weight: float, density: float, **changes: float) -> Parameters:
    """Three experts, each a little different."""
    return Parameters(
        weight=(weight, round(weight * 0.7, 4), round(0.9 - weight, 4)),
        density=(density, round(density**2, 4), round(density**0.5, 4)),
        lambda_=changes.get("lambda_", 1.0),
        normalize=bool(changes.get("normalize", False)),
        rescale=bool(changes.get("rescale", False)),
    )


def _by_module(**changes: float) -> tuple[tuple[LayerGroup, ...], tuple[Rule, ...]]:
    """Layer groups, a rule per module, and the outer tensors apart."""
    first = (
        Rule(("self_attn",), _parameters(0.3, 0.4, **changes)),
        Rule(("mlp",), _parameters(0.8, 0.1, **changes)),
        Rule((), _parameters(0.5, 0.6, **changes)),
    )
    last = (Rule(("mlp",), _parameters(0.9, 0.2, **changes)), Rule((), _parameters(-0.4, 0.7, **changes)))
    outer = (Rule(("lm_head",), _parameters(0.2, 0.3, **changes)), Rule((), _parameters(0.6, 0.5, **changes)))
    return (LayerGroup(0, 1, first), LayerGroup(1, 2, last)), outer


def _alike(parameters: Parameters) -> tuple[tuple[LayerGroup, ...], tuple[Rule, ...]]:
    return (LayerGroup(0, 2, (Rule((), parameters),)),), (Rule((), parameters),)


def _two_words(**changes: float) -> tuple[tuple[LayerGroup, ...], tuple[Rule, ...]]:
    rules = (
        Rule(("mlp", "up"), _parameters(0.1, 0.3, **changes)),
        Rule((), _parameters(0.7, 0.5, **changes)),
    )
    return (LayerGroup(0, 2, rules),), (Rule((), _parameters(0.4, 0.4, **changes)),)


def _recipes(dtype: str) -> dict[str, Recipe]:
    thin = Parameters((0.5, 0.3, 0.4), (0.02, 0.5, 0.999))
    shapes = {
        "linear": ("linear", _by_module(normalize=True)),
        "linear_sum": ("linear", _alike(Parameters((0.7, 0.0, -0.2), (1.0,) * 3))),
        "task_arithmetic": ("task_arithmetic", _by_module(lambda_=0.8)),
        "ties": ("ties", _by_module(normalize=True)),
        "ties_alike": ("ties", _alike(thin)),
        "ties_two_words": ("ties", _two_words(normalize=True, lambda_=1.3)),
        "ties_rescale": ("ties", _by_module(normalize=True, rescale=True)),
        "dare_ties_whole": ("dare_ties", _alike(Parameters((0.5, -0.3, 0.4), (1.0,) * 3, 1.1, True, True))),
    }
    return {
        name: Recipe(_REFS[0], _REFS[1:], method, layers, outer, dtype)
        for name, (method, (layers, outer)) in shapes.items()
    }


FAMILIES = (
    Family("untied", Pico(hidden=32), "bfloat16", _recipes("bfloat16")),
    Family("tied", Pico(tied=True, dtype=torch.float32), "float32", _recipes("float32")),
)
