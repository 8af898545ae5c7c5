"""`crucible merge`: models as users have them, in; the checkpoint that the file describes, out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from merging.recipe import load_recipe
from search.candidates.export import export
from tests.merging.pico import VOCABULARY, Pico, edit_json, write_family, write_model
from tests.search.conftest import Outcome

Crucible = Callable[..., Outcome]
REPO = Path(__file__).parents[3]
LORA = REPO / "tests" / "oracle" / "golden" / "lora" / "plain"
RECIPE = "crucible_recipe.yaml"
NEVER = ("transformers", "optuna", "vllm", "lm_eval", "sqlalchemy", "math_verify", "pydantic", "tokenizers")


pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    """A base, an adapter of it, and what peft makes of the two."""
    return Path(shutil.copytree(LORA, tmp_path / "lora"))


def config(folder: Path, **changes: Any) -> Path:
    """A config of a task-arithmetic merge of whatever `changes` names, in float32."""
    said = {
        "merge_method": "task_arithmetic",
        "parameters": {"weight": 1.0},
        "dtype": "float32",
        "out_dtype": "float32",
        **changes,
    }
    path = folder / "merge.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in said.items() if value is not None}))
    return path


def models(*names: Path | str) -> list[dict[str, str]]:
    return [{"model": str(name)} for name in names]


def refusal(outcome: Outcome) -> str:
    assert outcome.code == 2, outcome
    (line,) = outcome.err.strip().splitlines()
    assert outcome.out == ""
    return line


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def remade(folder: Path, crucible: Crucible) -> None:
    """The same bytes come from the recipe beside the weights, and from that recipe as mergekit's YAML."""
    recipe = load_recipe((folder / RECIPE).read_text(), "it")
    again = folder.parent / "again"
    export(recipe, again / "yaml", "mergekit")
    allow = ["--allow-pickle"] if recipe.allow_pickle else []
    assert crucible("merge", folder / RECIPE, again / "a").code == 0
    assert crucible("merge", again / "yaml" / "merge.yaml", again / "b", *allow).code == 0
    for each in (again / "a", again / "b"):
        assert weights(each) == weights(folder)
        assert (each / RECIPE).read_text() == (folder / RECIPE).read_text()


# -- LoRA adapters -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["lora/adapter", "lora/base+lora/adapter"])
def test_an_adapter_of_the_base_is_an_expert(
    tmp_path: Path, lora: Path, crucible: Crucible, named: str
) -> None:
    file = config(tmp_path, base_model="lora/base", models=models(named))
    outcome = crucible("merge", file, "out")
    assert outcome.code == 0, outcome
    merged = load_file("out/model.safetensors")
    for name, tensor in load_file(lora / "merged.safetensors").items():
        torch.testing.assert_close(merged[name], tensor, rtol=1e-6, atol=1e-6)
    written = load_recipe(Path("out", RECIPE).read_text(), "it")
    assert written.experts[0].path == str(lora / "adapter")
    remade(tmp_path / "out", crucible)


def test_adapters_merge_without_a_base_model_too(tmp_path: Path, lora: Path, crucible: Crucible) -> None:
    """mergekit's linear of base+lora: the part before the + gives config and tokenizer."""
    shutil.copytree(lora / "adapter", lora / "other")
    file = config(
        tmp_path, merge_method="linear", models=models("lora/base+lora/adapter", "lora/base+lora/other")
    )
    assert crucible("merge", file, "out").code == 0
    merged = load_file("out/model.safetensors")
    for name, tensor in load_file(lora / "merged.safetensors").items():
        torch.testing.assert_close(merged[name], tensor, rtol=1e-6, atol=1e-6)
    remade(tmp_path / "out", crucible)


