"""Our merges against those that mergekit 0.1.5 made of our exports, and of configs written by hand.

They were equal bit for bit on the machine that made the goldens, but for two: where `rescale` sums norms,
mergekit does that in float32, in its own order; and its `linear` fuses a multiplication with an addition,
which float32 shows. Other processors may fuse more, so last bits may differ here, in few places.
`tests/oracle/make_goldens.py` says how the goldens come to be.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from merging.layout import layer_index
from merging.mergekit.read import from_mergekit, to_mergekit
from merging.mergekit.sparsify import keep_largest
from merging.recipe import Recipe
from merging.worker import Candidate, MergeWorker
from tests.oracle.cases import FAMILIES, MODELS, Family, among, lay_out, read_written

ROUNDED = ("ties_rescale", "linear", "linear_sum")
"""Recipes whose last bit in float32 is mergekit's own."""
EXPORTED = [
    pytest.param(family, name, id=f"{family.name}-{name}") for family in FAMILIES for name in family.recipes
]
WRITTEN = [
    pytest.param(family, name, id=f"{family.name}-{name}") for family in FAMILIES for name in family.written
]


def open_golden(family: Family, folder: Path) -> MergeWorker:
    return lay_out(
        family, {name: load_file(family.golden / f"{name}.safetensors") for name in MODELS}, folder
    )


def assert_same(family: Family, name: str, recipe: Recipe, worker: MergeWorker) -> None:
    expected = load_file(family.golden / f"{name}.safetensors")
    candidate = dict(Candidate(worker, recipe))
    assert candidate.keys() == expected.keys()
    for key, tensor in candidate.items():
        off = (tensor.double() - expected[key].double()).abs()
        assert (off <= tolerance(expected[key], largest_term(worker, recipe, key))).all(), key
    different = sum(int((tensor != expected[key]).sum()) for key, tensor in candidate.items())
    exact = name not in ROUNDED or recipe.dtype != "float32"
    assert not exact or different <= sum(tensor.numel() for tensor in candidate.values()) / 500


def tolerance(expected: Tensor, largest: Tensor) -> Tensor:
    """1 ulp of the result in bfloat16, or 4 ulps of the largest term in float32, whichever is larger."""
    return torch.maximum(ulp(expected.double(), bits=8), ulp(largest, bits=24) * 4)


def ulp(values: Tensor, bits: int) -> Tensor:
    """Distance of neighbouring numbers with so many significant bits."""
    _, exponent = torch.frexp(values.abs())
    return torch.ldexp(torch.ones_like(values), exponent - bits)


def largest_term(worker: MergeWorker, recipe: Recipe, key: str) -> Tensor:
    """The largest magnitude among base, experts and task vectors as they are summed."""
    parameters = recipe.parameters_for(key, layer_index(key))
    base = worker.base.tensor(key).float()
    experts = [expert.tensor(key).float() for expert in worker.experts]
    vectors = [
        keep_largest(expert - base, density, parameters.rescale)
        for expert, density in zip(experts, parameters.density, strict=True)
    ]
    return torch.stack([base, *experts, *vectors]).abs().amax(0).double()


@pytest.mark.parametrize(("family", "name"), EXPORTED)
def test_mergekit_makes_the_same_checkpoint_of_an_export(family: Family, name: str, tmp_path: Path) -> None:
    assert_same(family, name, family.recipes[name], open_golden(family, tmp_path))


@pytest.mark.parametrize(("family", "name"), WRITTEN)
def test_a_config_means_what_mergekit_takes_it_to_mean(family: Family, name: str, tmp_path: Path) -> None:
    worker = open_golden(family, tmp_path)
    recipe = read_written(family, name, worker)
    assert_same(family, name, recipe, among(worker, recipe))


@pytest.mark.parametrize(("family", "name"), EXPORTED)
def test_the_goldens_are_of_what_is_exported_now(family: Family, name: str, tmp_path: Path) -> None:
    worker = open_golden(family, tmp_path)
    recipe = family.recipes[name]
    exported = to_mergekit(recipe, worker.base.tensors, worker.kept_densities(recipe))
    assert exported == (family.golden / f"{name}.yaml").read_text()


def test_an_export_read_back_merges_the_same_but_for_ties(tmp_path: Path) -> None:
    family = FAMILIES[0]
    worker = open_golden(family, tmp_path)
    refs = {ref.path: ref for ref in (worker.base_ref, *worker.expert_refs)}
    for name in ("linear", "task_arithmetic", "ties"):
        path = family.golden / f"{name}.yaml"
        back = from_mergekit(path.read_text(), path, lambda model: (refs[model], worker.base.tensors))
        expected = dict(Candidate(worker, family.recipes[name]))
        assert all(torch.equal(tensor, expected[key]) for key, tensor in Candidate(worker, back))


def test_the_goldens_tie_at_most_cuts(tmp_path: Path) -> None:
    """Without ties the tests above would not show that exported densities leave mergekit's sort no choice."""
    worker = open_golden(FAMILIES[0], tmp_path)
    exact = worker.kept_densities(FAMILIES[0].recipes["ties"])
    assert len(exact) > 0.9 * len(worker.base.tensors)
