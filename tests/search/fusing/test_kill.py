"""Killed or interrupted anywhere, the same command goes on, and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from studies.store import StudyStore
from tests.forked import Command
from tests.search.fusing.conftest import Finished
from tests.search.fusing.families import CURVE, EVIDENCE, Families

REPO = Path(__file__).parents[3]


def words(families: Families) -> list[str]:
    out = families.folder / "out"
    return ["fuse", str(families.file), "--storage", families.storage, "--out", str(out)]


def start_anew(families: Families) -> subprocess.Popen[str]:
    """With imports and a seed of hashes of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "search", *words(families)],
        env={**os.environ, "PYTHONPATH": str(REPO), "PYTHONHASHSEED": "random"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def end(families: Families, when: Callable[[], bool], signum: signal.Signals) -> tuple[int, str]:
    """Start the fusion, and send a signal as soon as `when` holds; its exit code and standard error."""
    process = Command(families.folder, *words(families))
    deadline = time.monotonic() + 120
    while not when() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    ended = process.poll()
    process.send_signal(signum)
    _, err = process.communicate(timeout=60)
    assert ended is None, f"it ended before it could be stopped: {err}"
    assert process.returncode is not None
    return process.returncode, err


def finish(families: Families) -> None:
    process = start_anew(families)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err


def shards(families: Families) -> list[Path]:
    return sorted((families.folder / "out" / "distributions").glob("*/*.safetensors"))


def checkpoints(families: Families) -> list[Path]:
    return sorted((families.folder / "out" / "fused").glob("*.training/step-*"))


def assert_same_end(families: Families, fused: Finished) -> None:
    """The loss of every step within float noise, the same answers to the same items, the same leaderboard."""
    curve, whole = (
        {(run, step): json.loads(metrics)["loss"] for run, step, metrics in each.rows(CURVE)}
        for each in (families, fused)
    )
    assert curve == pytest.approx(whole, rel=1e-5)
    keys = [sorted(row[:3] for row in each.rows(EVIDENCE)) for each in (families, fused)]
    assert keys[0] == keys[1]


def test_killed_in_mid_extraction_and_in_mid_training_it_ends_as_undisturbed(
    families: Families, fused: Finished
) -> None:
    code, _ = end(families, lambda: len(shards(families)) >= 2, signal.SIGKILL)
    assert code == -signal.SIGKILL
    before = {file: file.stat().st_mtime_ns for file in shards(families)}
    assert 2 <= len(before) < len(list((fused.out / "distributions").glob("*/*.safetensors")))
    code, _ = end(families, lambda: len(checkpoints(families)) >= 1, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert {file: file.stat().st_mtime_ns for file in before} == before, "no source is asked a second time"
    trained = len(families.rows(CURVE))
    assert 0 < trained < len(fused.rows(CURVE))
    finish(families)
    assert_same_end(families, fused)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_and_says_how_to_go_on(families: Families, signum: signal.Signals) -> None:
    code, err = end(families, lambda: len(shards(families)) >= 1, signum)
    assert code == 128 + signum, err
    assert f"to go on: crucible fuse {families.file}" in err
    assert "Traceback" not in err
    with StudyStore(families.storage) as store:
        (summary,) = [each for each in store.studies() if each.name == "fused"]
    assert (summary.state, summary.reason) == ("stopped", signum.name)
