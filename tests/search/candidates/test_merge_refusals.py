"""`crucible merge` and what it cannot use: one line with the file and the remedy, and nothing written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from merging.errors import OutputError
from merging.models.fingerprint import cache_root
from tests.merging.pico import edit_json, write_family
from tests.search.candidates.test_merge import LORA, REPO, config, models, refusal
from tests.search.conftest import Outcome

Crucible = Callable[..., Outcome]
Spoil = Callable[[Path], object]
BIG = 10**400


pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.fixture
def family(tmp_path: Path) -> Path:
    write_family(tmp_path, experts=2)
    return tmp_path


def refused(outcome: Outcome, message: str) -> None:
    line = refusal(outcome)
    assert message in line
    assert len(line) < 1000
    assert not Path("out").exists()


def header(key: str, value: Any) -> Spoil:
    """Change what a safetensors file says of its final norm."""

    def spoil(folder: Path) -> None:
        file = folder / "model.safetensors"
        data = file.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        entries = json.loads(data[8 : 8 + length])
        entry = entries["model.norm.weight"]
        entry[key] = value(entry[key]) if callable(value) else value
        text = json.dumps(entries).encode()
        file.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])

    return spoil


def says(file: str, **fields: Any) -> Spoil:
    return lambda folder: edit_json(folder / file, lambda data: data.update(fields))


def added_token(number: Any) -> Spoil:
    token = {"id": number, "content": "new"}
    return lambda folder: edit_json(
        folder / "tokenizer.json", lambda data: data["added_tokens"].append(token)
    )


@pytest.mark.parametrize(
    ("spoil", "file", "message"),
    [
        (header("shape", [16.0]), "model.safetensors", "its header cannot be read"),
        (header("data_offsets", lambda at: [float(x) for x in at]), "model.safetensors", "its header cannot"),
        (header("dtype", ["F32"]), "model.safetensors", "its header cannot be read"),
        (header("shape", [True]), "model.safetensors", "its header cannot be read"),
        (
            says("config.json", vocab_size="abc"),
            "config.json",
            "vocab_size: expected a whole number, found 'abc'",
        ),
        (says("config.json", vocab_size=float("nan")), "config.json", "vocab_size: expected a whole number"),
        (says("config.json", text_config=[1]), "config.json", "text_config: expected an object, found [1]"),
        (
            says("config.json", text_config={"vocab_size": []}),
            "config.json",
            "text_config.vocab_size: expected",
        ),
        (says("config.json", rope_parameters=[1]), "config.json", "rope_parameters: expected an object"),
        (says("config.json", rope_parameters="x"), "config.json", "rope_parameters: expected an object"),
        (lambda f: (f / "config.json").write_text("[" * 100000), "config.json", "cannot be read as JSON"),
        (added_token("x"), "tokenizer.json", "token 'new' has the number 'x'"),
        (added_token(-1), "tokenizer.json", "token 'new' has the number -1"),
        (added_token(10**9), "tokenizer.json", "token 'new' has the number 1000000000"),
        (
            lambda f: (f / "chat_template.jinja").write_bytes(b"\xff\xfe{"),
            "chat_template.jinja",
            "its chat template cannot be read",
        ),
        (lambda f: save_file({}, f / "model.safetensors"), "", "its files hold no weights"),
    ],
)
def test_a_damaged_model_is_named(
    family: Path, crucible: Crucible, spoil: Spoil, file: str, message: str
) -> None:
    spoil(family / "expert0")
    merge = config(
        family,
        base_model="base",
        models=models("expert0"),
        tokenizer_source="union",
        chat_template="auto",
    )
    refused(crucible("merge", merge, "out"), message)
    refused(crucible("merge", merge, "out"), str(family / "expert0" / file))


def test_half_a_surrogate_pair_is_no_chat_template(family: Path, crucible: Crucible) -> None:
    (family / "expert0" / "chat_template.jinja").unlink()
    says("tokenizer_config.json", chat_template="{{ x }} \ud83d")(family / "expert0")
    merge = config(family, base_model="base", models=models("expert0"), chat_template="auto")
    refused(crucible("merge", merge, "out"), "tokenizer_config.json: its chat template cannot be read")
    merge.write_text(merge.read_text().replace("auto", r'"{{ x }} \ud83d"'))
    refused(crucible("merge", merge, "out"), "chat_template: holds half of a surrogate pair")


@pytest.mark.parametrize(
    "tensor", [torch.eye(3).to_sparse(), torch.empty(3, device="meta")], ids=["sparse", "meta"]
)
def test_a_pickle_of_no_plain_numbers_is_refused(
    family: Path, crucible: Crucible, tensor: torch.Tensor
) -> None:
    (family / "expert0" / "model.safetensors").unlink()
    torch.save({"a": tensor}, family / "expert0" / "pytorch_model.bin")
    merge = config(family, base_model="base", models=models("expert0"))
    refused(crucible("merge", merge, "out", "--allow-pickle"), "pytorch_model.bin: a: expected plain numbers")


def factors(edit: Callable[[dict[str, torch.Tensor]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        tensors = load_file(folder / "adapter_model.safetensors")
        edit(tensors)
        save_file(tensors, folder / "adapter_model.safetensors")

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            says("adapter_config.json", rank_pattern={"q_proj": "x"}),
            "rank_pattern: q_proj: 'x', expected a pos",
        ),
        (
            says("adapter_config.json", rank_pattern={"q_proj": 0}),
            "rank_pattern: q_proj: 0, expected a positive",
        ),
        (
            says("adapter_config.json", alpha_pattern={"q_(proj": 4}),
            "alpha_pattern: 'q_(proj', expected a reg",
        ),
        (says("adapter_config.json", alpha_pattern=["a"]), "alpha_pattern: ['a'], expected patterns"),
        (says("adapter_config.json", lora_alpha=float("nan")), "lora_alpha: nan, expected a positive number"),
        (says("adapter_config.json", lora_alpha=BIG), "lora_alpha: 1000"),
        (factors(lambda found: found.clear()), "adapter_model.safetensors: holds no tensors"),
        (
            factors(
                lambda found: found.update({name: found[name].to(torch.int8) for name in list(found)[:1]})
            ),
            "dtype int8, expected one of",
        ),
    ],
)
def test_a_damaged_adapter_is_named(tmp_path: Path, crucible: Crucible, spoil: Spoil, message: str) -> None:
    shutil.copytree(LORA, tmp_path / "lora")
    spoil(tmp_path / "lora" / "adapter")
    merge = config(tmp_path, base_model="lora/base", models=models("lora/adapter"))
    refused(crucible("merge", merge, "out"), message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parameters": {"weight": BIG}}, "weight of expert0: expected a number, found 1000"),
        ({"parameters": {"weight": 1e308}}, "weight: must be a finite number, at most 3.4e38 in size"),
        ({"parameters": {"weight": -1e39}}, "weight: must be a finite number, at most 3.4e38 in size"),
        ({"parameters": {"weight": [0.1, float("inf")]}}, "weight: must be a finite number"),
        ({"parameters": {"weight": 1, "lambda": 1e39}}, "lambda: must be a finite number"),
        ({"merge_method": "nearswap", "parameters": {"t": 1e39}}, "t: must be a finite number"),
        (
            {"merge_method": "passthrough", "base_model": None, "parameters": {"scale": 1e39}},
            "scale: must be",
        ),
        ({"merge_method": ["ties"]}, "merge_method: expected a method's name, found ['ties']"),
        (
            {"parameters": {"weight": [{"filter": ["mlp"], "value": 1}, {"value": 1}]}},
            "filter: expected a text",
        ),
        ({"dtype": "float8", "out_dtype": None}, "dtype: 'float8' is none of"),
        ({"dtype": True, "out_dtype": None}, "dtype: True is none of"),
        ({"out_dtype": "fp16"}, "out_dtype: 'fp16' is none of"),
        ({"out_dtype": {"a": 1}}, "out_dtype: {'a': 1} is none of"),
        ({"config_source": "nope"}, "config_source: 'nope' stands beside base_model"),
        ({"models": models("x" * 300)}, "no such model folder"),
        ({"models": models("./" + "x" * 300)}, "no such model folder"),
        ({"models": models("a\nb")}, r"a\nb: no such model folder"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_config_that_means_no_merge_is_refused_before_anything_else_is_said(
    family: Path,
    crucible: Crucible,
    caplog: pytest.LogCaptureFixture,
    change: dict[str, Any],
    message: str,
) -> None:
    merge = config(family, **{"base_model": "base", "models": models("expert0"), **change})
    refused(crucible("merge", merge, "out"), message)
    assert not caplog.records


def test_numbers_of_a_recipe_are_held_against_float32_too(family: Path, crucible: Crucible) -> None:
    merge = config(family, base_model="base", models=models("expert0"))
    assert crucible("merge", merge, "made").code == 0
    recipe = Path("made/crucible_recipe.yaml").read_text()
    assert "weight: [1.0]" in recipe
    for number in (str(BIG), "1.0e+39", ".inf", ".nan"):
        Path("recipe.yaml").write_text(recipe.replace("weight: [1.0]", f"weight: [{number}]"))
        refused(crucible("merge", "recipe.yaml", "out"), "weight: ")


def test_a_place_that_cannot_hold_the_merge_is_refused(family: Path, crucible: Crucible) -> None:
    merge = config(family, base_model="base", models=models("expert0"))
    refused(crucible("merge", merge, "x" * 300), "cannot be written")
    for model in ("base", "expert0"):
        refused(crucible("merge", merge, f"{model}/out"), "lies in the folder of a model")
        assert not Path(model, "out").exists()
    assert crucible("merge", merge, "made").code == 0
    refused(crucible("merge", "made/crucible_recipe.yaml", "base/out"), "lies in the folder of a model")
    refused(crucible("merge", merge, "out", "--compat", ""), "compat: '' is none of mergekit")


def test_a_name_with_a_line_break_makes_no_second_line(family: Path, crucible: Crucible) -> None:
    refused(crucible("merge", "a\nb.yaml", "out"), r"a\nb.yaml: cannot be read")


def test_an_interrupted_merge_says_that_nothing_is_left(
    family: Path, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge = config(family, base_model="base", models=models("expert0"))
    with monkeypatch.context() as patch:
        patch.setattr(
            "search.candidates.merge.write_candidate", lambda *_: signal.raise_signal(signal.SIGINT)
        )
        outcome = crucible("merge", merge, "out")
    assert outcome.code == 130
    assert "Stopped by SIGINT. Nothing was written; to go on: crucible merge" in outcome.err
    assert not Path("out").exists()


def run(*arguments: str, redirect: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    command = f'exec "$0" -m search merge "$@" {redirect}'
    return subprocess.run(
        ["sh", "-c", command, sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(REPO), **env},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_merge_needs_no_standard_error(family: Path) -> None:
    merge = str(config(family, base_model="base", models=models("expert0")))
    done = run(merge, "out", redirect="2>&-")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1)
    failed = run("missing.yaml", "other", redirect="2>&-")
    assert (failed.returncode, failed.stdout) == (2, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_merge_that_cannot_be_told_of_is_said_in_one_line(family: Path) -> None:
    merge = str(config(family, base_model="base", models=models("expert0")))
    done = run(merge, "out", redirect="> /dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith("crucible: done, but standard output cannot be written to (No space left")
    assert done.stderr.count("\n") == 1
    assert Path("out/model.safetensors").is_file()


def test_a_user_without_a_home_has_a_cache_among_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", nowhere)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    place = tmp_path / f"crucible-{os.getuid()}"
    assert cache_root() == place / "crucible"
    assert place.stat().st_mode & 0o777 == 0o700
    assert cache_root() == place / "crucible"
    place.chmod(0o777)
    with pytest.raises(OutputError, match="is not this user's alone; set XDG_CACHE_HOME"):
        cache_root()
    place.rmdir()
    place.symlink_to(tmp_path)
    with pytest.raises(OutputError, match="is not this user's alone"):
        cache_root()
