"""lm-eval's own command line is the oracle: same weights, same items, float32, compared item by item."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import lm_eval
import pytest
import yaml
from safetensors.torch import load_file

from evaluators.judge import judge
from evaluators.score import ItemResult
from evaluators.slices import Slice, SliceRequest, build_slices
from evaluators.transformers_engine import TransformersEngine

TASKS = {
    "gsm8k": ("gsm8k/gsm8k.yaml", "gsm8k.jsonl"),
    "minerva_math": ("minerva_math/minerva_math_algebra.yaml", "math.jsonl"),
}
ITEMS, MAX_TOKENS = 48, 48


@pytest.fixture(scope="module")
def slices(tiny: Path) -> dict[str, Slice]:
    requests = [
        SliceRequest(task, task, tiny / data, 0, search=ITEMS, holdout=0, max_tokens=MAX_TOKENS)
        for task, (_, data) in TASKS.items()
    ]
    return {slice_.task: slice_ for slice_ in build_slices(requests)[0]}


@pytest.fixture(scope="module")
def theirs(
    tiny: Path, slices: Mapping[str, Slice], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict]]:
    """lm-eval's samples of both tasks, over the slices' own documents."""
    folder = tmp_path_factory.mktemp("lm_eval")
    for task, slice_ in slices.items():
        rows = folder / f"{task}.jsonl"
        rows.write_text("".join(json.dumps(item.doc) + "\n" for item in slice_.items))
        definition = {
            "include": str(Path(lm_eval.__file__).parent / "tasks" / TASKS[task][0]),
            "task": f"local_{task}",
            "dataset_path": "json",
            "dataset_name": None,
            "dataset_kwargs": {"data_files": {"train": str(rows), "test": str(rows)}},
            "generation_kwargs": {"until": list(slice_.stop), "do_sample": False, "max_gen_toks": MAX_TOKENS},
            "num_fewshot": 0,
        }
        (folder / f"{task}.yaml").write_text(yaml.safe_dump(definition))
    run_lm_eval(tiny / "base", [f"local_{task}" for task in slices], folder)
    return {task: samples(folder, task) for task in slices}


def run_lm_eval(model: Path, tasks: list[str], folder: Path) -> None:
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf"]
    command += ["--model_args", f"pretrained={model},dtype=float32", "--tasks", ",".join(tasks)]
    command += ["--include_path", str(folder), "--output_path", str(folder / "out"), "--log_samples"]
    command += ["--batch_size", "16", "--device", "cpu"]
    alone = {
        "OMP_NUM_THREADS": "1",
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
    }
    done = subprocess.run(command, env=os.environ | alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def samples(folder: Path, task: str) -> list[dict]:
    (file,) = (folder / "out").rglob(f"samples_local_{task}_*.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    kept = [row for row in rows if row["filter"] in {"strict-match", "none"}]
    return sorted(kept, key=lambda row: row["doc_id"])


@pytest.fixture(scope="module")
def ours(tiny: Path, slices: Mapping[str, Slice]) -> dict[str, list[ItemResult]]:
    engine = TransformersEngine(tiny / "base", dtype="float32")
    engine.load(load_file(tiny / "base" / "model.safetensors").items())
    found: dict[str, list[ItemResult]] = {task: [] for task in slices}
    for task, slice_ in slices.items():
        judge(engine, slice_, skip=(), deliver=found[task].extend)
    return found


@pytest.mark.parametrize("task", TASKS)
def test_prompts_are_those_of_lm_eval(task: str, slices, theirs) -> None:
    asked = [row["arguments"]["gen_args_0"]["arg_0"] for row in theirs[task]]
    assert [item.prompt for item in slices[task].items] == asked


@pytest.mark.parametrize("task", TASKS)
def test_texts_are_those_of_lm_eval(task: str, ours, theirs) -> None:
    assert [result.text for result in ours[task]] == [row["resps"][0][0] for row in theirs[task]]


@pytest.mark.parametrize(("task", "metric"), [("gsm8k", "exact_match"), ("minerva_math", "math_verify")])
def test_verdicts_are_those_of_lm_eval(task: str, metric: str, ours, theirs) -> None:
    verdicts = [result.correct for result in ours[task]]
    assert verdicts == [bool(row[metric]) for row in theirs[task]]
    assert 0 < sum(verdicts) < ITEMS, "a comparison needs right and wrong answers"
