"""A target learns from examples, and becomes a plain checkpoint; what cannot work is told in one line."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from merging.errors import CheckpointError, OutputError, TrainingError
from merging.fusion.training import memory
from merging.fusion.training import train as loop
from merging.fusion.training.example import Example
from merging.fusion.training.settings import Lora, Objective, Settings
from merging.fusion.training.train import Metrics, train
from merging.models.checkpoint import open_checkpoint
from merging.models.fingerprint import survey
from tests.merging.fusion.training.tiny import BASE, TINY, examples, taught

FAST = Settings(Objective("labels"), epochs=3, batch=8, rate=2e-3, checkpoint_every=100)


@pytest.fixture(scope="module")
def made() -> list[Example]:
    return taught(examples(16), TINY / "gsm8k")


def curve(made: list[Example], out: Path, settings: Settings) -> list[Metrics]:
    rows: list[Metrics] = []
    assert train(BASE, made, out, settings, record=lambda step, metrics: rows.append(metrics)) == out
    return rows


def losses(rows: list[Metrics]) -> list[float]:
    return [row["loss"] for row in rows]


def test_a_trained_target_is_a_plain_checkpoint_that_learnt(made: list[Example], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    train(BASE, made, tmp_path / "out", FAST, progress=lambda *done: seen.append(done))
    assert seen == [(step, 6) for step in range(1, 7)]
    out, base = open_checkpoint(tmp_path / "out"), open_checkpoint(BASE)
    assert {n: (i.dtype, i.shape) for n, i in out.tensors.items()} == {
        n: (i.dtype, i.shape) for n, i in base.tensors.items()
    }
    assert out.config == base.config
    for file in base.companions():
        assert (tmp_path / "out" / file.name).read_bytes() == file.read_bytes()
    assert not (tmp_path / "out.training").exists()
    assert AutoTokenizer.from_pretrained(tmp_path / "out")("2+2")["input_ids"]

    def ce(folder: Path) -> float:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        with torch.no_grad():
            return sum(
                model(torch.from_numpy(e.ids)[None], labels=torch.from_numpy(e.ids)[None]).loss.item()
                for e in made
            )

    assert ce(tmp_path / "out") < ce(BASE)


def test_a_step_tells_its_metrics(made: list[Example], tmp_path: Path) -> None:
    rows = curve(made, tmp_path / "out", replace(FAST, epochs=1, objective=Objective("average", 0.75)))
    assert len(rows) == 2
    for row in rows:
        assert list(row) == ["loss", "ce", "divergence", "grad_norm", "lr", "tokens", "seconds"]
        assert row["loss"] == pytest.approx(0.75 * row["ce"] + 0.25 * row["divergence"])
    assert sum(row["tokens"] for row in rows) == sum(each.count for each in made)
    assert 0 < rows[0]["seconds"] < rows[1]["seconds"]
    assert rows[0]["lr"] == FAST.rate


@pytest.mark.parametrize("name", ["min_ce_token", "average", "alm", "alm+evidence", "uld"])
def test_every_function_brings_the_student_nearer_to_its_teacher(
    name: str, made: list[Example], tmp_path: Path
) -> None:
    objective = Objective(name, 0.0, evidence={"math": [0.5]})
    rows = curve(made, tmp_path / "out", Settings(objective, epochs=12, batch=16, rate=3e-4, warmup=0.2))
    assert rows[-1]["divergence"] < 0.7 * rows[0]["divergence"]
    assert rows[-1]["loss"] == rows[-1]["divergence"]


def test_a_step_is_the_same_however_it_is_parted(made: list[Example], tmp_path: Path) -> None:
    settings = replace(FAST, epochs=1, objective=Objective("alm+min_ce_token", 0.5))
    parted = [
        curve(made, tmp_path / f"{size}", replace(settings, micro_batch=size)) for size in (1, 3, None, 8)
    ]
    for rows in parted[1:]:
        for name in ("loss", "ce", "divergence", "grad_norm"):
            assert [row[name] for row in rows] == pytest.approx([row[name] for row in parted[0]], rel=1e-4)


def test_bfloat16_computes_in_it_and_learns_nearly_the_same(made: list[Example], tmp_path: Path) -> None:
    wide, narrow = (curve(made, tmp_path / d, replace(FAST, dtype=d)) for d in ("float32", "bfloat16"))
    assert losses(narrow) != losses(wide)
    assert losses(narrow) == pytest.approx(losses(wide), rel=0.03)


def test_the_seed_alone_decides(made: list[Example], tmp_path: Path) -> None:
    torch.manual_seed(1)
    first = curve(made, tmp_path / "a", FAST)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert losses(curve(made, tmp_path / "b", FAST)) == losses(first)
    assert torch.get_rng_state().equal(state)
    assert losses(curve(made, tmp_path / "c", replace(FAST, seed=1))) != losses(first)


def test_adapters_are_merged_into_a_plain_checkpoint(made: list[Example], tmp_path: Path) -> None:
    rows = curve(made, tmp_path / "out", replace(FAST, lora=Lora(rank=4, alpha=16), epochs=6))
    assert losses(rows)[-1] < losses(rows)[0]
    base, out = load_file(BASE / "model.safetensors"), load_file(tmp_path / "out" / "model.safetensors")
    assert set(out) == set(base)
    changed = {name for name in base if not out[name].equal(base[name])}
    assert changed == {name for name in base if name.endswith("_proj.weight")}
    difference = (
        out["model.layers.0.self_attn.q_proj.weight"].double()
        - base["model.layers.0.self_attn.q_proj.weight"]
    ).double()
    energy = torch.linalg.svdvals(difference).square()
    assert energy[:4].sum() > 0.9 * energy.sum(), "of rank 4, but for rounding to bfloat16"
    assert not (tmp_path / "out" / "adapter_config.json").exists()


def test_adapters_resume_from_adapters_alone(made: list[Example], tmp_path: Path) -> None:
    settings = replace(FAST, lora=Lora(rank=4), checkpoint_every=2)
    whole = curve(made, tmp_path / "whole", settings)
    rows = interrupted(made, tmp_path / "out", settings, at=3)
    kept = tmp_path / "out.training" / "step-00000002"
    assert (kept / "model.safetensors").stat().st_size < 200_000
    rows += curve(made, tmp_path / "out", settings)
    assert losses(rows[:2] + rows[3:]) == pytest.approx(losses(whole), rel=1e-5)


def interrupted(made: list[Example], out: Path, settings: Settings, at: int) -> list[Metrics]:
    rows: list[Metrics] = []

    def record(step: int, metrics: Metrics) -> None:
        rows.append(metrics)
        if step == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(BASE, made, out, settings, record=record)
    return rows


def test_without_peft_the_extra_is_named(
    made: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(TrainingError, match=r"training\.lora: needs PEFT; pip install 'crucible\[lora\]'"):
        train(BASE, made, tmp_path / "out", replace(FAST, lora=Lora()))


def test_a_loss_that_leaves_the_numbers_ends_the_run(made: list[Example], tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"^step \d+ of 60: the .* is (nan|inf), and no model was written; lower"
    ):
        train(BASE, made, tmp_path / "out", replace(FAST, rate=1e30, epochs=30, warmup=0))
    assert not (tmp_path / "out").exists()


def test_what_a_kill_left_goes_on_only_with_the_same_plan(made: list[Example], tmp_path: Path) -> None:
    settings = replace(FAST, checkpoint_every=2)
    interrupted(made, tmp_path / "out", settings, at=3)
    with pytest.raises(
        OutputError, match=r"out\.training: is of a training with other training\.rate; remove it"
    ):
        train(BASE, made, tmp_path / "out", replace(settings, rate=1e-3))
    with pytest.raises(OutputError, match=r"with other data; remove it"):
        train(BASE, made[1:], tmp_path / "out", settings)
    source = made[3].carried[0]
    realigned = replace(made[3], carried=(replace(source, logprobs=source.logprobs - np.float32(0.01)),))
    with pytest.raises(OutputError, match=r"with other data; remove it"):
        train(BASE, [*made[:3], realigned, *made[4:]], tmp_path / "out", settings)
    seen: list[int] = []
    train(BASE, made, tmp_path / "out", replace(settings, micro_batch=2), record=lambda n, _: seen.append(n))
    assert seen == [3, 4, 5, 6]


def test_what_is_made_is_not_made_again(made: list[Example], tmp_path: Path) -> None:
    curve(made, tmp_path / "out", FAST)
    before = survey(open_checkpoint(tmp_path / "out")).digest
    assert curve(made, tmp_path / "out", FAST) == []
    assert survey(open_checkpoint(tmp_path / "out")).digest == before
    with pytest.raises(
        OutputError, match=r"out: is of a training with other fusion\.function, fusion\.lambda"
    ):
        train(BASE, made, tmp_path / "out", replace(FAST, objective=Objective("alm", 0.5)))


def test_a_folder_that_holds_something_is_refused_before_any_training(
    made: list[Example], tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        train(BASE, made, tmp_path, FAST)


def test_two_processes_do_not_train_in_one_place(made: list[Example], tmp_path: Path) -> None:
    def again(step: int, metrics: Metrics) -> None:
        train(BASE, made, tmp_path / "out", FAST)

    with pytest.raises(OutputError, match="another process trains here"):
        train(BASE, made, tmp_path / "out", FAST, record=again)


def test_too_little_memory_is_told_before_the_model_is_read(
    made: list[Example], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "free_memory", lambda device: 10_000_000)
    monkeypatch.setattr(loop, "load", None)
    with pytest.raises(
        TrainingError, match=r"^training needs about .* and 10\.0 MB are free; set training\.lora"
    ):
        train(BASE, made, tmp_path / "out", FAST)
    assert list(tmp_path.glob("out*")) == []
    assert memory.free_memory(torch.device("cpu")) > 10_000_000


def test_nothing_to_learn_is_told(made: list[Example], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"none of 16 examples has a response within 2 tokens; raise it"):
        train(BASE, made, tmp_path / "out", replace(FAST, max_length=2))
    with pytest.raises(TrainingError, match=r"none of 0 examples"):
        train(BASE, [], tmp_path / "out", FAST)


def test_a_model_that_transformers_does_not_know_is_refused(made: list[Example], tmp_path: Path) -> None:
    strange = tmp_path / "strange"
    strange.mkdir()
    for file in BASE.iterdir():
        (strange / file.name).write_bytes(file.read_bytes())
    config = json.loads((strange / "config.json").read_text())
    (strange / "config.json").write_text(json.dumps({**config, "model_type": "lama"}))
    with pytest.raises(CheckpointError, match="strange: no model that transformers can train"):
        train(strange, made, tmp_path / "out", FAST)


def test_threads_are_given_back(made: list[Example], tmp_path: Path) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        counts: list[int] = []
        settings = replace(FAST, epochs=1)
        train(
            BASE, made, tmp_path / "out", settings, record=lambda *_: counts.append(torch.get_num_threads())
        )
        assert counts == [1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"objective": {"lambda_": 1.5}}, "fusion.lambda: 1.5 is not a share between 0 and 1"),
        ({"objective": {"temperature": 0}}, "fusion.temperature: 0 is not a number above 0"),
        (
            {"objective": {"function": "alm+evidence"}},
            "fusion.function: evidence weighs sources by accuracies; there are none",
        ),
        ({"epochs": 0}, "training.epochs: 0 is not a number from 1"),
        ({"micro_batch": 0}, "training.micro_batch: 0 is not a number from 1, or null"),
        ({"rate": -1.0}, "training.rate: -1.0 is not a number above 0"),
        ({"warmup": 1.0}, "training.warmup: 1.0 is not a share from 0 to below 1"),
        ({"dtype": "float16"}, "training.dtype: float16 is not auto or float32 or bfloat16"),
        ({"lora": {"rank": 0}}, "training.lora.rank: 0 is not a number from 1"),
    ],
)  # fmt: skip
def test_settings_that_mean_nothing_are_refused(given: dict[str, object], message: str) -> None:
    def build() -> Settings:
        parts = {"objective": Objective, "lora": Lora}
        return Settings(
            **{name: parts[name](**value) if name in parts else value for name, value in given.items()}
        )  # type: ignore[operator,arg-type]

    with pytest.raises(TrainingError) as told:
        build()
    assert str(told.value) == message


def test_lengths_beyond_the_limit_are_cut(made: list[Example], tmp_path: Path) -> None:
    longest = max(len(each.ids) for each in made)
    rows = curve(made, tmp_path / "out", replace(FAST, epochs=1, max_length=longest - 5))
    expected = sum(max(0, min(len(each.ids), longest - 5) - each.start) for each in made)
    assert sum(row["tokens"] for row in rows) == expected < sum(each.count for each in made)
    assert np.isfinite(losses(rows)).all()
