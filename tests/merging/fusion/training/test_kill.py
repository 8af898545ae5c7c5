"""A training that is killed goes on with the same loss curve, and leaves no half of anything."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.merging.fusion.training import tiny

ROOT = Path(__file__).parents[4]
STEPS = 10


def told(file: Path) -> list[dict[str, float]]:
    """What was told of each step, whole lines only."""
    text = file.read_text() if file.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def kill_at(step: int, out: Path, curve: Path) -> None:
    """Train in a process of its own, and kill it as soon as it tells of a step."""
    command = [sys.executable, "-m", tiny.__name__, str(out), "min_ce_token", str(curve)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as process:
        while step not in {row["step"] for row in told(curve)}:
            assert process.poll() is None, process.stderr and process.stderr.read().decode()
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_a_killed_training_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    kill_at(5, broken, tmp_path / "broken.jsonl")
    assert not broken.exists()
    last = max(int(each.name[5:]) for each in tmp_path.glob("broken.training/step-*"))
    assert last >= 4
    before = len(told(tmp_path / "broken.jsonl"))
    for out in (whole, broken):
        tiny.main(str(out), "min_ce_token", str(out.with_suffix(".jsonl")))

    rows = told(tmp_path / "broken.jsonl")
    assert rows[before]["step"] == last + 1, "it went on from the last checkpoint"
    found = {row["step"]: row for row in rows}
    expected = {row["step"]: row for row in told(tmp_path / "whole.jsonl")}
    assert sorted(found) == sorted(expected) == list(range(1, STEPS + 1))
    for step, row in expected.items():
        for name in ("loss", "ce", "divergence", "grad_norm", "lr", "tokens"):
            assert found[step][name] == pytest.approx(row[name], rel=1e-5), f"{name} of step {step}"
    assert expected[STEPS]["loss"] < expected[1]["loss"]
    assert [row["seconds"] for row in rows[before:]] == sorted(row["seconds"] for row in rows[before:])
    weights = [load_file(out / "model.safetensors") for out in (whole, broken)]
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])
    assert not (tmp_path / "broken.training").exists()


def test_what_a_kill_leaves_of_a_checkpoint_is_not_taken_for_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    kill_at(3, out, tmp_path / "out.jsonl")
    half = tmp_path / "out.training" / "writing"
    half.mkdir(exist_ok=True)
    (half / "model.safetensors").write_bytes(b"half")
    tiny.main(str(out), "min_ce_token", str(tmp_path / "out.jsonl"))
    assert told(tmp_path / "out.jsonl")[-1]["step"] == STEPS
    assert out.is_dir()
