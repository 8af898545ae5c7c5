"""A study's models as users have them: adapters, pickles, vocabularies that differ."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from merging.recipe import load_recipe
from search.candidates.export import export
from search.candidates.models import open_worker
from search.running.workshop import Workshop, open_workshop
from search.study_file.spec import StudySpec, load_study
from tests.merging.pico import edit_json, write_json
from tests.search.conftest import MODELS, TINY, Outcome, small_study, write_study

Crucible = Callable[..., Outcome]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny models, to be changed."""
    monkeypatch.chdir(tmp_path)
    for name in MODELS:
        shutil.copytree(TINY / name, tmp_path / name)
    return tmp_path


def study(folder: Path, **changes: object) -> StudySpec:
    return load_study(write_study(folder, small_study(trials=1, items=2, **changes)))


def pickled(model: Path) -> None:
    """The model as old trainers left it."""
    torch.save(load_file(model / "model.safetensors"), model / "pytorch_model.bin")
    (model / "model.safetensors").unlink()


def adapter(folder: Path) -> Path:
    """A LoRA of the tiny base."""
    name, rank = "model.layers.0.mlp.up_proj", 2
    weight = load_file(folder / "base" / "model.safetensors")[f"{name}.weight"]
    random = torch.Generator().manual_seed(0)
    pair = {
        "A": torch.randn(rank, weight.shape[1], generator=random),
        "B": torch.randn(weight.shape[0], rank, generator=random),
    }
    path = folder / "lora"
    path.mkdir()
    tensors = {f"base_model.model.{name}.lora_{key}.weight": 0.02 * half for key, half in pair.items()}
    save_file(tensors, path / "adapter_model.safetensors")
    write_json(
        path / "adapter_config.json",
        {"peft_type": "LORA", "r": rank, "lora_alpha": 2, "target_modules": ["up_proj"]},
    )
    return path


def grow(model: Path) -> None:
    """Give the model a token of its own."""
    weights = model / "model.safetensors"
    tensors = load_file(weights)
    size = len(tensors["model.embed_tokens.weight"])
    for name, tensor in tensors.items():
        if len(tensor) == size and tensor.dim() == 2 and "layers" not in name:
            tensors[name] = torch.cat([tensor, tensor[:1]])
    save_file(tensors, weights, metadata={"format": "pt"})
    token = {"id": size, "content": "<think>", "special": False}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    edit_json(model / "config.json", lambda config: config.update(vocab_size=size + 1))
    edit_json(model / "tokenizer.json", lambda found: found["added_tokens"].append({**token, **flags}))


def rebuilt(workshop: Workshop, out: Path) -> None:
    """What the study proposes can be opened again from its recipe alone, as it is stored."""
    recipe = workshop.space.decode({})
    export(recipe, out, "recipe")
    again = load_recipe((out / "recipe.yaml").read_text(), "it")
    assert again == recipe
    found = dict(open_worker(again).tensors(again))
    for name, tensor in workshop.worker.tensors(recipe):
        assert torch.equal(found[name], tensor)


def test_an_adapter_is_an_expert(folder: Path) -> None:
    adapter(folder)
    workshop = open_workshop(study(folder, experts=["./math", "./lora"]))
    assert workshop.space.experts[1].path == str(folder / "lora")
    assert workshop.fingerprints["lora"].digest not in (
        workshop.fingerprints["base"].digest,
        workshop.fingerprints["math"].digest,
    )
    rebuilt(workshop, folder / "out")


def test_pickles_are_read_only_where_the_study_allows_them(folder: Path, crucible: Crucible) -> None:
    before = open_workshop(study(folder)).identity()
    pickled(folder / "math")
    outcome = crucible("check", write_study(folder, small_study()))
    assert outcome.code == 2
    assert "--allow-pickle" in outcome.err
    workshop = open_workshop(study(folder, allow_pickle=True))
    assert workshop.identity() == before, "a model's format is no part of a study"
    assert workshop.space.decode({}).allow_pickle
    rebuilt(workshop, folder / "out")


@pytest.mark.parametrize(("source", "more"), [("base", 0), ("union", 1), ("math", 1), ("./math", 1)])
def test_vocabularies_are_aligned_as_the_study_says(folder: Path, source: str, more: int) -> None:
    plain = open_workshop(study(folder))
    rows = plain.base.tensors["model.embed_tokens.weight"].shape[0]
    assert "tokenizer_source" not in plain.identity()["study"]
    grow(folder / "math")
    workshop = open_workshop(study(folder, tokenizer_source=source))
    for model in (workshop.base, *workshop.experts):
        assert model.tensors["model.embed_tokens.weight"].shape[0] == rows + more
    assert workshop.identity()["study"]["tokenizer_source"] == source.removeprefix("./")
    rebuilt(workshop, folder / "out")


def test_vocabularies_that_differ_are_refused_else(folder: Path, crucible: Crucible) -> None:
    grow(folder / "math")
    outcome = crucible("check", write_study(folder, small_study()))
    assert outcome.code == 2
    assert "set tokenizer_source to base or union" in outcome.err


def test_a_study_of_such_models_runs_to_its_export(folder: Path, crucible: Crucible) -> None:
    adapter(folder)
    grow(folder / "math")
    pickled(folder / "code")
    write_study(
        folder,
        small_study(
            trials=1,
            items=2,
            experts=["./math", "./lora", "./code"],
            tokenizer_source="union",
            allow_pickle=True,
        ),
    )
    assert crucible("check", "study.yaml").code == 0
    assert crucible("run", "study.yaml").code == 0
    for form in ("recipe", "mergekit", "checkpoint"):
        outcome = crucible("export", "tiny", "--trial", 0, "--format", form, "--out", form)
        assert outcome.code == 0, outcome
    assert "tokenizer_source: union" in Path("mergekit/merge.yaml").read_text()
    assert crucible("merge", "recipe/recipe.yaml", "a").code == 0
    assert crucible("merge", "mergekit/merge.yaml", "b", "--allow-pickle").code == 0
    made = [Path(name, "model.safetensors").read_bytes() for name in ("checkpoint", "a", "b")]
    assert made[0] == made[1] == made[2]


def test_adapters_and_pickles_are_evaluated(folder: Path, crucible: Crucible) -> None:
    file = write_study(folder, small_study(items=2))
    adapter(folder)
    shutil.copytree(folder / "math", folder / "safe")
    pickled(folder / "math")
    assert crucible("evaluate", "lora", file).code == 0
    assert "--allow-pickle" in crucible("evaluate", "math", file).err
    allowed = json.loads(crucible("evaluate", "math", file, "--allow-pickle", "--json").out)
    safe = json.loads(crucible("evaluate", "safe", file, "--json").out)
    assert {**allowed, "model": ""} == {**safe, "model": ""}
