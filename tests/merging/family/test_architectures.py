"""Models of many architectures, as transformers writes them: names alone tell where a tensor sits."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from merging.family.prepare import prepare
from merging.layout import (
    is_embedding,
    is_head,
    layer_index,
    layer_order,
    n_layers,
    tied_embedding,
    vocabulary_tensors,
)
from merging.models.checkpoint import Checkpoint, open_checkpoint
from merging.models.fingerprint import survey
from merging.models.writer import write_checkpoint
from merging.recipe import ModelRef
from merging.worker import Candidate, MergeWorker
from tests.merging.pico import recipe_of

SIZE = {"vocab_size": 24, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
COMMON = {**SIZE, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4}
LLAMA = {**COMMON, "intermediate_size": 32, "num_key_value_heads": 2}
SMALL = {**SIZE, "n_layer": 2, "n_head": 4}
MOE = {**LLAMA, "num_experts_per_tok": 2}


@dataclass(frozen=True)
class Architecture:
    """A model type of transformers with its config, and what is to be found in it."""

    model_type: str
    config: Mapping[str, Any]
    embedding: str = "model.embed_tokens.weight"
    head: tuple[str, ...] = ("lm_head.weight",)


ARCHITECTURES = (
    Architecture("llama", LLAMA),
    Architecture("mistral", LLAMA),
    Architecture("qwen2", {**LLAMA, "tie_word_embeddings": True}, head=()),
    Architecture("qwen3", {**LLAMA, "head_dim": 8}),
    Architecture("gemma", {**LLAMA, "head_dim": 8}, head=()),
    Architecture("gemma2", {**LLAMA, "head_dim": 8}, head=()),
    Architecture("phi", LLAMA, head=("lm_head.bias", "lm_head.weight")),
    Architecture("phi3", LLAMA),
    Architecture(
        "gpt_neox",
        {**COMMON, "intermediate_size": 32},
        "gpt_neox.embed_in.weight",
        ("embed_out.weight",),
    ),
    Architecture("gpt2", {**SMALL, "n_embd": 16, "n_positions": 24}, "transformer.wte.weight", ()),
    Architecture("mixtral", {**MOE, "num_local_experts": 5}),
    Architecture(
        "qwen2_moe",
        {**MOE, "num_experts": 5, "moe_intermediate_size": 8, "shared_expert_intermediate_size": 8},
    ),
    Architecture("falcon", COMMON, "transformer.word_embeddings.weight", ()),
    Architecture("bloom", {**SMALL, "hidden_size": 16}, "transformer.word_embeddings.weight", ()),
    Architecture(
        "opt",
        {**COMMON, "ffn_dim": 32, "word_embed_proj_dim": 16, "max_position_embeddings": 22},
        "model.decoder.embed_tokens.weight",
        (),
    ),
    Architecture(
        "mamba",
        {**SIZE, "hidden_size": 16, "num_hidden_layers": 2, "state_size": 4},
        "backbone.embeddings.weight",
        (),
    ),
)
EVERY = pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda each: each.model_type)


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Architecture], Path]]:
    """Writes a random model with transformers, once."""
    folder = tmp_path_factory.mktemp("architectures")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # transformers' own
        from transformers import AutoConfig, AutoModelForCausalLM

        def make(architecture: Architecture) -> Path:
            place = folder / architecture.model_type
            if not place.exists():
                torch.manual_seed(0)
                config = AutoConfig.for_model(architecture.model_type, **architecture.config)
                AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(place)
            return place

        yield make


@EVERY
def test_names_tell_where_tensors_sit(
    architecture: Architecture, write: Callable[[Architecture], Path]
) -> None:
    names = list(open_checkpoint(write(architecture)).tensors)
    assert n_layers(names) == 2
    assert tied_embedding(names) == architecture.embedding
    assert sorted(filter(is_head, names)) == list(architecture.head)
    assert vocabulary_tensors(names) == sorted((architecture.embedding, *architecture.head))
    order = layer_order(names)
    stages = ["in" if is_embedding(name) else layer_index(name) for name in order]
    stages = ["out" if stage is None else stage for stage in stages]
    assert [stage for i, stage in enumerate(stages) if i == 0 or stage != stages[i - 1]] == [
        "in",
        0,
        1,
        "out",
    ]
    assert set(architecture.head) <= set(order[stages.index("out") :])


@EVERY
def test_vocabulary_tensors_have_a_row_per_token(
    architecture: Architecture, write: Callable[[Architecture], Path]
) -> None:
    model = open_checkpoint(write(architecture))
    assert {model.tensors[name].shape[0] for name in vocabulary_tensors(model.tensors)} == {24}


@EVERY
def test_a_merge_runs_in_transformers(
    architecture: Architecture, write: Callable[[Architecture], Path], tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM

    base = write(architecture)
    family = prepare(base, [perturbed(base, tmp_path / f"expert{i}", i) for i in range(2)])
    base_ref, *refs = (ModelRef(str(m.path), survey(m).digest) for m in (family.base, *family.experts))
    worker = MergeWorker(family.base, family.experts, base_ref, refs)
    candidate = Candidate(worker, recipe_of(worker, "task_arithmetic", (0.5, 0.5), dtype="float32"))
    out = write_checkpoint(candidate, tmp_path / "out", family.donor, "float32")
    expected = halfway(family.base, family.experts)
    assert all(torch.allclose(tensor, expected[name], atol=1e-6) for name, tensor in open_checkpoint(out))
    model, info = AutoModelForCausalLM.from_pretrained(out, output_loading_info=True)
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    with torch.no_grad():
        logits = model(torch.tensor([[1, 5, 9]])).logits
        original = AutoModelForCausalLM.from_pretrained(base)(torch.tensor([[1, 5, 9]])).logits
    assert logits.isfinite().all()
    assert not torch.allclose(logits, original)


def perturbed(base: Path, folder: Path, seed: int) -> Path:
    shutil.copytree(base, folder)
    random = torch.Generator().manual_seed(seed)
    for file in folder.glob("*.safetensors"):
        tensors = load_file(file)
        noisy = {name: t + 0.05 * torch.randn(t.shape, generator=random) for name, t in tensors.items()}
        save_file(noisy, file, metadata={"format": "pt"})
    return folder


def halfway(base: Checkpoint, experts: tuple[Checkpoint, ...]) -> dict[str, torch.Tensor]:
    return {
        name: tensor + sum((expert.tensor(name) - tensor) * 0.5 for expert in experts)
        for name, tensor in base
    }
