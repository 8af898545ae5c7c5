"""`crucible merge` and `check` on models that wrap a language model, and on models with code of their own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from merging.family.parts import wrapping
from merging.layout import layer_index, n_layers, other_part
from merging.models.checkpoint import open_checkpoint
from search.errors import SpecError
from search.running.answerable import check_answerable
from tests.merging.pico import Pico, edit_json, write_model
from tests.merging.wrapped import (
    BESIDE,
    CONFIGS,
    LAYERS,
    VISION_LAYERS,
    fine_tuned,
    weights,
    write_alone,
    write_wrapped,
)
from tests.search.conftest import Outcome, small_study, write_study

Crucible = Callable[..., Outcome]
pytestmark = pytest.mark.usefixtures("own_folder")
EVERY = pytest.mark.parametrize("kind", CONFIGS)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A base of each kind, written once."""
    folder = tmp_path_factory.mktemp("wrapped")

    def base(kind: str) -> Path:
        place = folder / kind
        return place if place.exists() else write_wrapped(place, kind)

    return base


def config(folder: Path, **said: Any) -> Path:
    path = folder / "merge.yaml"
    path.write_text(yaml.safe_dump({"dtype": "float32", **said}))
    return path


def arithmetic(folder: Path, base: Path, *experts: Path, **said: Any) -> Path:
    models = [{"model": str(expert), "parameters": {"weight": 0.5}} for expert in experts]
    return config(folder, merge_method="task_arithmetic", base_model=str(base), models=models, **said)


def merged(crucible: Crucible, path: Path, *options: str) -> Path:
    out = path.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    outcome = crucible("merge", path, out, *options)
    assert outcome.code == 0, outcome
    return out


def refusal(outcome: Outcome) -> str:
    assert outcome.code == 2, outcome
    (line,) = outcome.err.strip().splitlines()
    return line


@EVERY
def test_layers_are_the_language_models(kind: str, written: Callable[[str], Path]) -> None:
    names = list(weights(written(kind)))
    assert n_layers(names) == LAYERS < VISION_LAYERS
    assert {other_part(name) for name in names} - {None} == BESIDE[kind]
    numbered = [name for name in names if layer_index(name) is not None]
    assert numbered
    assert not any("vis" in name for name in numbered)


@EVERY
def test_the_language_model_is_merged_and_the_rest_stays(
    kind: str, written: Callable[[str], Path], tmp_path: Path, crucible: Crucible
) -> None:
    base = written(kind)
    experts = [fine_tuned(base, tmp_path / f"e{i}", i) for i in range(2)]
    before, (a, b) = weights(base), map(weights, experts)
    found = weights(merged(crucible, arithmetic(tmp_path, base, *experts)))
    assert found.keys() == before.keys()
    for name, tensor in found.items():
        if other_part(name) is None:
            expected = before[name] + 0.5 * (a[name] - before[name]) + 0.5 * (b[name] - before[name])
            torch.testing.assert_close(tensor, expected, rtol=0, atol=1e-6)
            assert not torch.equal(tensor, before[name])
        else:
            assert torch.equal(tensor, before[name])


@EVERY
def test_a_merge_loads_as_its_models_do(
    kind: str, written: Callable[[str], Path], tmp_path: Path, crucible: Crucible
) -> None:
    from transformers import AutoModelForImageTextToText

    base = Path(shutil.copytree(written(kind), tmp_path / "base"))
    (base / "preprocessor_config.json").write_text('{"image_processor_type": "some"}')
    expert = fine_tuned(base, tmp_path / "e", 1)
    out = merged(crucible, arithmetic(tmp_path, base, expert))
    _, info = AutoModelForImageTextToText.from_pretrained(out, output_loading_info=True)
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert (out / "preprocessor_config.json").read_text() == '{"image_processor_type": "some"}'


@EVERY
@pytest.mark.parametrize("compat", [(), ("--compat", "mergekit")])
def test_weights_that_do_not_add_up_to_one_leave_the_rest_alone(
    kind: str, compat: tuple[str, ...], written: Callable[[str], Path], tmp_path: Path, crucible: Crucible
) -> None:
    base = written(kind)
    expert = fine_tuned(base, tmp_path / "e", 1)
    models = [{"model": str(model), "parameters": {"weight": 0.25}} for model in (base, expert)]
    path = config(tmp_path, merge_method="linear", models=models, parameters={"normalize": False})
    before, other, found = weights(base), weights(expert), weights(merged(crucible, path, *compat))
    for name, tensor in found.items():
        expected = before[name] if other_part(name) else 0.25 * before[name] + 0.25 * other[name]
        torch.testing.assert_close(tensor, expected, rtol=0, atol=0 if other_part(name) else 1e-6)