def test_adapters_of_something_else_are_refused(tmp_path: Path, lora: Path, crucible: Crucible) -> None:
    shutil.copytree(lora / "base", tmp_path / "other")
    for said, expected in (
        ({"base_model": "other", "models": models("lora/base+lora/adapter")}, "another model than the base"),
        (
            {"base_model": "lora/base+lora/adapter", "models": models("lora/base")},
            "merge the adapter into it",
        ),
        ({"base_model": "lora/base", "models": models("lora/base+other")}, "is no LoRA adapter"),
        ({"base_model": "lora/adapter", "models": models("lora/base")}, "nothing says of which model"),
        ({"base_model": "lora/base", "models": models("lora/base+lora/adapter+x")}, "more than one +"),
    ):
        line = refusal(crucible("merge", config(tmp_path, **said), "out"))
        assert expected in line
        assert "merge.yaml" in line
    assert not Path("out").exists()


def test_a_folder_whose_name_has_a_plus_is_that_folder(
    tmp_path: Path, lora: Path, crucible: Crucible
) -> None:
    shutil.copytree(lora / "base", tmp_path / "a+b")
    shutil.copytree(lora / "adapter", tmp_path / "c+d")
    spelled = {"model": {"model": {"path": "a+b"}, "lora": {"path": "c+d"}}}
    assert crucible("merge", config(tmp_path, base_model="a+b", models=[spelled]), "out").code == 0
    remade(tmp_path / "out", crucible)


# -- vocabularies --------------------------------------------------------------------------------------------


@pytest.fixture
def grown(tmp_path: Path) -> Path:
    """A base and two experts of which the second learned a token of its own."""
    pico = Pico(dtype=torch.float32)
    base, _ = write_family(tmp_path / "models", pico, experts=1)
    more = Pico(vocabulary=(*VOCABULARY, "<think>"), dtype=torch.float32)
    tensors = more.base(7)
    own = load_file(base / "model.safetensors")
    rows = {name: tensor[32:] for name, tensor in tensors.items() if len(tensor) == 33}
    tensors = {name: torch.cat([own[name], rows[name]]) if name in rows else own[name] for name in own}
    write_model(tmp_path / "models" / "grown", tensors, more)
    return tmp_path / "models"


@pytest.mark.parametrize(
    ("source", "rows"), [("union", 33), ("base", 32), ("models/grown", 33), ("models/expert0", 32)]
)
def test_vocabularies_are_aligned_as_the_file_says(
    tmp_path: Path, grown: Path, crucible: Crucible, source: str, rows: int
) -> None:
    said = {"base_model": "models/base", "models": models("models/expert0", "models/grown")}
    assert "set tokenizer_source to base or union" in refusal(
        crucible("merge", config(tmp_path, **said), "out")
    )
    file = config(tmp_path, **said, tokenizer_source=source)
    assert crucible("merge", file, "out").code == 0
    merged = load_file("out/model.safetensors")
    assert len(merged["lm_head.weight"]) == len(merged["model.embed_tokens.weight"]) == rows
    assert json.loads(Path("out/config.json").read_text())["vocab_size"] == rows
    assert ("<think>" in Path("out/tokenizer.json").read_text()) == (rows == 33)
    recipe = load_recipe(Path("out", RECIPE).read_text(), "it")
    assert recipe.tokenizer_source == (str(tmp_path / source) if "/" in source else source)
    remade(tmp_path / "out", crucible)


def test_rows_are_padded_to_a_multiple(tmp_path: Path, grown: Path, crucible: Crucible) -> None:
    said = {"base_model": "models/base", "models": models("models/expert0", "models/grown")}
    file = config(tmp_path, **said, tokenizer={"pad_to_multiple_of": 8})
    assert crucible("merge", file, "out").code == 0
    head = load_file("out/model.safetensors")["lm_head.weight"]
    assert len(head) == json.loads(Path("out/config.json").read_text())["vocab_size"] == 40
    torch.testing.assert_close(head[33:], head[:33].mean(0).expand(7, -1))
    remade(tmp_path / "out", crucible)


def test_a_union_without_a_base_model(tmp_path: Path, grown: Path, crucible: Crucible) -> None:
    file = config(
        tmp_path,
        merge_method="linear",
        models=models("models/expert0", "models/grown"),
        tokenizer={"source": "union"},
    )
    assert crucible("merge", file, "out").code == 0
    assert len(load_file("out/model.safetensors")["lm_head.weight"]) == 33
    remade(tmp_path / "out", crucible)


