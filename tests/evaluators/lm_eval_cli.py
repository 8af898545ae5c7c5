"""lm-eval's own command line over a slice's own documents, in float32: the oracle of our numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lm_eval
import yaml

from evaluators.slices import Slice

DEFINITIONS = {
    "gsm8k": "gsm8k/gsm8k.yaml",
    "minerva_math": "minerva_math/minerva_math_algebra.yaml",
}
METRICS = {"gsm8k": "exact_match", "minerva_math": "math_verify"}


def ask_lm_eval(model: Path, slices: Sequence[Slice], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """lm-eval's samples by task, in the order of each slice's items."""
    for slice_ in slices:
        _write_task(folder, slice_)
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf"]
    command += ["--model_args", f"pretrained={model},dtype=float32"]
    command += ["--tasks", ",".join(f"local_{slice_.task}" for slice_ in slices)]
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
    return {slice_.task: _samples(folder, slice_.task) for slice_ in slices}


def verdicts(task: str, samples: Sequence[dict[str, Any]]) -> list[bool]:
    """Whether lm-eval counts each sample as correct, under the metric that is the task's verdict here."""
    return [bool(row[METRICS[task]]) for row in samples]


def _write_task(folder: Path, slice_: Slice) -> None:
    rows = folder / f"{slice_.task}.jsonl"
    rows.write_text("".join(json.dumps(item.doc) + "\n" for item in slice_.items))
    definition = {
        "include": str(Path(lm_eval.__file__).parent / "tasks" / DEFINITIONS[slice_.task]),
        "task": f"local_{slice_.task}",
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {"train": str(rows), "test": str(rows)}},
        "generation_kwargs": {
            "until": list(slice_.stop),
            "do_sample": False,
            "max_gen_toks": slice_.max_tokens,
        },
        "num_fewshot": 0,
    }
    (folder / f"{slice_.task}.yaml").write_text(yaml.safe_dump(definition))


def _samples(folder: Path, task: str) -> list[dict[str, Any]]:
    (file,) = (folder / "out").rglob(f"samples_local_{task}_*.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    kept = [row for row in rows if row["filter"] in {"strict-match", "none"}]
    return sorted(kept, key=lambda row: row["doc_id"])
