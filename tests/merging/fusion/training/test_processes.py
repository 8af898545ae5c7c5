"""Several processes, as accelerate's own launcher starts them, learn what one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.merging.fusion.training import tiny

ROOT = Path(__file__).parents[4]
LAUNCH = "--cpu --num_processes 2 --num_machines 1 --num_cpu_threads_per_process 1 --mixed_precision no"


def told(file: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    arguments = [str(two), "min_ce_token", str(tmp_path / "two.jsonl")]
    launcher = [sys.executable, "-m", "accelerate.commands.launch", *LAUNCH.split(), "--dynamo_backend", "no"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launcher, "-m", tiny.__name__, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()
    tiny.main(str(one), "min_ce_token", str(tmp_path / "one.jsonl"))
    expected, found = told(tmp_path / "one.jsonl"), told(tmp_path / "two.jsonl")
    assert len(found) == len(expected) == 10
    for mine, theirs in zip(expected, found, strict=True):
        for name in ("step", "loss", "ce", "divergence", "grad_norm", "lr", "tokens"):
            assert theirs[name] == pytest.approx(mine[name], rel=1e-3), f"{name} of step {mine['step']}"
    weights = [load_file(out / "model.safetensors") for out in (one, two)]
    for name in weights[0]:
        torch.testing.assert_close(weights[1][name], weights[0][name], rtol=0.02, atol=2e-3)
    assert not (tmp_path / "two.training").exists()