@EVERY
def test_layers_are_stacked_without_the_vision_towers(
    kind: str, written: Callable[[str], Path], tmp_path: Path, crucible: Crucible
) -> None:
    base = written(kind)
    expert = fine_tuned(base, tmp_path / "e", 1)
    slices = [
        {"sources": [{"model": str(base), "layer_range": [0, 2]}]},
        {"sources": [{"model": str(expert), "layer_range": [1, 2]}]},
    ]
    out = merged(crucible, config(tmp_path, merge_method="passthrough", slices=slices))
    before, other, found = weights(base), weights(expert), weights(out)
    assert n_layers(found) == 3
    beside = {name for name in before if other_part(name)}
    assert {name for name in found if other_part(name)} == beside
    assert all(torch.equal(found[name], before[name]) for name in beside)
    third = [name for name in found if layer_index(name) == 2]
    assert third
    for name in third:
        assert torch.equal(found[name], other[name.replace("layers.2.", "layers.1.")])
    said = json.loads((out / "config.json").read_text())
    assert said["text_config"]["num_hidden_layers"] == 3
    assert VISION_LAYERS in (said["vision_config"].get(key) for key in ("depth", "num_hidden_layers"))


@EVERY
@pytest.mark.parametrize("moved", ["first", "last"])
def test_other_vision_weights_are_refused_by_part(
    kind: str, moved: str, written: Callable[[str], Path], tmp_path: Path, crucible: Crucible
) -> None:
    base = written(kind)
    beside = sorted(name for name in weights(base) if other_part(name))
    name = beside[0 if moved == "first" else -1]
    expert = fine_tuned(base, tmp_path / "e", 1, lambda each: each == name)
    for first, second in ((base, expert), (expert, base)):
        line = refusal(crucible("merge", arithmetic(tmp_path, first, second), tmp_path / "out"))
        assert f"{second}/model.safetensors: {name}: differs from that of the base {first}" in line
        assert f"use models that were trained with {other_part(name)} frozen" in line


def test_vision_weights_in_another_dtype_are_the_same(
    written: Callable[[str], Path], tmp_path: Path, crucible: Crucible
) -> None:
    from safetensors.torch import save_file

    base = written("gemma3")
    expert = fine_tuned(base, tmp_path / "e", 1)
    half = {name: tensor.bfloat16() for name, tensor in weights(expert).items()}
    save_file(half, expert / "model.safetensors", metadata={"format": "pt"})
    found, before = weights(merged(crucible, arithmetic(tmp_path, base, expert))), weights(base)
    assert all(torch.equal(found[name], before[name]) for name in before if other_part(name))


@EVERY
def test_a_language_model_alone_is_told_from_one_that_is_wrapped(
    kind: str, written: Callable[[str], Path], tmp_path: Path, crucible: Crucible
) -> None:
    base, alone = written(kind), write_alone(tmp_path / "alone", kind)
    for first, second in ((base, alone), (alone, base)):
        line = refusal(crucible("merge", arithmetic(tmp_path, first, second), tmp_path / "out"))
        assert f"{base} wraps a language model (" in line
        assert f"{alone} is a language model alone; save that of {base.name} as a model of its own" in line


def test_names_of_another_version_are_told(
    written: Callable[[str], Path], tmp_path: Path, crucible: Crucible
) -> None:
    from safetensors.torch import save_file

    base = written("gemma3")
    expert = fine_tuned(base, tmp_path / "e", 1)
    renamed = {
        name.replace("language_model.model.", "model.language_model."): tensor
        for name, tensor in weights(expert).items()
    }
    save_file(renamed, expert / "model.safetensors", metadata={"format": "pt"})
    for first, second in ((base, expert), (expert, base)):
        line = refusal(crucible("merge", arithmetic(tmp_path, first, second), tmp_path / "out"))
        assert "calls" in line
        assert "save both again with one version of transformers" in line