def test_another_models_change_is_seen_through_a_shared_vocabulary(
    tmp_path: Path, grown: Path, crucible: Crucible
) -> None:
    said = {"base_model": "models/base", "models": models("models/grown"), "tokenizer_source": "union"}
    assert crucible("merge", config(tmp_path, **said), "out").code == 0
    edit_json(grown / "grown" / "tokenizer.json", lambda t: t["model"]["vocab"].update({"<other>": 32}))
    line = refusal(crucible("merge", Path("out", RECIPE), "again"))
    assert "changed since the recipe was made" in line


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tokenizer_source": "./models/absent"}, "absent: no such model folder"),
        ({"tokenizer_source": "models/grown"}, "grown' is neither base nor union, nor one of the models"),
        ({"tokenizer": {"tokens": {"a": {}}}}, "tokenizer.tokens"),
    ],
)
def test_a_tokenizer_that_cannot_be_made_is_refused(
    tmp_path: Path, grown: Path, crucible: Crucible, changes: dict[str, Any], said: str
) -> None:
    file = config(tmp_path, base_model="models/base", models=models("models/expert0"), **changes)
    assert said in refusal(crucible("merge", file, "out"))


# -- chat templates ------------------------------------------------------------------------------------------


def test_a_chat_template_replaces_every_other(tmp_path: Path, crucible: Crucible) -> None:
    base, _ = write_family(tmp_path / "models", Pico(), experts=1)
    edit_json(base / "tokenizer_config.json", lambda c: c.update(chat_template="{{ old }}"))
    (base / "chat_template.json").write_text(json.dumps({"chat_template": "{{ old }}"}))
    text = "{% for m in messages %}{{ m.content }}{% endfor %}"
    said = {"base_model": "models/base", "models": models("models/expert0"), "chat_template": text}
    assert crucible("merge", config(tmp_path, **said), "out").code == 0
    assert Path("out/chat_template.jinja").read_text() == text
    assert not [file for file in Path("out").glob("*.json*") if "old" in file.read_text()]
    assert json.loads(Path("out/tokenizer_config.json").read_text())["eos_token"] == "</s>"

    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(tmp_path / "out").chat_template == text


def test_auto_takes_the_template_that_most_inputs_have(tmp_path: Path, crucible: Crucible) -> None:
    """In a form of its own each: a file, a text in the tokenizer's config, several with a default."""
    base, experts = write_family(tmp_path / "models", Pico(), experts=3)
    wanted = "{{ of most }}"
    (experts[0] / "chat_template.jinja").write_text(f"{wanted}\n")
    several = [{"name": "default", "template": wanted}, {"name": "tools", "template": "{{ t }}"}]
    for expert, said in ((experts[1], wanted), (experts[2], several)):
        (expert / "chat_template.jinja").unlink()
        edit_json(expert / "tokenizer_config.json", lambda c, said=said: c.update(chat_template=said))
    names = models(*(f"models/{expert.name}" for expert in experts))
    for template, expected in (("auto", wanted), (None, "{{ messages }}")):
        file = config(tmp_path, base_model="models/base", models=names, chat_template=template)
        assert crucible("merge", file, f"out-{template}").code == 0
        assert Path(f"out-{template}", "chat_template.jinja").read_text() == expected
    for folder in (base, *experts):
        (folder / "chat_template.jinja").unlink(missing_ok=True)
        edit_json(folder / "tokenizer_config.json", lambda c: c.pop("chat_template", None))
    file = config(tmp_path, base_model="models/base", models=names, chat_template="auto")
    assert crucible("merge", file, "none").code == 0
    assert not Path("none/chat_template.jinja").exists()


# -- pickles -------------------------------------------------------------------------------------------------


