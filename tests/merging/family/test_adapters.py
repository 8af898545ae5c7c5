"""LoRA adapters against PEFT's own merges; `tests/oracle/make_lora_golden.py` says how those came to be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from merging.errors import CheckpointError
from merging.family.adapters import delta, open_adapter, updated, updates
from merging.family.prepare import prepare
from merging.models.checkpoint import is_adapter, open_checkpoint
from tests.merging.pico import edit_json

GOLDEN = Path(__file__).parents[2] / "oracle" / "golden" / "lora"
CASES = sorted(path.name for path in GOLDEN.iterdir())
Q = "model.layers.0.self_attn.q_proj"


def apply(base: Path, adapter: Path) -> dict[str, Tensor]:
    opened, model = open_adapter(adapter), open_checkpoint(base)
    return dict(updated(opened, model, updates(opened, model)))


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A base and an adapter of its q_proj and down_proj, to be spoilt."""
    return Path(shutil.copytree(GOLDEN / "plain", tmp_path / "plain"))


def edit_weights(case: Path, edit: Callable[[dict[str, Tensor]], object]) -> None:
    file = case / "adapter" / "adapter_model.safetensors"
    tensors = load_file(file)
    edit(tensors)
    save_file(tensors, file)


def refuse(case: Path, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as error:
        apply(case / "base", case / "adapter")
    assert "\n" not in str(error.value)
    assert str(case / "adapter") in str(error.value)


@pytest.mark.parametrize("name", CASES)
def test_an_adapter_does_to_its_base_what_peft_makes_of_it(name: str) -> None:
    expected = load_file(GOLDEN / name / "merged.safetensors")
    base = dict(open_checkpoint(GOLDEN / name / "base"))
    found = apply(GOLDEN / name / "base", GOLDEN / name / "adapter")
    changed = {key for key, tensor in base.items() if not torch.equal(tensor, expected[key])}
    assert changed
    assert changed <= found.keys()
    for key, tensor in {**base, **found}.items():
        torch.testing.assert_close(tensor, expected[key], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_sum_is_rounded_once_to_the_dtype_of_the_base(case: Path, dtype: torch.dtype) -> None:
    file = case / "base" / "model.safetensors"
    save_file({name: tensor.to(dtype) for name, tensor in load_file(file).items()}, file)
    model, adapter = open_checkpoint(case / "base"), open_adapter(case / "adapter")
    found = apply(case / "base", case / "adapter")[f"{Q}.weight"]
    first, second = adapter.pairs[Q]
    exact = model.tensor(f"{Q}.weight").float() + 1.5 * (second @ first)  # lora_alpha 6 / r 4
    assert found.dtype == dtype
    assert torch.equal(found, exact.to(dtype))


def test_numbers_of_an_adapter_in_half_precision_are_multiplied_in_float32(case: Path) -> None:
    edit_weights(case, lambda tensors: tensors.update({key: t.bfloat16() for key, t in tensors.items()}))
    adapter = open_adapter(case / "adapter")
    first, second = adapter.pairs[Q]
    assert first.dtype == torch.bfloat16
    assert torch.equal(delta(adapter, Q), (second.float() @ first.float()) * 1.5)


def test_old_names_with_the_adapters_own_name_in_them(case: Path) -> None:
    before = apply(case / "base", case / "adapter")

    def rename(tensors: dict[str, Tensor]) -> None:
        for key in list(tensors):
            tensors[key.replace(".weight", ".default.weight")] = tensors.pop(key)

    edit_weights(case, rename)
    after = apply(case / "base", case / "adapter")
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_a_base_stored_without_its_outermost_module(tmp_path: Path) -> None:
    case = Path(shutil.copytree(GOLDEN / "conv1d", tmp_path / "conv1d"))
    before = apply(case / "base", case / "adapter")
    file = case / "base" / "model.safetensors"
    save_file({k.removeprefix("transformer."): t for k, t in load_file(file).items()}, file)
    after = apply(case / "base", case / "adapter")
    assert {f"transformer.{name}" for name in after} == before.keys()
    assert all(torch.equal(tensor, before[f"transformer.{name}"]) for name, tensor in after.items())


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("peft_type", "IA3", r"peft_type 'IA3', expected 'LORA'; merge it into its model with peft first"),
        ("use_dora", True, r"use_dora is set.*; merge it into its model with peft first"),
        ("lora_bias", True, "lora_bias is set"),
        ("target_parameters", ["experts.gate_up_proj"], "target_parameters is set"),
        ("trainable_token_indices", [1, 2], "trainable_token_indices is set"),
        ("layer_replication", [[0, 1], [0, 2]], "layer_replication is set"),
        ("init_lora_weights", "pissa_niter_4", "init_lora_weights 'pissa_niter_4' changed the model"),
        ("lora_alpha", "8", "lora_alpha: '8', expected a positive number"),
        ("r", 8, r"are no pair of matrices of rank 8, which adapter_config\.json says"),
    ],
)
def test_what_is_not_supported_names_the_field_and_the_remedy(
    case: Path, field: str, value: Any, message: str
) -> None:
    edit_json(case / "adapter" / "adapter_config.json", lambda config: config.update({field: value}))
    refuse(case, message)