def test_what_lies_in_no_known_part_is_refused(
    written: Callable[[str], Path], tmp_path: Path, crucible: Crucible
) -> None:
    from safetensors.torch import save_file

    base = Path(shutil.copytree(written("gemma3"), tmp_path / "base"))
    strange = {**weights(base), "smell_tower.layers.0.weight": torch.ones(2, 2)}
    save_file(strange, base / "model.safetensors", metadata={"format": "pt"})
    expert = fine_tuned(base, tmp_path / "e", 1)
    line = refusal(crucible("merge", arithmetic(tmp_path, base, expert), tmp_path / "out"))
    assert "smell_tower.layers.0.weight: lies in neither the language model (language_model.*, beside" in line


@EVERY
def test_a_study_of_wrapped_models_is_refused_before_it_runs(
    kind: str, written: Callable[[str], Path], tmp_path: Path, crucible: Crucible
) -> None:
    base = written(kind)
    experts = [str(fine_tuned(base, tmp_path / f"e{i}", i)) for i in range(2)]
    study = write_study(tmp_path / "study", small_study(base_model=str(base), experts=experts))
    for command in ("check", "run"):
        line = refusal(crucible(command, study))
        assert f"{base}: wraps a language model (" in line
        assert ") as no engine loads it: transformers" in line
        assert "save it as a model of its own" in line


def test_one_that_is_called_as_the_engine_calls_it_is_not_refused(
    written: Callable[[str], Path], tmp_path: Path
) -> None:
    """Gemma 3's causal class is the wrapped one; trainers that save its state as it is are understood."""
    from safetensors.torch import save_file

    model = Path(shutil.copytree(written("gemma3"), tmp_path / "model"))
    renamed = {
        f"model.{name.replace('language_model.model.', 'language_model.')}": tensor
        for name, tensor in weights(model).items()
    }
    save_file(renamed, model / "model.safetensors", metadata={"format": "pt"})
    assert wrapping(open_checkpoint(model)) is not None
    check_answerable(open_checkpoint(model))
    with pytest.raises(SpecError, match=r"has no language_model\.model\.embed_tokens\.weight"):
        check_answerable(open_checkpoint(written("gemma3")))


def test_a_gradient_goes_over_the_language_models_layers(
    written: Callable[[str], Path], tmp_path: Path, crucible: Crucible
) -> None:
    """Its three-layered tower would give the second of two layers a weight of 0.5."""
    base = written("qwen3_5")
    expert = fine_tuned(base, tmp_path / "e", 1)
    models = [{"model": str(expert), "parameters": {"weight": [0.0, 1.0]}}]
    said = config(tmp_path, merge_method="task_arithmetic", base_model=str(base), models=models)
    before, after, found = weights(base), weights(expert), weights(merged(crucible, said))
    for name in found:
        if (layer := layer_index(name)) is not None:
            torch.testing.assert_close(found[name], (before, after)[layer][name], rtol=0, atol=1e-6)


def test_heads_for_several_tokens_are_the_language_models_own(
    written: Callable[[str], Path], tmp_path: Path, crucible: Crucible
) -> None:
    from safetensors.torch import save_file

    base = Path(shutil.copytree(written("qwen3_5"), tmp_path / "base"))
    more = {**weights(base), "mtp.fc.weight": torch.ones(2, 2)}
    save_file(more, base / "model.safetensors", metadata={"format": "pt"})
    expert = fine_tuned(base, tmp_path / "e", 1)
    found = weights(merged(crucible, arithmetic(tmp_path, base, expert)))
    expected = (more["mtp.fc.weight"] + weights(expert)["mtp.fc.weight"]) / 2
    torch.testing.assert_close(found["mtp.fc.weight"], expected, rtol=0, atol=1e-6)


# -- code of a model's own -----------------------------------------------------------------------------------

CODE = {"AutoConfig": "configuration_own.OwnConfig", "AutoModelForCausalLM": "modeling_own.OwnModel"}
MODULES = {
    "configuration_own.py": "raise SystemExit('this was run')\n",
    "modeling_own.py": "from .layers_own import Layer\nraise SystemExit('this was run')\n",
    "layers_own.py": "raise SystemExit('this was run')\n",
}


def own_model(folder: Path, seed: int | None = None, auto_map: Mapping[str, str] = CODE) -> Path:
    """A model of an architecture that only its own code knows; `train.py` is no part of it."""
    said = {"model_type": "own", "architectures": ["OwnModel"], "auto_map": dict(auto_map)}
    pico = Pico(config=said, dtype=torch.float32)
    base = pico.base()
    write_model(folder, base if seed is None else pico.expert(base, seed), pico)
    for name, text in MODULES.items():
        (folder / name).write_text(text)
    (folder / "train.py").write_text(f"# {folder.name}\n")
    return folder


