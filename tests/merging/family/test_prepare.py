from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from merging.errors import CheckpointError
from merging.family.prepare import Family, prepare
from merging.models.checkpoint import open_checkpoint
from merging.models.fingerprint import survey
from merging.models.writer import write_checkpoint
from merging.recipe import ModelRef
from merging.worker import Candidate, MergeWorker
from tests.merging.pico import VOCABULARY, Pico, edit_json, recipe_of, write_family, write_model

GOLDEN = Path(__file__).parents[2] / "oracle" / "golden" / "lora"
HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"


def worker_of(family: Family) -> MergeWorker:
    base, *experts = (ModelRef(str(m.path), survey(m).digest) for m in (family.base, *family.experts))
    return MergeWorker(family.base, family.experts, base, experts)


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "patterns", tmp_path / "patterns"))


def test_models_that_need_nothing_are_opened_as_they_are(tmp_path: Path) -> None:
    base, experts = write_family(tmp_path / "models")
    family = prepare(base, experts)
    assert family == Family(open_checkpoint(base), tuple(open_checkpoint(path) for path in experts))
    assert family.donor == family.base
    assert not (tmp_path / "xdg-cache").exists()


def test_an_adapter_alone_merges_to_what_peft_makes_of_it(lora: Path) -> None:
    family = prepare(lora / "base", [lora / "adapter"])
    assert family.experts[0].path == lora / "adapter"
    worker = worker_of(family)
    expected = load_file(lora / "merged.safetensors")
    for name, tensor in Candidate(worker, recipe_of(worker, "linear", (1.0,), dtype="float32")):
        torch.testing.assert_close(tensor, expected[name], rtol=1e-6, atol=1e-7)


def test_only_what_an_adapter_changes_is_written(lora: Path) -> None:
    expert = prepare(lora / "base", [lora / "adapter"]).experts[0]
    kept = {name for name, info in expert.tensors.items() if info.file.parent == lora / "base"}
    assert all("k_proj.w" not in name and "up_proj" not in name for name in kept)
    assert len(kept) == len(expert.tensors) - 6  # two layers of two, embedding and head