def test_parts_of_other_adapters_are_refused(case: Path) -> None:
    magnitude = {f"base_model.model.{Q}.lora_magnitude_vector": torch.ones(16)}
    edit_weights(case, lambda tensors: tensors.update(magnitude))
    refuse(case, rf"{Q}\.lora_magnitude_vector: no part of a plain LoRA; merge it")


def test_a_target_that_the_base_lacks(case: Path) -> None:
    edit_weights(
        case,
        lambda tensors: tensors.update(
            {
                key.replace("layers.1", "layers.7"): tensors.pop(key)
                for key in list(tensors)
                if "layers.1" in key
            }
        ),
    )
    refuse(case, r"layers\.7\.mlp\.down_proj\.weight: the base .*base has no such tensor; name the base")


def test_a_shape_that_does_not_fit(case: Path) -> None:
    key = f"base_model.model.{Q}.lora_B.weight"
    edit_weights(case, lambda tensors: tensors.update({key: torch.zeros(12, 4)}))
    refuse(case, rf"makes {Q}\.weight \[12, 16\], the base .* has \[16, 16\]")


def test_half_a_pair(case: Path) -> None:
    edit_weights(case, lambda tensors: tensors.pop(f"base_model.model.{Q}.lora_B.weight"))
    refuse(case, rf"{Q}: lacks one of lora_A and lora_B")


def test_numbers_that_are_none(case: Path) -> None:
    key = f"base_model.model.{Q}.lora_A.weight"
    edit_weights(case, lambda tensors: tensors[key][0].fill_(float("nan")))
    refuse(case, r"lora_A\.weight: 16 of 64 numbers are NaN or Inf")


def test_files_that_are_not_there_or_damaged(case: Path) -> None:
    weights = case / "adapter" / "adapter_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    refuse(case, "its header promises")
    torch.save({}, case / "adapter" / "adapter_model.bin")
    weights.unlink()
    refuse(case, r"adapter_model\.bin: is pickled; save it as safetensors, or allow it with --allow-pickle")
    (case / "adapter" / "adapter_model.bin").unlink()
    refuse(case, r"adapter_model\.safetensors: missing")


def test_a_pickled_adapter_is_read_where_pickles_are_allowed(case: Path) -> None:
    expected = apply(case / "base", case / "adapter")
    weights = case / "adapter" / "adapter_model.safetensors"
    torch.save(load_file(weights), weights.with_suffix(".bin"))
    weights.unlink()
    family = prepare(case / "base", [case / "adapter"], allow_pickle=True)
    assert all(torch.equal(family.experts[0].tensor(name), tensor) for name, tensor in expected.items())


def test_an_adapter_is_no_model(case: Path) -> None:
    assert is_adapter(case / "adapter")
    assert not is_adapter(case / "base")
    with pytest.raises(
        CheckpointError, match=r"adapter: is an adapter, not a model; name it among the experts"
    ):
        open_checkpoint(case / "adapter")
