"""`crucible families` on real models: what it says, what it writes, and what it refuses."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from search.study_file.spec import load_study
from tests.merging.pico import Pico, edit_json, write_model
from tests.merging.zoo.builders import noise, write_adapter
from tests.search.conftest import MODELS, TINY, Outcome

Crucible = Callable[..., Outcome]
EXPERTS = MODELS[1:]


pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny models, one of the same kind trained from another seed, and one of another architecture."""
    folder = tmp_path_factory.mktemp("zoo")
    for name in MODELS:
        shutil.copytree(TINY / name, folder / name)
    retrained(folder / "again", seed=1)
    qwen(folder / "qwen")
    return folder


def retrained(folder: Path, seed: int) -> None:
    """The tiny model from another seed, trained on a few texts for a few steps."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    model = LlamaForCausalLM(LlamaConfig.from_pretrained(TINY / "base")).float()
    tokenizer = AutoTokenizer.from_pretrained(TINY / "base")
    texts = [json.loads(line)["problem"] for line in (TINY / "math.jsonl").read_text().splitlines()[:16]]
    tokens = torch.tensor([tokenizer(text.ljust(64)[:64]).input_ids for text in texts])
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    losses = []
    for _ in range(12):
        loss = model(input_ids=tokens, labels=tokens).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 1
    model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def qwen(folder: Path) -> None:
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=99,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    Qwen2ForCausalLM(config).bfloat16().save_pretrained(folder)
    AutoTokenizer.from_pretrained(TINY / "base").save_pretrained(folder)


def found(outcome: Outcome) -> dict[str, Any]:
    assert outcome.code == 0, outcome.err
    report: dict[str, Any] = json.loads(outcome.out)
    return report


def refused(outcome: Outcome, *parts: str) -> None:
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    (line,) = [line for line in outcome.err.splitlines() if line.startswith("crucible: ")]
    assert all(part in line for part in parts), line


def test_a_zoo_falls_into_families_and_loners_and_files_are_written(
    tmp_path: Path, zoo: Path, crucible: Crucible
) -> None:
    names = [*MODELS, "again", "qwen"]
    out = tmp_path / "out"
    outcome = crucible(
        "families", *(zoo / n for n in names), "--out", out, "--slices", TINY / "study.yaml", "--json"
    )
    report = found(outcome)
    (family,) = report["families"]
    assert (family["name"], family["architecture"], family["base"]) == ("llama-0.7m", "llama", "base")
    assert (family["base_found_by"], family["base_sure"]) == ("cosine", "likely")
    assert family["members"] == sorted(MODELS)
    assert family["warnings"] == []
    assert report["loners"] == ["again", "qwen"]
    assert "no common origin" in report["models"]["again"]["alone_because"]
    assert report["models"]["qwen"]["alone_because"] == "no other qwen2 model is given"
    pairs = {(pair["a"], pair["b"]): pair for pair in family["pairs"]}
    assert set(pairs) == set(itertools.combinations(sorted(MODELS), 2))
    assert pairs["base", "math"]["cosine"] == pytest.approx(0.9866, abs=1e-4)
    assert pairs["base", "math"]["distance"] == pytest.approx(0.1654, abs=1e-4)
    assert pairs["base", "math"]["task_cosine"] is None
    assert pairs["gsm8k", "math"]["task_cosine"] == pytest.approx(0.1371, abs=1e-3)
    study, fusion = Path(family["study_file"]), Path(report["fusion_file"])
    assert {study, fusion} == set(out.iterdir())
    spec = load_study(study)
    assert (spec.name, spec.expert_names) == ("llama-0.7m", ("code", "gsm8k", "math"))
    assert (spec.folder / spec.base_model.model).resolve() == zoo / "base"
    said = yaml.safe_load(fusion.read_text())
    assert said["studies"] == ["llama-0.7m.yaml"]
    assert [(out / model).resolve() for model in said["models"]] == [zoo / "again", zoo / "qwen"]


def test_the_study_that_is_written_is_sound(tmp_path: Path, crucible: Crucible) -> None:
    out = tmp_path / "out"
    options = ("--out", out, "--slices", TINY / "study.yaml", "--json")
    report = found(crucible("families", *(TINY / name for name in MODELS), *options))
    study = report["families"][0]["study_file"]
    url = f"sqlite:///{tmp_path / 'crucible.db'}"
    checked = found(crucible("check", study, "--json", "--storage", url))
    tiny = found(crucible("check", TINY / "study.yaml", "--json", "--storage", url))
    for same in ("search_items", "holdout_items", "layer_groups", "searched", "trials", "methods"):
        assert checked[same] == tiny[same]
    assert checked["models"] == tiny["models"]


def test_the_order_in_which_models_are_named_does_not_matter(
    tmp_path: Path, zoo: Path, crucible: Crucible
) -> None:
    names = [*MODELS, "again", "qwen"]
    reports, files = [], []
    for number, order in enumerate((names, names[::-1], [*names[3:], *names[:3]])):
        out = tmp_path / str(number)
        report = found(crucible("families", *(zoo / n for n in order), "--out", out, "--json"))
        reports.append(json.dumps(report).replace(str(out), "OUT"))
        files.append({file.name: file.read_text() for file in out.iterdir()})
    assert reports[0] == reports[1] == reports[2]
    assert files[0] == files[1] == files[2]


def test_without_a_folder_nothing_is_written_and_the_files_are_shown(
    tmp_path: Path, crucible: Crucible
) -> None:
    before = set(tmp_path.rglob("*")) - set((tmp_path / "cache").rglob("*"))
    outcome = crucible("families", *(TINY / name for name in MODELS))
    assert outcome.code == 0
    assert "llama-0.7m: base, code, gsm8k, math (llama, 0.7M parameters each)" in outcome.out
    assert "base      base, found by cosine, likely" in outcome.out
    assert "pair      gsm8k, math: cosine 0.9842, apart 0.1783, task vectors +0.14" in outcome.out
    assert "llama-0.7m.yaml: not written" in outcome.out
    assert "# slices:" in outcome.out
    after = set(tmp_path.rglob("*")) - set((tmp_path / "cache").rglob("*"))
    assert after - {tmp_path / "cache"} == before


def test_slices_that_are_not_given_are_left_as_a_template(tmp_path: Path, crucible: Crucible) -> None:
    report = found(
        crucible(
            "families",
            *(TINY / n for n in MODELS),
            "--out",
            "out",
            "--storage",
            "sqlite:///mine.db",
            "--json",
        )
    )
    study = Path(report["families"][0]["study_file"])
    refused(crucible("check", study), f"{study}:", "slices: is missing")
    text = study.read_text().replace("# slices:", "slices:").replace("#   - {", "  - {")
    data = yaml.safe_load(text)
    assert [part["name"] for part in data["slices"]] == ["gsm8k", "math"]
    study.write_text(text)
    assert load_study(study).storage == "sqlite:///mine.db"
    assert yaml.safe_load(Path(report["fusion_file"]).read_text())["storage"] == "sqlite:///mine.db"


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path, crucible: Crucible) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "fusion.yaml").write_text("mine")
    refused(
        crucible("families", *(TINY / n for n in MODELS), "--out", out),
        f"{out}/fusion.yaml: is there already",
    )
    assert [file.name for file in out.iterdir()] == ["fusion.yaml"]
    assert (out / "fusion.yaml").read_text() == "mine"


def test_a_zoo_of_one_model_has_nobody_to_be_merged_with(tmp_path: Path, crucible: Crucible) -> None:
    report = found(crucible("families", TINY / "base", "--out", tmp_path / "out", "--json"))
    assert (report["families"], report["loners"], report["fusion_file"]) == ([], ["base"], None)
    assert not (tmp_path / "out").exists()
    assert "no other llama model is given" in crucible("families", TINY / "base").out


def test_models_of_one_name_are_told_apart_and_studies_say_what_they_call_them(
    tmp_path: Path, crucible: Crucible
) -> None:
    for run, name in (("run1", "gsm8k"), ("run2", "math")):
        shutil.copytree(TINY / name, tmp_path / run / "base")
    shutil.copytree(TINY / "base", tmp_path / "start" / "2024 (final)")
    given = (tmp_path / "run1" / "base", tmp_path / "run2" / "base", tmp_path / "start" / "2024 (final)")
    report = found(crucible("families", *given, "--out", "out", "--slices", TINY / "study.yaml", "--json"))
    (family,) = report["families"]
    assert family["members"] == ["2024-final-", "run1-base", "run2-base"]
    spec = load_study(Path(family["study_file"]))
    assert spec.expert_names == ("run1-base", "run2-base")
    assert (spec.folder / spec.base_model.model).resolve() == given[2]


def test_an_expert_called_base_gets_another_name_in_the_study(tmp_path: Path, crucible: Crucible) -> None:
    for old, new in (("base", "origin"), ("gsm8k", "base"), ("math", "uniform"), ("code", "7")):
        shutil.copytree(TINY / old, tmp_path / new)
    given = [tmp_path / name for name in ("origin", "base", "uniform", "7")]
    report = found(crucible("families", *given, "--out", "out", "--slices", TINY / "study.yaml", "--json"))
    spec = load_study(Path(report["families"][0]["study_file"]))
    assert (spec.base_name, spec.expert_names) == ("base", ("7", "base-model", "uniform-model"))


@pytest.mark.parametrize("said", [None, "../base", "somewhere/tiny/base"])
def test_a_lora_is_of_the_family_of_its_base(tmp_path: Path, said: str | None, crucible: Crucible) -> None:
    for name in ("base", "gsm8k", "math"):
        shutil.copytree(TINY / name, tmp_path / name)
    lora = write_adapter(tmp_path / "lora", Pico(layers=4, hidden=128), 0, said)
    models = [tmp_path / name for name in ("base", "gsm8k", "math")]
    options = ("--out", tmp_path / "out", "--slices", TINY / "study.yaml", "--json")
    report = found(crucible("families", *models, lora, *options))
    (family,) = report["families"]
    assert family["members"] == ["base", "gsm8k", "lora", "math"]
    assert (family["base"], family["base_found_by"]) == ("base", "cosine" if said is None else "adapter")
    assert report["models"]["lora"]["adapter_of"] == "base"
    checked = found(crucible("check", family["study_file"], "--json", "--storage", "sqlite:///c.db"))
    assert set(checked["models"]) == {"base", "gsm8k", "lora", "math"}


def test_model_and_adapter_in_one_word_bring_both(tmp_path: Path, crucible: Crucible) -> None:
    lora = write_adapter(tmp_path / "lora", Pico(layers=4, hidden=128), 0)
    report = found(crucible("families", f"{TINY / 'base'}+{lora}", "--json"))
    (family,) = report["families"]
    assert (family["members"], family["base"]) == (["base", "lora"], "base")
    assert (family["base_found_by"], family["base_sure"]) == ("adapter", "certain")
    refused(crucible("families", f"{lora}+{TINY / 'base'}"), "is an adapter itself")
    refused(crucible("families", f"{TINY / 'base'}+{TINY / 'math'}"), "is no LoRA adapter")
    refused(crucible("families", lora), "no whole model is given", "MODEL+ADAPTER")


def test_a_permuted_vocabulary_is_one_family_and_its_study_aligns_it(
    tmp_path: Path, crucible: Crucible
) -> None:
    for name in MODELS:
        shutil.copytree(TINY / name, tmp_path / name)
    permute(tmp_path / "math")
    models = [tmp_path / name for name in MODELS]
    options = ("--out", tmp_path / "out", "--slices", TINY / "study.yaml", "--json")
    (family,) = found(crucible("families", *models, *options))["families"]
    assert (family["base"], family["tokenizer_source"]) == ("base", "union")
    (note,) = family["warnings"]
    assert note.startswith("math: another vocabulary (")
    assert "(96 tokens differ)" in note
    checked = found(crucible("check", family["study_file"], "--json", "--storage", "sqlite:///c.db"))
    assert len(checked["models"]) == 4


def permute(folder: Path) -> None:
    """Number all tokens but the first three backwards, and order the embedding's rows alike."""
    last = 98
    edit_json(
        folder / "tokenizer.json",
        lambda data: data["model"].update(
            vocab={t: n if n < 3 else last + 3 - n for t, n in data["model"]["vocab"].items()}
        ),
    )
    file = folder / "model.safetensors"
    tensors = load_file(file)
    rows = [n if n < 3 else last + 3 - n for n in range(last + 1)]
    tensors["model.embed_tokens.weight"] = tensors["model.embed_tokens.weight"][rows].clone()
    save_file(tensors, file, metadata={"format": "pt"})


