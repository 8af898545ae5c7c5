from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from merging.errors import CandidateError
from merging.layout import layer_order
from merging.methods import METHODS
from merging.operators import kept_count
from merging.recipe import LayerGroup, ModelRef, Recipe, Rule, dump_recipe
from merging.worker import Candidate, MergeWorker
from tests.merging.pico import Pico, open_family, recipe_of


@pytest.fixture
def worker(tmp_path: Path) -> MergeWorker:
    return open_family(tmp_path)


def merge(worker: MergeWorker, recipe: Recipe) -> dict[str, Tensor]:
    return dict(Candidate(worker, recipe))


def same_bits(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and torch.equal(a.view(torch.uint8), b.view(torch.uint8))


def test_tensors_come_in_layer_order_in_the_recipes_dtype(worker: MergeWorker) -> None:
    recipe = recipe_of(worker, "ties", (0.4, 0.3, 0.3), 0.5, dtype="float16")
    found = list(Candidate(worker, recipe))
    assert [name for name, _ in found] == layer_order(worker.base.tensors)
    assert {tensor.dtype for _, tensor in found} == {torch.float16}


@pytest.mark.parametrize("method", ["task_arithmetic", "ties", "dare_linear", "dare_ties"])
def test_no_weight_is_the_base_to_the_byte(worker: MergeWorker, method: str) -> None:
    merged = merge(worker, recipe_of(worker, method, (0.0, 0.0, 0.0), 0.5))
    assert all(same_bits(tensor, merged[name]) for name, tensor in worker.base)


def test_all_weight_on_one_expert_is_that_expert_to_the_byte(worker: MergeWorker) -> None:
    merged = merge(worker, recipe_of(worker, "linear", (0.0, 1.0, 0.0)))
    assert all(same_bits(tensor, merged[name]) for name, tensor in worker.experts[1])


def test_equal_weights_are_the_mean(worker: MergeWorker) -> None:
    merged = merge(worker, recipe_of(worker, "linear", (1.0, 1.0, 1.0), dtype="float32"))
    for name, tensor in merged.items():
        mean = torch.stack([expert.tensor(name).double() for expert in worker.experts]).mean(0)
        assert torch.allclose(tensor.double(), mean, rtol=1e-6, atol=1e-8)


def test_one_task_vector_in_full_is_its_expert(worker: MergeWorker) -> None:
    for method in ("task_arithmetic", "ties", "dare_linear"):
        merged = merge(worker, recipe_of(worker, method, (0.0, 0.0, 1.0)))
        assert all(torch.equal(tensor, merged[name]) for name, tensor in worker.experts[2])


def test_rules_reach_their_tensors_only(worker: MergeWorker) -> None:
    recipe = recipe_of(worker, "task_arithmetic", (0.0, 0.0, 0.0))
    silent = recipe.outer[0].parameters
    rules = (Rule(("mlp",), replace(silent, weight=(1.0, 0.0, 0.0))), Rule((), silent))
    groups = (LayerGroup(0, 1, recipe.outer), LayerGroup(1, 2, rules))
    merged = merge(worker, replace(recipe, layers=groups))
    changed = {name for name, tensor in worker.base if not torch.equal(tensor, merged[name])}
    assert changed == {f"model.layers.1.mlp.{part}_proj.weight" for part in ("gate", "up", "down")}


def test_the_same_recipe_gives_the_same_bytes_in_another_process(worker: MergeWorker, tmp_path: Path) -> None:
    recipes = {method: recipe_of(worker, method, (0.5, 0.3, 0.1), 0.4, seed=3) for method in METHODS}
    (tmp_path / "worker.pickle").write_bytes(pickle.dumps(worker))
    for method, recipe in recipes.items():
        (tmp_path / f"{method}.yaml").write_text(dump_recipe(recipe))
    code = """
import pickle, sys, torch
from pathlib import Path
from safetensors.torch import save_file
from merging.recipe import load_recipe
torch.set_num_threads(3)
folder = Path(sys.argv[1])
worker = pickle.loads((folder / "worker.pickle").read_bytes())
for path in folder.glob("*.yaml"):
    recipe = load_recipe(path.read_text(), path.name)
    save_file(dict(worker.tensors(recipe)), path.with_suffix(".safetensors"))
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env={"PYTHONHASHSEED": "7"})
    for method, recipe in recipes.items():
        elsewhere = load_file(tmp_path / f"{method}.safetensors")
        assert all(same_bits(tensor, elsewhere[name]) for name, tensor in Candidate(worker, recipe))


def test_random_masks_follow_the_seed_and_each_experts_content(worker: MergeWorker) -> None:
    recipes = [recipe_of(worker, "dare_linear", (0.5, 0.3, 0.1), 0.4, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (merge(worker, recipe)["lm_head.weight"] for recipe in recipes)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_an_overflow_fails_the_candidate_with_its_tensor(worker: MergeWorker) -> None:
    recipe = recipe_of(worker, "task_arithmetic", (1e8, 0.0, 0.0), dtype="float16")
    message = r"^model\.embed_tokens\.weight: \d+ of 512 merged numbers are NaN or Inf$"
    with pytest.raises(CandidateError, match=message):
        merge(worker, recipe)


def test_a_recipe_of_other_models_is_our_own_mistake(worker: MergeWorker) -> None:
    recipe = replace(recipe_of(worker, "linear", (1.0, 1.0, 1.0)), base=ModelRef("base", "other"))
    with pytest.raises(AssertionError, match="is of other models"):
        merge(worker, recipe)


def test_kept_densities_stand_for_exactly_what_is_kept(worker: MergeWorker) -> None:
    recipe = recipe_of(worker, "ties", (0.5, 0.3, 0.1), 0.3)
    exact = worker.kept_densities(recipe)
    assert exact, "bfloat16 magnitudes tie"
    for name, densities in exact.items():
        base = worker.base.tensor(name).float()
        for expert, density in zip(worker.experts, densities, strict=True):
            kept = kept_count(expert.tensor(name).float() - base, 0.3)
            assert int(density * base.numel()) == kept


def test_only_trimming_methods_have_kept_densities(worker: MergeWorker) -> None:
    assert worker.kept_densities(recipe_of(worker, "dare_ties", (0.5, 0.3, 0.1), 0.3)) == {}
    assert worker.kept_densities(recipe_of(worker, "ties", (0.5, 0.3, 0.1), 1.0)) == {}


def test_without_ties_nothing_needs_another_density(tmp_path: Path) -> None:
    worker = open_family(tmp_path, Pico(dtype=torch.float32))
    exact = worker.kept_densities(recipe_of(worker, "ties", (0.5, 0.3, 0.1), 0.3))
    assert not any("proj" in name for name in exact)
