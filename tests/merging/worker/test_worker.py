"""From a recipe to a model's bytes: the same ones from any process, thread count, layout and way to ask."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from merging.errors import CandidateError, RecipeError
from merging.layout import layer_index, layer_order
from merging.mergekit.arithmetic import merge_like_mergekit
from merging.methods.masks import mask_key
from merging.methods.registry import METHODS, REQUIRED
from merging.models.checkpoint import open_checkpoint
from merging.recipe import LayerGroup, ModelRef, Recipe, Rule, dump_recipe, whole_model
from merging.statistics import known as statistics
from merging.worker import Candidate, MergeWorker
from merging.worker.sparse_steps import kept_count
from tests.merging.pico import Pico, open_family, recipe_of, write_model

HEAD, EMBEDDING, NORM = "lm_head.weight", "model.embed_tokens.weight", "model.norm.weight"
UP = "model.layers.{}.mlp.up_proj.weight"
WEIGHTS = (0.5, 0.3, 0.1)


@pytest.fixture
def worker(tmp_path: Path) -> MergeWorker:
    return open_family(tmp_path)


def merge(worker: MergeWorker, recipe: Recipe) -> dict[str, Tensor]:
    return dict(Candidate(worker, recipe))


def same_bits(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and torch.equal(a.view(torch.uint8), b.view(torch.uint8))


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert list(one) == list(other)
    assert [name for name in one if not same_bits(one[name], other[name])] == []


def any_recipe(worker: MergeWorker, method: str, **changes: Any) -> tuple[MergeWorker, Recipe]:
    """A recipe of this method, which thins what it may, over as many of the experts as it takes."""
    n = METHODS[method].experts[1] or len(worker.experts)
    few = replace(worker, experts=worker.experts[:n], expert_refs=worker.expert_refs[:n])
    needed = [name for name, default in METHODS[method].defaults.items() if default is REQUIRED]
    more = tuple((name, 0.3) for name in needed if name != "weight")
    return few, recipe_of(few, method, WEIGHTS[:n], 0.4, more=more, seed=3, **changes)


def stacked(
    worker: MergeWorker,
    method: str,
    weight: tuple[float, ...],
    *groups: tuple[int, int, tuple[int | None, ...]],
    **changes: Any,
) -> Recipe:
    """A recipe whose layers have these origins."""
    flags = {"normalize": METHODS[method].normalize, "rescale": METHODS[method].rescale}
    plain = recipe_of(worker, "linear", weight, **flags, **changes)
    rules = plain.outer
    layers = tuple(LayerGroup(start, stop, rules, origins) for start, stop, origins in groups)
    return replace(plain, method=method, layers=layers)


def test_tensors_come_in_layer_order_in_the_recipes_dtype(worker: MergeWorker) -> None:
    recipe = recipe_of(worker, "ties", (0.4, 0.3, 0.3), 0.5, dtype="float16")
    found = list(Candidate(worker, recipe))
    assert [name for name, _ in found] == layer_order(worker.base.tensors)
    assert {tensor.dtype for _, tensor in found} == {torch.float16}
    assert {name: tuple(tensor.shape) for name, tensor in found} == Candidate(worker, recipe).shapes


@pytest.mark.parametrize("method", [m.name for m in METHODS.values() if "weight 0 is base" in m.identities])
def test_no_weight_is_the_base_to_the_byte(worker: MergeWorker, method: str) -> None:
    merged = merge(worker, recipe_of(worker, method, (0.0, 0.0, 0.0), 0.5))
    assert all(same_bits(tensor, merged[name]) for name, tensor in worker.base)


def test_all_weight_on_one_expert_is_that_expert_to_the_byte(worker: MergeWorker) -> None:
    for method in ("linear", "task_arithmetic", "ties", "dare_linear", "della", "breadcrumbs"):
        merged = merge(worker, recipe_of(worker, method, (0.0, 1.0, 0.0)))
        assert all(same_bits(tensor, merged[name]) for name, tensor in worker.experts[1]), method


def test_equal_weights_are_the_mean(worker: MergeWorker) -> None:
    merged = merge(worker, recipe_of(worker, "linear", (1.0, 1.0, 1.0), dtype="float32"))
    for name, tensor in merged.items():
        mean = torch.stack([expert.tensor(name).double() for expert in worker.experts]).mean(0)
        assert torch.allclose(tensor.double(), mean, rtol=1e-6, atol=1e-8)


def test_rules_reach_their_tensors_only(worker: MergeWorker) -> None:
    recipe = recipe_of(worker, "task_arithmetic", (0.0, 0.0, 0.0))
    silent = recipe.outer[0].parameters
    rules = (Rule(("mlp",), replace(silent, weight=(1.0, 0.0, 0.0))), Rule((), silent))
    groups = (LayerGroup(0, 1, recipe.outer), LayerGroup(1, 2, rules))
    merged = merge(worker, replace(recipe, layers=groups))
    changed = {name for name, tensor in worker.base if not torch.equal(tensor, merged[name])}
    assert changed == {f"model.layers.1.mlp.{part}_proj.weight" for part in ("gate", "up", "down")}


@pytest.mark.parametrize("method", METHODS)
def test_a_buffer_that_is_used_again_gets_the_same_bytes(worker: MergeWorker, method: str) -> None:
    few, recipe = any_recipe(worker, method)
    buffers = few.buffers(recipe)
    assert list(buffers) == list(few.shapes(recipe))
    few.merge_into(recipe, {name: buffer.fill_(torch.nan) for name, buffer in buffers.items()})
    few.merge_into(recipe, buffers)
    assert_same(buffers, merge(few, recipe))


def test_a_candidate_follows_another_without_a_trace(worker: MergeWorker) -> None:
    first, second = (recipe_of(worker, "ties", WEIGHTS, density) for density in (0.2, 0.7))
    buffers = worker.buffers(first)
    for recipe in (first, second, first):
        worker.merge_into(recipe, buffers)
    assert_same(buffers, merge(worker, first))


def test_only_tensors_with_a_buffer_are_made(worker: MergeWorker) -> None:
    recipe = recipe_of(worker, "ties", WEIGHTS, 0.3)
    buffer = torch.full_like(worker.base.tensor(NORM), 7.0, dtype=torch.float32)
    worker.merge_into(recipe, {NORM: buffer})
    assert same_bits(buffer.bfloat16(), merge(worker, recipe)[NORM])


def test_the_same_recipe_gives_the_same_bytes_in_another_process(worker: MergeWorker, tmp_path: Path) -> None:
    """With other threads, and other hashes of strings."""
    made = {method: any_recipe(worker, method) for method in METHODS}
    (tmp_path / "workers.pickle").write_bytes(pickle.dumps({name: few for name, (few, _) in made.items()}))
    for method, (_, recipe) in made.items():
        (tmp_path / f"{method}.yaml").write_text(dump_recipe(recipe))
    code = """