def test_without_its_base_a_family_has_a_stand_in_and_a_hint_at_the_base(
    tmp_path: Path, crucible: Crucible
) -> None:
    for name in EXPERTS:
        shutil.copytree(TINY / name, tmp_path / name)
        edit_json(
            tmp_path / name / "config.json", lambda config: config.update(_name_or_path="org/tiny-base")
        )
    report = found(crucible("families", *(tmp_path / name for name in EXPERTS), "--out", "out", "--json"))
    (family,) = report["families"]
    assert (family["base"], family["base_found_by"], family["base_sure"]) == ("gsm8k", "fallback", "unclear")
    assert "configs name org/tiny-base: give that model too" in family["warnings"][0]
    assert "# gsm8k stands in as the base" in Path(family["study_file"]).read_text()


def test_a_pair_of_models_is_decided_by_a_hint_at_most(tmp_path: Path, crucible: Crucible) -> None:
    for name in ("base", "math"):
        shutil.copytree(TINY / name, tmp_path / name)
    pair = (tmp_path / "base", tmp_path / "math")
    (family,) = found(crucible("families", *pair, "--json"))["families"]
    assert (family["base_found_by"], family["base_sure"]) == ("fallback", "unclear")
    edit_json(tmp_path / "math" / "config.json", lambda config: config.update(_name_or_path="../base"))
    (family,) = found(crucible("families", *pair, "--json"))["families"]
    assert (family["base"], family["base_found_by"], family["base_sure"]) == ("base", "hint", "likely")