def test_a_models_own_code_goes_along_unrun(tmp_path: Path, crucible: Crucible) -> None:
    base, experts = own_model(tmp_path / "base"), [own_model(tmp_path / f"e{i}", i) for i in range(2)]
    out = merged(crucible, arithmetic(tmp_path, base, *experts))
    assert {file.name: file.read_text() for file in out.glob("*.py")} == MODULES
    assert json.loads((out / "config.json").read_text())["auto_map"] == CODE
    before, a, b = (weights(model) for model in (base, *experts))
    for name, tensor in weights(out).items():
        torch.testing.assert_close(tensor, (a[name] + b[name]) / 2, rtol=0, atol=1e-6)
        assert name in before


def test_code_goes_along_where_files_are_made_ready(tmp_path: Path, crucible: Crucible) -> None:
    """Another model's stop token, and a model's config of choice, make a folder in the cache."""
    base, expert = own_model(tmp_path / "base"), own_model(tmp_path / "e", 1)
    edit_json(expert / "generation_config.json", lambda said: said.update(eos_token_id=5))
    for options in ((), ("--config-source", "e")):
        out = merged(crucible, arithmetic(tmp_path, base, expert), *options)
        assert {file.name for file in out.glob("*.py")} == MODULES.keys()
    out = merged(crucible, arithmetic(tmp_path, base, expert, tokenizer_source="union"))
    assert {file.name for file in out.glob("*.py")} == MODULES.keys()


@pytest.mark.parametrize("name", MODULES)
def test_other_code_is_refused_by_file(name: str, tmp_path: Path, crucible: Crucible) -> None:
    base, expert = own_model(tmp_path / "base"), own_model(tmp_path / "e", 1)
    (expert / name).write_text(MODULES[name] + "# another\n")
    for first, second in ((base, expert), (expert, base)):
        line = refusal(crucible("merge", arithmetic(tmp_path, first, second), tmp_path / "out"))
        assert f"{second / name}: is other code than the base's {first / name}" in line


@pytest.mark.parametrize("name", MODULES)
def test_missing_code_is_refused_by_file(name: str, tmp_path: Path, crucible: Crucible) -> None:
    base, expert = own_model(tmp_path / "base"), own_model(tmp_path / "e", 1)
    (expert / name).unlink()
    for first, second in ((base, expert), (expert, base)):
        line = refusal(crucible("merge", arithmetic(tmp_path, first, second), tmp_path / "out"))
        assert f"{expert / name}: missing, {base} has it; copy it there" in line


def test_code_that_lies_on_the_hub_is_not_missed(tmp_path: Path, crucible: Crucible) -> None:
    """So trainers save a fine-tune: its config says where the code came from."""
    base = own_model(tmp_path / "base")
    expert = own_model(tmp_path / "e", 1, {use: f"somebody/own--{name}" for use, name in CODE.items()})
    for file in expert.glob("*.py"):
        file.unlink()
    out = merged(crucible, arithmetic(tmp_path, base, expert))
    assert {file.name for file in out.glob("*.py")} == MODULES.keys()


def test_a_known_architecture_needs_no_code(tmp_path: Path, crucible: Crucible) -> None:
    pico = Pico(dtype=torch.float32)
    base = write_model(tmp_path / "base", pico.base(), pico)
    named = Pico(dtype=torch.float32, config={"auto_map": {"AutoModelForCausalLM": "modeling_own.Own"}})
    expert = write_model(tmp_path / "e", named.expert(named.base(), 1), named)
    (expert / "modeling_own.py").write_text("raise SystemExit('this was run')\n")
    assert not list(merged(crucible, arithmetic(tmp_path, base, expert)).glob("*.py"))
    out = merged(crucible, arithmetic(tmp_path, base, expert), "--config-source", "e")
    assert (out / "modeling_own.py").is_file()


def test_a_study_of_models_with_own_code_is_refused_early(tmp_path: Path, crucible: Crucible) -> None:
    base = own_model(tmp_path / "base")
    experts = [str(own_model(tmp_path / f"e{i}", i)) for i in range(2)]
    study = write_study(tmp_path / "study", small_study(base_model=str(base), experts=experts))
    for arguments in (("check", study), ("run", study), ("evaluate", base, study)):
        line = refusal(crucible(*arguments))
        assert f"{base}: model_type 'own' is code of the model's own (auto_map)" in line
        assert "which the engines never run" in line