import pickle, sys, torch
from pathlib import Path
from typing import Any
from safetensors.torch import save_file
from merging.recipe import load_recipe
torch.set_num_threads(3)
folder = Path(sys.argv[1])
workers = pickle.loads((folder / "workers.pickle").read_bytes())
for name, worker in workers.items():
    recipe = load_recipe((folder / f"{name}.yaml").read_text(), name)
    save_file(dict(worker.tensors(recipe)), folder / f"{name}.safetensors")
"""
    environment = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "3"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)
    for method, (few, recipe) in made.items():
        elsewhere = load_file(tmp_path / f"{method}.safetensors")
        assert all(same_bits(tensor, elsewhere[name]) for name, tensor in few.tensors(recipe)), method


def test_shards_change_no_byte(worker: MergeWorker, tmp_path: Path) -> None:
    sharded = open_family(tmp_path / "sharded", Pico(shards=3))
    for method in METHODS:
        (few, recipe), (other, same) = (any_recipe(each, method) for each in (worker, sharded))
        assert recipe.digest == same.digest
        assert_same(merge(few, recipe), merge(other, same))


def test_random_masks_follow_the_seed_and_each_experts_content(worker: MergeWorker) -> None:
    recipes = [recipe_of(worker, "dare_linear", WEIGHTS, 0.4, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (merge(worker, recipe)[HEAD] for recipe in recipes)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("method", ["task_arithmetic", "dare_linear", "ties"])
def test_experts_come_in_any_order(worker: MergeWorker, method: str) -> None:
    turned = replace(worker, experts=worker.experts[::-1], expert_refs=worker.expert_refs[::-1])
    one = merge(worker, recipe_of(worker, method, WEIGHTS, 0.4, dtype="float32"))
    other = merge(turned, recipe_of(turned, method, WEIGHTS[::-1], 0.4, dtype="float32"))
    assert all(torch.allclose(one[name], other[name], rtol=0, atol=1e-6) for name in one)


def test_a_second_candidate_makes_no_statistics(worker: MergeWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    merge(worker, recipe_of(worker, "ties", WEIGHTS, 0.3))
    monkeypatch.setattr(statistics, "order_of", None)
    merge(worker, recipe_of(worker, "breadcrumbs", (0.2, 0.9, -0.4), 0.6))


def test_layers_can_be_stacked_from_models_as_they_are(worker: MergeWorker) -> None:
    groups = (0, 2, (None, 0, None, None)), (2, 3, (None, None, 0, None))
    recipe = stacked(worker, "passthrough", (1.0, 1.0, 1.0), *groups)
    merged = merge(worker, recipe)
    first, second, _ = worker.experts
    assert {name: tuple(tensor.shape) for name, tensor in merged.items()} == worker.shapes(recipe)
    assert list(merged) == layer_order(merged)
    assert {layer_index(name) for name in merged} == {None, 0, 1, 2}
    assert same_bits(merged[UP.format(1)], first.tensor(UP.format(1)))
    assert same_bits(merged[UP.format(2)], second.tensor(UP.format(0)))
    assert same_bits(merged[EMBEDDING], first.tensor(EMBEDDING))
    assert same_bits(merged[HEAD], second.tensor(HEAD))


def test_stacked_layers_are_merged_from_where_they_come(worker: MergeWorker) -> None:
    groups = (0, 1, (1, 0, None, None)), (1, 2, (0, 1, 1, 1))
    merged = merge(worker, stacked(worker, "task_arithmetic", (0.5, 0.0, 0.0), *groups, dtype="float32"))
    base, expert = worker.base, worker.experts[0]
    for made, origin in ((0, (1, 0)), (1, (0, 1))):
        from_base = base.tensor(UP.format(origin[0])).float()
        from_expert = expert.tensor(UP.format(origin[1])).float()
        assert torch.allclose(merged[UP.format(made)], (from_base + from_expert) / 2, rtol=0, atol=1e-6)


def test_absent_experts_take_no_part_whatever_their_weight(worker: MergeWorker) -> None:
    merged = merge(worker, stacked(worker, "linear", (1.0, 3.0, 1.0), (0, 2, (0, 0, None, None))))
    assert all(same_bits(merged[name], tensor) for name, tensor in worker.experts[0])


def test_masks_of_stacked_layers_are_those_of_their_place(worker: MergeWorker) -> None:
    """So a layer that is there twice is thinned twice."""
    groups = (0, 1, (0, 0, 0, 0)), (1, 2, (0, 0, 0, 0))
    merged = merge(worker, stacked(worker, "dare_linear", (1.0, 0.0, 0.0), *groups, density=0.5))
    assert not torch.equal(merged[UP.format(0)], merged[UP.format(1)])


def test_one_worker_knows_many_stackings(worker: MergeWorker) -> None:
    ones = (1.0, 1.0, 1.0)
    ways = [stacked(worker, "passthrough", ones, (0, 1, (None, i, None, None))) for i in (0, 1)]
    one, other = (merge(worker, recipe)[UP.format(0)] for recipe in ways)
    assert same_bits(one, worker.experts[0].tensor(UP.format(0)))
    assert same_bits(other, worker.experts[0].tensor(UP.format(1)))


def test_a_tied_family_has_no_head(tmp_path: Path) -> None:
    worker = open_family(tmp_path, Pico(tied=True))
    merged = merge(worker, recipe_of(worker, "ties", WEIGHTS, 0.3))
    assert HEAD not in merged
    assert merged.keys() == worker.base.tensors.keys()


def test_a_tied_expert_gives_its_embedding_for_a_head(tmp_path: Path) -> None:
    base, pico = Pico().base(), Pico(tied=True)
    expert = {name: tensor for name, tensor in pico.expert(base, 0).items() if name != HEAD}
    models = [
        open_checkpoint(write_model(tmp_path / "base", base, Pico())),
        open_checkpoint(write_model(tmp_path / "expert", expert, pico)),
    ]
    worker = MergeWorker(models[0], models[1:], ModelRef("base", "b"), (ModelRef("expert", "e"),))
    merged = merge(worker, recipe_of(worker, "linear", (1.0,)))
    assert same_bits(merged[HEAD], expert[EMBEDDING])


@pytest.mark.parametrize("method", [m.name for m in METHODS.values() if m.mergekit])
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_compat_is_mergekits_arithmetic_tensor_by_tensor(
    worker: MergeWorker, method: str, dtype: str
) -> None:
    few, recipe = any_recipe(worker, method)
    compat = replace(recipe, compat="mergekit", arithmetic_dtype=dtype)
    merged = merge(few, compat)
    for name in (HEAD, NORM, UP.format(1)):
        base, *experts = (model.tensor(name).to(getattr(torch, dtype)) for model in (few.base, *few.experts))
        parameters = compat.parameters_for(name, layer_index(name))
        keys = [mask_key(3, name, ref.fingerprint) for ref in few.expert_refs]
        wanted = merge_like_mergekit(METHODS[method], base, experts, parameters, keys)
        assert same_bits(merged[name], wanted.bfloat16())


def test_compat_merges_into_buffers_too(worker: MergeWorker) -> None:
    recipe = replace(recipe_of(worker, "ties", WEIGHTS, 0.3), compat="mergekit", arithmetic_dtype="bfloat16")
    buffers = worker.buffers(recipe)
    worker.merge_into(recipe, buffers)
    assert_same(buffers, merge(worker, recipe))


def test_an_overflow_fails_the_candidate_with_its_tensor(worker: MergeWorker) -> None:
    recipe = recipe_of(worker, "task_arithmetic", (1e8, 0.0, 0.0), dtype="float16")
    message = r"^model\.embed_tokens\.weight: \d+ of 512 merged numbers are NaN or Inf in float16; lower"
    with pytest.raises(CandidateError, match=message):
        merge(worker, recipe)
    with pytest.raises(CandidateError, match=message):
        worker.merge_into(recipe, worker.buffers(recipe))
    assert merge(worker, replace(recipe, dtype="float32"))[HEAD].isfinite().all()


@pytest.mark.parametrize("method", ["linear", "task_arithmetic", "ties", "dare_ties", "iso_c", "tsv"])
def test_no_nan_comes_out(worker: MergeWorker, method: str) -> None:
    recipe = recipe_of(worker, method, (3e38, -3e38, 3e38), dtype="float32", lambda_=1e6, normalize=False)
    with pytest.raises(CandidateError, match=r"are NaN or Inf|too large for float32"):
        merge(worker, recipe)


@pytest.mark.parametrize("method", ["linear", "task_arithmetic", "ties", "dare_ties", "breadcrumbs_ties"])
@pytest.mark.parametrize("weight", [1.5e38, 3e38])
def test_weights_whose_sum_no_float32_holds_are_refused_by_tensor(
    worker: MergeWorker, method: str, weight: float
) -> None:
    """A divisor of infinity would make zeros, or the base, of what should be a mean."""
    recipe = recipe_of(worker, method, (weight,) * 3, 0.5, dtype="float32", normalize=True)
    with pytest.raises(
        CandidateError, match=r"^model\.embed_tokens\.weight: weights of .* too large for float32"
    ):
        merge(worker, recipe)


def test_layers_that_the_models_lack_are_refused(worker: MergeWorker) -> None:
    recipe = recipe_of(worker, "ties", WEIGHTS, 0.3)
    (group,) = recipe.layers
    longer = replace(recipe, layers=(replace(group, stop=group.stop + 5),))
    with pytest.raises(RecipeError, match=rf"the recipe has {group.stop + 5}, .* has {group.stop}; make"):
        worker.shapes(longer)
    lost = replace(group, origins=(0, *(99 for _ in recipe.experts)))
    with pytest.raises(RecipeError, match=r"is to come from layer 99 of .*, which has only"):
        worker.shapes(replace(recipe, layers=(lost,)))


@pytest.mark.parametrize("method", [m.name for m in METHODS.values() if m.mergekit])
def test_an_overflow_of_an_expert_is_found_by_every_method(tmp_path: Path, method: str) -> None:
    """bfloat16 holds more than float16 can."""
    base = {name: tensor * 0 + 9e4 for name, tensor in Pico().base().items()}
    models = [base, *({name: tensor * (1.5 + i) for name, tensor in base.items()} for i in range(3))]
    opened = [
        open_checkpoint(write_model(tmp_path / str(i), model, Pico())) for i, model in enumerate(models)
    ]
    refs = [ModelRef(str(i), str(i)) for i in range(4)]
    few, recipe = any_recipe(MergeWorker(opened[0], opened[1:], refs[0], refs[1:]), method, dtype="float16")
    with pytest.raises(CandidateError, match="are NaN or Inf"):
        merge(few, recipe)


@pytest.mark.parametrize("method", METHODS)
def test_models_near_the_end_of_float32_merge_to_numbers_or_are_refused(tmp_path: Path, method: str) -> None:
    """However small the result, a sum, a product or a square on the way to it may have overflowed."""
    for size in (1e37, 1.8e38):
        opened = []
        for seed in range(4):
            model = {name: (4 * tensor).clamp(-1, 1) * size for name, tensor in Pico().base(seed).items()}
            opened.append(open_checkpoint(write_model(tmp_path / f"{size}-{seed}", model, Pico())))
        refs = [ModelRef(str(i), f"{size}-{i}") for i in range(4)]
        few, recipe = any_recipe(
            MergeWorker(opened[0], opened[1:], refs[0], refs[1:]), method, dtype="float32"
        )
        for weight in (WEIGHTS, (1000.0, 0.01, -0.5)):
            group = replace(recipe.outer[0].parameters, weight=weight[: len(recipe.experts)])
            layers, outer = whole_model(group, 2)
            try:
                merged = merge(few, replace(recipe, layers=layers, outer=outer))
            except CandidateError:
                continue
            assert [name for name, tensor in merged.items() if not tensor.isfinite().all()] == []


def test_a_recipe_of_other_models_is_our_own_mistake(worker: MergeWorker) -> None:
    recipe = replace(recipe_of(worker, "linear", (1.0, 1.0, 1.0)), base=ModelRef("base", "other"))
    with pytest.raises(AssertionError, match="is of other models"):
        merge(worker, recipe)


def test_what_a_worker_has_made_does_not_travel(worker: MergeWorker) -> None:
    fresh, recipe = len(pickle.dumps(worker)), recipe_of(worker, "ties", WEIGHTS, 0.3)
    merged = merge(worker, recipe)
    worker.statistics.said.add("tiny")
    back = pickle.loads(pickle.dumps(worker))
    assert len(pickle.dumps(worker)) == fresh
    assert back == worker
    assert not [name for name in vars(back) if name.startswith("_")]
    assert back.statistics.said == set()
    assert_same(merge(back, recipe), merged)


def kept_by(expert: Tensor, base: Tensor, density: float) -> int:
    """How many elements are as large as the smallest that a density keeps."""
    magnitude = (expert.float() - base.float()).abs().flatten()
    cut = magnitude.sort(descending=True).values[kept_count(density, magnitude.numel()) - 1]
    return int((magnitude >= cut).sum())


def test_a_density_keeps_at_least_one_element() -> None:
    assert [kept_count(0.3, n) for n in (1, 3, 4, 10)] == [1, 1, 1, 3]


def test_kept_densities_stand_for_exactly_what_is_kept(worker: MergeWorker) -> None:
    recipe = recipe_of(worker, "ties", WEIGHTS, 0.3)
    exact = worker.kept_densities(recipe)
    assert exact, "bfloat16 magnitudes tie"
    for name, densities in exact.items():
        base = worker.base.tensor(name)
        for expert, density in zip(worker.experts, densities, strict=True):
            assert kept_count(density, base.numel()) == kept_by(expert.tensor(name), base, 0.3)


def test_densities_that_are_exact_already_stay_as_they_are(worker: MergeWorker) -> None:
    recipe = recipe_of(worker, "ties", WEIGHTS, 0.3)
    exact = worker.kept_densities(recipe)
    for name, tensor in worker.base:
        counts = [kept_by(expert.tensor(name), tensor, 0.3) for expert in worker.experts]
        tied = [count != kept_count(0.3, tensor.numel()) for count in counts]
        assert [density != 0.3 for density in exact.get(name, (0.3,) * 3)] == tied


def test_only_trimming_methods_have_kept_densities(worker: MergeWorker) -> None:
    assert worker.kept_densities(recipe_of(worker, "dare_ties", WEIGHTS, 0.3)) == {}
    assert worker.kept_densities(recipe_of(worker, "ties", WEIGHTS, 1.0)) == {}
    compat = replace(recipe_of(worker, "ties", WEIGHTS, 0.3), compat="mergekit")
    assert worker.kept_densities(compat) == {}


def test_without_ties_nothing_needs_another_density(tmp_path: Path) -> None:
    worker = open_family(tmp_path, Pico(dtype=torch.float32))
    exact = worker.kept_densities(recipe_of(worker, "ties", WEIGHTS, 0.3))
    assert not any("proj" in name for name in exact)


def test_mixed_dtypes_are_merged_in_float32(tmp_path: Path) -> None:
    base = Pico(dtype=torch.float16).base()
    expert = {name: (tensor.float() + 2.0**-12) for name, tensor in base.items()}
    models = [
        open_checkpoint(write_model(tmp_path / "base", base, Pico(dtype=torch.float16))),
        open_checkpoint(write_model(tmp_path / "expert", expert, Pico(dtype=torch.float32))),
    ]
    worker = MergeWorker(models[0], models[1:], ModelRef("base", "b"), (ModelRef("expert", "e"),))
    merged = merge(worker, recipe_of(worker, "task_arithmetic", (0.5,), dtype="float32"))
    middle = (base[HEAD].float() + expert[HEAD]) / 2
    assert torch.allclose(merged[HEAD], middle, rtol=0, atol=1e-7)