def test_two_families_of_one_kind_and_size_have_names_of_their_own(
    tmp_path: Path, crucible: Crucible
) -> None:
    pico = Pico(layers=1)
    folders = []
    for seed in (0, 1):
        base = pico.base(seed)
        for place, tensors in enumerate((base, pico.expert(base, 1), pico.expert(base, 2))):
            folders.append(write_model(tmp_path / f"m{seed}{place}", tensors, pico))
    report = found(crucible("families", *folders, "--out", "out", "--json"))
    assert [family["name"] for family in report["families"]] == ["llama-3.4k-1", "llama-3.4k-2"]
    assert [family["base"] for family in report["families"]] == ["m00", "m10"]
    assert len(list(Path("out").iterdir())) == 3


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    no_weights(folder)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "config.json: missing"),
        (no_weights, "neither model.safetensors nor"),
        (shutil.rmtree, "no such model folder"),
        (pickled, "allow it with --allow-pickle"),
    ],
)
def test_a_folder_that_is_no_model_gets_one_line(
    tmp_path: Path, spoil: Callable[[Path], object], message: str, crucible: Crucible
) -> None:
    folder = shutil.copytree(TINY / "math", tmp_path / "math")
    spoil(folder)
    refused(crucible("families", TINY / "base", folder), message, str(folder))


