"""The command: help that teaches, JSON and nothing else on standard output, one line for what is wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import typer
import yaml
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from merging.recipe import load_recipe
from search import cli
from tests.search.conftest import MODELS, TINY, Finished, Outcome, small_study, write_study

Crucible = Callable[..., Outcome]
COMMANDS = tuple(typer.main.get_command(cli.app).commands)  # type: ignore[attr-defined]


def test_the_commands_are_those_that_people_are_told_of() -> None:
    expected = {
        "demo",
        "check",
        "run",
        "worker",
        "pause",
        "resume",
        "stop",
        "status",
        "leaderboard",
        "items",
        "export",
        "report",
        "plot",
        "watch",
        "dashboard",
        "families",
        "merge",
        "evaluate",
        "fuse",
        "grade",
        "align",
        "serve",
        "submit",
    }
    assert set(COMMANDS) == expected
    readme = (TINY.parents[1] / "README.md").read_text()
    assert [name for name in COMMANDS if f"crucible {name}" not in readme] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_takes_a_storage(command: str, crucible: Crucible) -> None:
    outcome = crucible(command, "--help")
    assert outcome.code == 0
    assert "--storage" in outcome.out
    assert len(outcome.out.splitlines()) > 5


def test_help_is_quick_for_it_loads_no_model_library() -> None:
    code = "import sys, search.cli; print(sorted({'torch', 'optuna', 'transformers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_command_exits_with_2(crucible: Crucible) -> None:
    assert crucible("serach").code == 2


def test_check_says_what_a_study_would_do_and_measures_nothing(study_file: Path, crucible: Crucible) -> None:
    outcome = crucible("check", study_file, "--json")
    report = json.loads(outcome.out)
    assert outcome.code == 0
    assert (report["searched"], report["search_items"], report["holdout_items"]) == (54, 18, 36)
    memory = report["memory"]
    assert (memory["mode"], memory["dtype"], len(memory["statistics"])) == ("mapped", "bfloat16", 3)
    assert memory["candidate"] == 2 * report["model_parameters"]
    text = crucible("check", study_file).out
    assert "sound" in text
    assert "mapped from disk" in text
    assert "no file" in refusal(crucible("status", "--json")), "nothing is made, either"


def test_status_lists_studies(finished: Finished, crucible: Crucible) -> None:
    (line,) = json.loads(crucible("status", "--storage", finished.storage, "--json").out)
    assert (line["name"], line["state"], line["trials"], line["failed"]) == ("tiny", "complete", 4, 0)
    assert "complete" in crucible("status", "tiny", "--storage", finished.storage).out
    assert crucible("status", "tinny", "--storage", finished.storage).code == 2


def test_the_leaderboard_has_the_shape_that_scripts_rely_on(finished: Finished, crucible: Crucible) -> None:
    rows = json.loads(crucible("leaderboard", "tiny", "--storage", finished.storage, "--json").out)
    keys = {"name", "kind", "trial", "digest", "search", "holdout", "holdout_mean"}
    against = {"vs_base", "vs_best_expert", "vs_uniform", "vs_best_model", "vs_target"}
    rest = {"study", "holdout_items", "verdict", "objectives", "front"}
    assert all(set(row) == keys | against | rest for row in rows)
    judged = [row for row in rows if row["holdout_mean"] is not None]
    assert [row["holdout_mean"] for row in judged] == sorted(
        (r["holdout_mean"] for r in judged), reverse=True
    )
    assert rows[: len(judged)] == judged
    assert all(row["vs_uniform"]["low"] <= row["vs_uniform"]["mean"] for row in judged)
    assert set(judged[0]["holdout"]["gsm8k"]) == {"mean", "n", "low", "high"}
    assert set(judged[0]["search"]["gsm8k"]) == {"mean", "n"}


def test_a_person_sees_the_leaderboard_as_a_table(finished: Finished, crucible: Crucible) -> None:
    out = crucible("leaderboard", "tiny", "--storage", finished.storage).out
    assert all(f"vs {name} [95%]" in out for name in ("base", "best expert", "uniform"))
    said = out.strip().splitlines()[-1]
    assert all(title in said for title in ("the base", "the best expert (", "the uniform merge"))


def test_a_recipe_exported_is_the_one_in_the_store(
    tmp_path: Path, finished: Finished, crucible: Crucible
) -> None:
    options = ("--storage", finished.storage, "--out", tmp_path / "r", "--format", "recipe")
    assert crucible("export", "tiny", *options, "--trial", 2).code == 0
    file = tmp_path / "r" / "recipe.yaml"
    rows = json.loads(crucible("leaderboard", "tiny", "--storage", finished.storage, "--json").out)
    (digest,) = [row["digest"] for row in rows if row["trial"] == 2]
    assert load_recipe(file.read_text(), str(file)).digest == digest


def test_all_three_exports_of_a_merge_are_the_same_bytes(
    tmp_path: Path, finished: Finished, crucible: Crucible
) -> None:
    options = ("--storage", finished.storage, "--trial", 1)
    for form in ("recipe", "mergekit", "checkpoint"):
        assert crucible("export", "tiny", *options, "--format", form, "--out", tmp_path / form).code == 0
    assert crucible("merge", tmp_path / "recipe" / "recipe.yaml", tmp_path / "from_recipe").code == 0
    assert crucible("merge", tmp_path / "mergekit" / "merge.yaml", tmp_path / "from_mergekit").code == 0
    weights = [
        tmp_path / name / "model.safetensors" for name in ("checkpoint", "from_recipe", "from_mergekit")
    ]
    assert len({file.read_bytes() for file in weights}) == 1


def test_an_exported_checkpoint_loads_and_is_named_with_its_recipe(
    tmp_path: Path, finished: Finished, crucible: Crucible
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    out = tmp_path / "model"
    options = ("--storage", finished.storage, "--format", "checkpoint", "--out", out)
    assert crucible("export", "tiny", *options).code == 0
    model = AutoModelForCausalLM.from_pretrained(out)
    assert model.dtype == torch.bfloat16
    assert (
        AutoTokenizer.from_pretrained(out)("a").input_ids
        == AutoTokenizer.from_pretrained(TINY / "base")("a").input_ids
    )
    assert load_recipe((out / "crucible_recipe.yaml").read_text(), "it").method


def test_evaluate_finds_what_the_study_holds_of_the_same_model(
    tmp_path: Path, finished: Finished, crucible: Crucible
) -> None:
    own = f"sqlite:///{tmp_path / 'own.db'}"
    outcome = crucible("evaluate", TINY / "math", finished.file, "--storage", own, "--json")
    report = json.loads(outcome.out)
    rows = json.loads(crucible("leaderboard", "tiny", "--storage", finished.storage, "--json").out)
    (expert,) = [row for row in rows if row["name"] == "math"]
    assert report["holdout"] == expert["holdout"]
    assert {name: score["mean"] for name, score in report["search"].items()} == {
        name: score["mean"] for name, score in expert["search"].items()
    }


def test_json_is_all_that_goes_to_standard_output(study_file: Path, crucible: Crucible) -> None:
    outcome = crucible("run", study_file, "--trials", 1, "--json")
    assert json.loads(outcome.out)
    assert "search" in outcome.err, "progress goes to standard error"


# -- what is wrong is said in one line -----------------------------------------------------------------------


def refusal(outcome: Outcome) -> str:
    assert outcome.code == 2, outcome
    (line,) = outcome.err.strip().splitlines()
    assert line.startswith("crucible: ")
    assert outcome.out == ""
    return line


def one_item() -> dict[str, object]:
    """A study that is soon judged."""
    study = small_study(items=1)
    return {**study, "slices": study["slices"][:1]}  # type: ignore[index]


def broken(tmp_path: Path, expert: str = "math") -> Path:
    """A folder of models that may be damaged, with their study file."""
    for name in MODELS:
        shutil.copytree(TINY / name, tmp_path / name)
    return write_study(tmp_path, small_study())


def change(folder: Path, **tensors: torch.Tensor | None) -> None:
    weights = folder / "model.safetensors"
    found = {**load_file(weights), **{name.replace("__", "."): tensor for name, tensor in tensors.items()}}
    kept = {name: tensor.clone() for name, tensor in found.items() if tensor is not None}
    save_file(kept, weights, metadata={"format": "pt"})


def missing_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def other_shape(folder: Path) -> None:
    change(folder, model__norm__weight=torch.ones(64, dtype=torch.bfloat16))


def other_vocabulary(folder: Path) -> None:
    with safe_open(folder / "model.safetensors", "pt") as file:
        rows = file.get_tensor("model.embed_tokens.weight")
    change(folder, model__embed_tokens__weight=torch.cat([rows, rows[:3]]))


def not_a_number(folder: Path) -> None:
    change(folder, model__norm__weight=torch.full((128,), float("nan"), dtype=torch.bfloat16))


def truncated(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (missing_folder, ["math", "no such model folder"]),
        (other_shape, ["math", "model.norm.weight", "64", "128"]),
        (other_vocabulary, ["math", "model.embed_tokens.weight"]),
        (not_a_number, ["math", "model.norm.weight", "NaN"]),
        (truncated, ["math", "model.safetensors"]),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_damaged_expert_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    crucible: Crucible,
    command: str,
    damage: Callable[[Path], None],
    said: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    file = broken(tmp_path)
    damage(tmp_path / "math")
    line = refusal(crucible(command, file))
    assert [part for part in said if part not in line] == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sloces": []}, ["study.yaml:", "sloces: unknown field", "'slices'?"]),
        ({"search_space": {"methods": ["dare_tie"]}}, ["unknown method 'dare_tie'", "'dare_ties'?"]),
        (
            {"search_space": {"methods": ["ties"], "modules": ["attn", "mpl"]}},
            ["'mpl'", "parts there:", "mlp"],
        ),
        ({"search_space": {"methods": ["ties"], "layer_groups": 9}}, ["9 groups", "at most 4"]),
        ({"search_space": {"methods": ["ties"], "weight": 1, "density": 1}}, ["every number is fixed"]),
        (
            {"search_space": {"methods": ["linear"], "weight": 0, "layer_groups": 1}},
            ["every number is fixed"],
        ),
        ({"engine": {"max_tokens": 100000}}, ["engine.max_tokens", "512 tokens; lower it"]),
    ],
)
def test_a_mistaken_study_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    crucible: Crucible,
    changes: dict[str, object],
    said: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    line = refusal(crucible("check", write_study(tmp_path, small_study(**changes))))
    assert [part for part in said if part not in line] == []


def test_a_slice_with_too_few_items_is_refused(study_file: Path, crucible: Crucible) -> None:
    study = yaml.safe_load(study_file.read_text())
    study["slices"][0]["holdout"] = 5000
    line = refusal(crucible("run", write_study(study_file.parent, study)))
    assert "gsm8k.jsonl" in line
    assert "5000" in line


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////no/such/folder/crucible.db", "no folder /no/such/folder"),
        ("crucible.db", "is not a database URL"),
        ("mysql://localhost/crucible", "not supported"),
        ("postgresql+psycopg://127.0.0.1:1/crucible", "127.0.0.1"),
        ("sqlite+nope:///x.db", "cannot be used"),
        ("sqlite:///x.db?check_same_thread=maybe", "cannot be used"),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_storage_that_cannot_be_opened_is_named(
    study_file: Path, crucible: Crucible, command: str, url: str, said: str
) -> None:
    assert said in refusal(crucible(command, study_file, "--storage", url))


def test_looking_at_a_store_that_is_not_there_makes_none(tmp_path: Path, crucible: Crucible) -> None:
    url = f"sqlite:///{tmp_path / 'absent.db'}"
    for command in (("status",), ("leaderboard", "tiny"), ("export", "tiny", "--out", tmp_path / "out")):
        assert "absent.db" in refusal(crucible(*command, "--storage", url))
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_holds_something_is_left_alone(
    tmp_path: Path, finished: Finished, crucible: Crucible
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for form in ("recipe", "mergekit", "checkpoint"):
        options = ("--storage", finished.storage, "--format", form, "--out", tmp_path)
        assert "not empty" in refusal(crucible("export", "tiny", *options))
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_too_little_disk_is_refused_before_any_work(
    tmp_path: Path, finished: Finished, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_100_000))
    out = tmp_path / "out"
    options = ("--storage", finished.storage, "--format", "checkpoint", "--out", out)
    assert "free" in refusal(crucible("export", "tiny", *options))
    assert not out.exists()


def test_a_model_that_changed_since_is_not_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crucible: Crucible
) -> None:
    monkeypatch.chdir(tmp_path)
    file = broken(tmp_path)
    write_study(tmp_path, one_item())
    assert crucible("run", file, "--trials", 1).code == 0
    change(tmp_path / "code", model__norm__weight=torch.ones(128, dtype=torch.bfloat16))
    line = refusal(crucible("export", "tiny", "--out", tmp_path / "out", "--format", "checkpoint"))
    assert f"{tmp_path / 'code'}: this model's content changed" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--trial", "99"), "no trial 99"),
        (("--format", "merge-kit"), "did you mean 'mergekit'?"),
    ],
)
def test_an_export_of_what_is_not_there_is_refused(
    tmp_path: Path, finished: Finished, crucible: Crucible, arguments: tuple[str, ...], said: str
) -> None:
    options = ("--storage", finished.storage, "--out", tmp_path / "out")
    assert said in refusal(crucible("export", "tiny", *options, *arguments))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("merge_method: tie\nbase_model: b\n", "did you mean 'ties'?"),
        ("merge_method: linear\nmodls: []\n", "did you mean 'models'?"),
        ("- 1\n", "expected a mapping"),
        ("merge_method: linear\nmodels: [a, b]\n", "models"),
        ("merge_method: linear\nmodels: abc\n", "models"),
        ("a: 2020-99-99\n", "month must be in 1..12"),
    ],
)
def test_a_merge_config_that_means_nothing_is_refused(
    tmp_path: Path, crucible: Crucible, text: str, said: str
) -> None:
    config = tmp_path / "merge.yaml"
    config.write_text(text)
    line = refusal(crucible("merge", config, tmp_path / "out"))
    assert said in line
    assert str(config) in line
    assert not (tmp_path / "out").exists()


def test_a_study_whose_engine_cannot_start_is_not_begun(study_file: Path, crucible: Crucible) -> None:
    write_study(study_file.parent, one_item())
    good = study_file.read_text()
    study_file.write_text(good.replace("max_tokens: 48", "max_tokens: 100000"))
    refusal(crucible("run", study_file))
    study_file.write_text(good)
    assert crucible("run", study_file, "--trials", 1).code == 0, "what the remedy says must be accepted"


def test_a_checkpoint_may_be_written_to_the_working_directory(
    tmp_path: Path, finished: Finished, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    options = ("--storage", finished.storage, "--format", "checkpoint", "--out", ".")
    assert crucible("export", "tiny", *options).code == 0
    assert (tmp_path / "here" / "model.safetensors").is_file()


def test_a_bug_is_no_users_error(monkeypatch: pytest.MonkeyPatch, crucible: Crucible) -> None:
    def fail(*_: object) -> None:
        raise ValueError("ours")

    monkeypatch.setattr("search.study_file.spec.load_study", fail)
    with pytest.raises(ValueError, match="ours"):
        crucible("check", "study.yaml")
