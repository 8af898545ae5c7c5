"""lm-eval's own command line over a slice's own documents, in float32: the oracle of our numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lm_eval
import yaml

from evaluators.benchmarks.slices import Slice

DEFINITIONS = {
    "gsm8k": "gsm8k/gsm8k.yaml",
    "gsm8k_cot": "gsm8k/gsm8k-cot.yaml",
    "gsm8k_cot_zeroshot": "gsm8k/gsm8k-cot-zeroshot.yaml",
    "gsm8k_cot_llama": "gsm8k/gsm8k-cot-llama.yaml",
    "gsm8k_llama": "llama3/instruct/gsm8k/gsm8k.yaml",
    "hendrycks_math": "hendrycks_math/hendrycks_math_algebra.yaml",
    "hendrycks_math500": "hendrycks_math/hendrycks_math500.yaml",
    "humaneval": "humaneval/humaneval.yaml",
    "humaneval_instruct": "humaneval/humaneval_instruct.yaml",
    "mbpp": "mbpp/mbpp.yaml",
    "mbpp_instruct": "mbpp/mbpp_instruct.yaml",
    "minerva_math": "minerva_math/minerva_math_algebra.yaml",
    "minerva_math500": "minerva_math/minerva_math500.yaml",
    "arc_challenge": "arc/arc_challenge.yaml",
    "mmlu_anatomy": "mmlu/default/mmlu_anatomy.yaml",
    "leaderboard_bbh_boolean_expressions": "leaderboard/bbh_mc/boolean_expressions.yaml",
    "leaderboard_bbh_object_counting": "leaderboard/bbh_mc/object_counting.yaml",
}
METRICS = {
    "minerva_math": "math_verify",
    "minerva_math500": "math_verify",
    "humaneval": "pass@1",
    "humaneval_instruct": "pass@1",
    "mbpp": "pass_at_1",
    "mbpp_instruct": "pass_at_1",
    "acc": "acc",
    "acc_norm": "acc_norm",
}


def ask_lm_eval(
    model: Path, slices: Sequence[Slice], folder: Path, chat: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """lm-eval's samples by task, in the order of each slice's items; by a task's first filter.

    With `chat`, under the model's chat template.
    """
    for slice_ in slices:
        _write_task(folder, slice_)
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf"]
    command += ["--model_args", f"pretrained={model},dtype=float32"]
    command += ["--tasks", ",".join(f"local_{slice_.task}" for slice_ in slices)]
    command += ["--include_path", str(folder), "--output_path", str(folder / "out"), "--log_samples"]
    command += ["--batch_size", "16", "--device", "cpu", "--confirm_run_unsafe_code"]
    command += ["--apply_chat_template"] if chat else []
    alone = {
        "OMP_NUM_THREADS": "1",
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_ALLOW_CODE_EVAL": "1",
    }
    here = Path(__file__).parent  # where lm-eval's code tasks find `code_eval`
    done = subprocess.run(
        command, env=os.environ | alone, cwd=here, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {slice_.task: samples(folder, slice_.task) for slice_ in slices}


def verdicts(grader: str, rows: Sequence[dict[str, Any]]) -> list[bool]:
    """Whether lm-eval counts each sample as correct, under the metric of a grader of ours."""
    return [bool(row[METRICS.get(grader, "exact_match")]) for row in rows]


def samples(folder: Path, task: str, name: str | None = None) -> list[dict[str, Any]]:
    """The samples of a task that was asked in `folder`, under the filter of this name, None for the first."""
    (file,) = (folder / "out").rglob(f"samples_local_{task}_2*.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    kept = [row for row in rows if row["filter"] == (name or rows[0]["filter"])]
    return sorted(kept, key=lambda row: row["doc_id"])


def write_task(folder: Path, task: str, docs: Sequence[Mapping[str, Any]], **changes: Any) -> None:
    """lm-eval's task over these documents, which are all of its splits, as `local_<task>`."""
    rows = folder / f"{task}.jsonl"
    rows.write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    definition = {
        "include": str(Path(lm_eval.__file__).parent / "tasks" / DEFINITIONS[task]),
        "task": f"local_{task}",
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": dict.fromkeys(("train", "validation", "dev", "test"), str(rows))},
        "num_fewshot": 0,
    }
    (folder / f"{task}.yaml").write_text(yaml.safe_dump(definition | changes))


def _write_task(folder: Path, slice_: Slice) -> None:
    generation = {"until": list(slice_.stop), "do_sample": False, "max_gen_toks": slice_.max_tokens}
    changes = {"generation_kwargs": generation} if slice_.scoring == "generate" else {}
    write_task(folder, slice_.task, [item.doc for item in slice_.items], **changes)
