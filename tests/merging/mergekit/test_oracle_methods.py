"""Every method, as mergekit 0.1.5 merges it: our candidates against its results, case by case.

A case fails by its own name: `<family>-<method>-<shape>-<mode>`. In the default mode both sides compute in
float32; in compat mode mergekit was told `dtype: bfloat16`, and so are we. Elements that mergekit leaves to a
sort are not compared. `tests/oracle/make_method_goldens.py` says how the goldens come to be.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from merging.layout import layer_index
from merging.mergekit.read import from_mergekit
from merging.recipe import Recipe
from merging.worker import Candidate, MergeWorker
from tests.oracle.cases import Family, among, lay_out
from tests.oracle.compare import allowed, assert_near, decided
from tests.oracle.method_cases import Case, cases_of
from tests.oracle.method_families import FAMILIES, goldens_of, models_of

CASES = [
    pytest.param(case, mode, id=f"{family}-{name}-{mode}")
    for family in FAMILIES
    for name, case in cases_of(family).items()
    for mode in case.modes
]


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MergeWorker]:
    """A worker per family, over the models that the goldens were made of."""
    return {
        name: lay_out(
            Family(name, models.pico, models.dtype, {}), models_of(name), tmp_path_factory.mktemp(name)
        )
        for name, models in FAMILIES.items()
    }


def recipe_of(case: Case, mode: str, worker: MergeWorker) -> Recipe:
    """What the config of a case means; the one place that reads it."""
    refs = {ref.path: ref for ref in (worker.base_ref, *worker.expert_refs)}
    compat = "mergekit" if mode == "compat" else None
    source = Path(f"{case.name}.yaml")
    return from_mergekit(case.yaml(mode), source, lambda model: (refs[model], worker.base.tensors), compat)


def candidate_of(recipe: Recipe, worker: MergeWorker) -> dict[str, Tensor]:
    """The model that a recipe makes; the one place that merges."""
    return dict(Candidate(among(worker, recipe), recipe))


@pytest.mark.parametrize(("case", "mode"), CASES)
def test_a_config_makes_what_mergekit_makes_of_it(
    case: Case, mode: str, workers: dict[str, MergeWorker]
) -> None:
    recipe = recipe_of(case, mode, workers[case.family])
    candidate = candidate_of(recipe, workers[case.family])
    models, golden = models_of(case.family), goldens_of(case.family, mode)[case.name]
    assert candidate.keys() == golden.keys()
    ours, expected, near = {}, {}, {}
    for name, tensor in candidate.items():
        dtype = torch.bfloat16 if mode == "compat" else torch.float32
        base, *experts = (models[model][name].to(dtype) for model in ("base", *case.experts))
        inputs = base, experts, recipe.parameters_for(name, layer_index(name))
        expected[name] = golden[name].to(tensor.dtype)  # mergekit writes arcee_fusion in float32
        near[name] = allowed(mode, case.method, expected[name], *inputs)
        ours[name] = torch.where(decided(case.method, *inputs), tensor, expected[name])
    assert_near(ours, expected, near)