def test_pickles_are_read_where_they_are_allowed_and_the_study_says_so(
    tmp_path: Path, crucible: Crucible
) -> None:
    for name in ("base", "math", "code"):
        shutil.copytree(TINY / name, tmp_path / name)
    pickled(tmp_path / "math")
    models = [tmp_path / name for name in ("base", "math", "code")]
    options = ("--out", "out", "--slices", TINY / "study.yaml", "--allow-pickle", "--json")
    (family,) = found(crucible("families", *models, *options))["families"]
    assert (family["members"], family["base"]) == (["base", "code", "math"], "base")
    assert load_study(Path(family["study_file"])).allow_pickle


def test_one_model_given_twice_is_refused_by_its_place_or_its_content(
    tmp_path: Path, crucible: Crucible
) -> None:
    refused(crucible("families", TINY / "base", TINY / "math" / ".." / "base"), "given before; leave one")
    copy = shutil.copytree(TINY / "base", tmp_path / "copy")
    refused(crucible("families", TINY / "base", copy, TINY / "math"), "is the same model as", str(copy))


def test_a_study_that_slices_are_to_come_from_must_be_sound(tmp_path: Path, crucible: Crucible) -> None:
    (tmp_path / "study.yaml").write_text("name: x\n")
    outcome = crucible("families", TINY / "base", TINY / "math", "--slices", tmp_path / "study.yaml")
    refused(outcome, "study.yaml:1:", "is missing")


def test_slices_with_two_files_are_found_from_the_new_folder(tmp_path: Path, crucible: Crucible) -> None:
    study = yaml.safe_load((TINY / "study.yaml").read_text())
    for name in MODELS:
        shutil.copytree(TINY / name, tmp_path / "old" / name)
    for part in study["slices"]:
        shutil.copy(TINY / part["data"], tmp_path / "old")
        part["data"] = {"train": part["data"], "test": part["data"]}
    study["slices"] = [*study["slices"][:1], {**study["slices"][1], "data": str(TINY / "math.jsonl")}]
    study["objective"] = "gold_logprob"
    (tmp_path / "old" / "study.yaml").write_text(yaml.safe_dump(study))
    models = [tmp_path / "old" / name for name in MODELS]
    out = tmp_path / "new" / "place"
    options = ("--out", out, "--slices", tmp_path / "old" / "study.yaml", "--json")
    (family,) = found(crucible("families", *models, *options))["families"]
    spec = load_study(Path(family["study_file"]))
    assert spec.objective == "gold_logprob"
    first, second = (part.data for part in spec.slices)
    assert (out / first.test).resolve() == tmp_path / "old" / "gsm8k.jsonl"  # type: ignore[union-attr]
    assert (out / str(second)).resolve() == TINY / "math.jsonl"


def test_far_apart_experts_are_warned_of(tmp_path: Path, crucible: Crucible) -> None:
    for name in ("base", "gsm8k", "math"):
        shutil.copytree(TINY / name, tmp_path / name)
    file = tmp_path / "math" / "model.safetensors"
    pushed = {
        name: (tensor.float() + 0.4 * tensor.float().std() * noise(1, *tensor.shape)).bfloat16()
        for name, tensor in load_file(file).items()
    }
    save_file(pushed, file, metadata={"format": "pt"})
    (family,) = found(crucible("families", *(tmp_path / n for n in ("base", "gsm8k", "math")), "--json"))[
        "families"
    ]
    assert sum("far apart: they differ by 0.4" in warning for warning in family["warnings"]) == 2