def test_pickles_are_read_only_where_they_are_allowed(tmp_path: Path, crucible: Crucible) -> None:
    _, (expert, _) = write_family(tmp_path / "models", Pico(dtype=torch.float32), experts=2)
    file = config(tmp_path, base_model="models/base", models=models("models/expert0", "models/expert1"))
    assert crucible("merge", file, "safe").code == 0
    torch.save(load_file(expert / "model.safetensors"), expert / "pytorch_model.bin")
    (expert / "model.safetensors").unlink()
    assert "--allow-pickle" in refusal(crucible("merge", file, "out"))
    assert crucible("merge", file, "out", "--allow-pickle").code == 0
    assert weights(tmp_path / "out") == weights(tmp_path / "safe")
    recipes = [load_recipe(Path(name, RECIPE).read_text(), name) for name in ("out", "safe")]
    assert recipes[0].digest == recipes[1].digest, "a format is no content"
    assert [recipe.allow_pickle for recipe in recipes] == [True, False]
    remade(tmp_path / "out", crucible)
    assert "--allow-pickle" in refusal(crucible("merge", Path("safe", RECIPE), "no"))


# -- everything else -----------------------------------------------------------------------------------------


def test_stacked_layers_make_a_deeper_model(tmp_path: Path, crucible: Crucible) -> None:
    write_family(tmp_path / "models", Pico(layers=4), experts=1)
    ranges = (("models/base", [0, 3]), ("models/expert0", [1, 4]))
    slices = [{"sources": [{"model": model, "layer_range": layers}]} for model, layers in ranges]
    file = config(tmp_path, merge_method="passthrough", slices=slices, parameters=None, out_dtype="bfloat16")
    assert crucible("merge", file, "out").code == 0
    assert json.loads(Path("out/config.json").read_text())["num_hidden_layers"] == 6
    merged = load_file("out/model.safetensors")
    expert = load_file("models/expert0/model.safetensors")
    key = "mlp.up_proj.weight"
    assert torch.equal(merged[f"model.layers.3.{key}"], expert[f"model.layers.1.{key}"])
    remade(tmp_path / "out", crucible)

    from transformers import AutoModelForCausalLM

    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out").config.num_hidden_layers == 6


def test_models_are_found_beside_the_file(
    tmp_path: Path, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_family(tmp_path / "models", Pico(), experts=1)
    file = config(tmp_path / "models", base_model="base", models=models("./expert0"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert crucible("merge", file, "out").code == 0


def test_what_was_written_is_said(tmp_path: Path, crucible: Crucible) -> None:
    write_family(tmp_path / "models", Pico(), experts=1)
    file = config(tmp_path, base_model="models/base", models=models("models/expert0"))
    outcome = crucible("merge", file, "out")
    assert "merge.yaml -> out (21 tensors, 0.0" in outcome.out
    assert outcome.out.endswith(" s)\n")
    assert outcome.err == "", "no progress where nobody looks"
    said = json.loads(crucible("merge", file, "again", "--json").out)
    recipe = load_recipe(Path("again", RECIPE).read_text(), "it")
    assert (said["path"], said["digest"], said["tensors"]) == ("again", recipe.digest, 21)


def test_progress_is_shown_on_a_terminal(
    tmp_path: Path, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_family(tmp_path / "models", Pico(), experts=1)
    file = config(tmp_path, base_model="models/base", models=models("models/expert0"))
    crucible("merge", file, "silent")
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "merging" in crucible("merge", file, "shown").err
    assert weights(tmp_path / "shown") == weights(tmp_path / "silent")
    assert crucible("merge", file, "json", "--json").err == ""


def test_a_merge_loads_no_library_that_it_does_not_need(tmp_path: Path) -> None:
    write_family(tmp_path / "models", Pico(), experts=1)
    file = config(tmp_path, base_model="models/base", models=models("models/expert0"))
    code = (
        "import sys; from pathlib import Path; from search.candidates.merge import merge;"
        " merge(Path(sys.argv[1]), Path('out'));"
        f" print(sorted({set(NEVER)} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPO)},
    )
    assert done.stdout.strip() == "[]"
    assert (tmp_path / "out" / "model.safetensors").is_file()