def test_the_cache_is_keyed_by_all_that_went_in(lora: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"

    def made() -> int:
        prepare(lora / "base", [lora / "adapter"], cache=cache)
        return len([path for path in (cache / "prepared").iterdir() if path.is_dir()])

    assert [made(), made()] == [1, 1]
    edit_json(lora / "adapter" / "adapter_config.json", lambda config: config.update(lora_alpha=16))
    assert made() == 2
    file = lora / "adapter" / "adapter_model.safetensors"
    save_file({name: tensor * 2 for name, tensor in load_file(file).items()}, file)
    assert made() == 3
    file = lora / "base" / "model.safetensors"
    save_file({name: tensor * 2 for name, tensor in load_file(file).items()}, file)
    assert made() == 4
    (lora / "adapter" / "tokenizer.json").write_text('{"model": {"vocab": {"a": 0}}}')
    assert made() == 5
    moved = Path(shutil.copytree(lora, tmp_path / "elsewhere"))
    before = {path.name for path in (cache / "prepared").iterdir()}
    prepare(moved / "base", [moved / "adapter"], cache=cache)
    assert {path.name for path in (cache / "prepared").iterdir()} == before


def test_adapters_and_whole_models_make_one_family(lora: Path, tmp_path: Path) -> None:
    whole = shutil.copytree(lora / "base", tmp_path / "whole")
    save_file(load_file(lora / "merged.safetensors"), whole / "model.safetensors")
    worker = worker_of(prepare(lora / "base", [whole, lora / "adapter"]))
    merged = dict(Candidate(worker, recipe_of(worker, "linear", (0.5, 0.5), dtype="float32")))
    for name, tensor in load_file(lora / "merged.safetensors").items():
        torch.testing.assert_close(merged[name], tensor, rtol=1e-6, atol=1e-7)


def test_a_family_travels_between_processes(lora: Path) -> None:
    family = prepare(lora / "base", [lora / "adapter"])
    assert pickle.loads(pickle.dumps(family)) == family


def test_an_adapter_that_grew_its_vocabulary_is_aligned(tmp_path: Path) -> None:
    """Trainers resize embedding and head, save them whole, and put the tokenizer beside the adapter."""
    base = write_model(tmp_path / "base", Pico().base(), Pico())
    grown = Pico(vocabulary=(*VOCABULARY, "<think>"))
    adapter = write_model(tmp_path / "adapter", {"unused": torch.zeros(1)}, grown)
    for name in ("config.json", "model.safetensors"):
        (adapter / name).unlink()
    shutil.copy(GOLDEN / "plain" / "adapter" / "adapter_config.json", adapter)
    whole = {name: grown.base(1)[name] for name in (HEAD, EMBEDDING)}
    prefixed = {f"base_model.model.{name}": tensor for name, tensor in whole.items()}
    save_file(prefixed, adapter / "adapter_model.safetensors")
    with pytest.raises(
        CheckpointError, match=r"adapter: vocab_size 33, the base .* has 32; set tokenizer_source"
    ):
        prepare(base, [adapter])
    family = prepare(base, [adapter], tokenizer_source="union")
    worker = worker_of(family)
    out = write_checkpoint(
        Candidate(worker, recipe_of(worker, "linear", (1.0,))), tmp_path / "out", family.donor, "bfloat16"
    )
    written = open_checkpoint(out)
    assert written.config["vocab_size"] == 33
    assert torch.equal(written.tensor(HEAD), whole[HEAD])
    cut = prepare(base, [adapter], tokenizer_source="base")
    assert torch.equal(cut.experts[0].tensor(HEAD), whole[HEAD][:32])


@pytest.mark.parametrize("doubled", ["base", "expert"])
def test_a_tied_head_that_one_model_stores_too_is_left_out(tmp_path: Path, doubled: str) -> None:
    pico = Pico(tied=True)
    paths = []
    for seed, name in enumerate(("base", "expert")):
        tensors = pico.base(seed)
        if name == doubled:
            tensors[HEAD] = tensors[EMBEDDING].clone()
        paths.append(write_model(tmp_path / name, tensors, pico))
    family = prepare(paths[0], paths[1:])
    assert HEAD not in family.base.tensors | family.experts[0].tensors
    worker = worker_of(family)
    assert HEAD not in dict(Candidate(worker, recipe_of(worker, "linear", (1.0,))))
    assert survey(family.base) != survey(open_checkpoint(paths[0])) or doubled == "expert"


def test_a_stored_head_of_an_untied_model_stays(tmp_path: Path) -> None:
    tensors = Pico().base()
    tensors[HEAD] = tensors[EMBEDDING].clone()
    base = write_model(tmp_path / "base", tensors, Pico())
    assert HEAD in prepare(base, [base]).base.tensors


def test_dtypes_may_differ_within_and_between_models(tmp_path: Path) -> None:
    base = write_model(tmp_path / "base", Pico().base(), Pico())
    mixed = {
        name: tensor.to(dtype)
        for (name, tensor), dtype in zip(
            Pico().base(1).items(), [torch.float16, torch.float32, torch.bfloat16] * 99, strict=False
        )
    }
    worker = worker_of(prepare(base, [write_model(tmp_path / "e", mixed, Pico())]))
    merged = dict(Candidate(worker, recipe_of(worker, "linear", (1.0,), dtype="float32")))
    assert all(torch.equal(tensor, mixed[name].float()) for name, tensor in merged.items())


def test_masks_that_old_versions_stored_are_no_weights(tmp_path: Path) -> None:
    mask = {
        "model.layers.0.attention.bias": torch.ones(1, 1, 4, 4, dtype=torch.bool),
        "model.layers.0.attention.masked_bias": torch.tensor(float("-inf")),
        "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(2),
    }
    base = write_model(tmp_path / "base", {**Pico().base(), **mask}, Pico())
    expert = write_model(tmp_path / "e", Pico().base(), Pico())
    assert prepare(base, [expert]).base.tensors.keys() == Pico().base().keys()


@pytest.mark.parametrize(
    ("dtype", "word"), [(torch.int8, "I8"), (torch.float8_e4m3fn, "F8_E4M3"), (torch.uint8, "U8")]
)
def test_quantized_models_are_refused_before_any_work(tmp_path: Path, dtype: torch.dtype, word: str) -> None:
    name = "model.layers.0.mlp.up_proj.weight"
    base = write_model(tmp_path / "base", {**Pico().base(), name: torch.zeros(32, 16).to(dtype)}, Pico())
    with pytest.raises(
        CheckpointError, match=rf"safetensors: {name}: dtype {word}, .* that is not quantized"
    ):
        prepare(base, [base])


def test_an_adapter_is_no_base(lora: Path) -> None:
    with pytest.raises(CheckpointError, match="is an adapter, not a model; name it among the experts"):
        prepare(lora / "adapter", [lora / "adapter"])
