from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from benchmarks.copying import open_yardstick
from benchmarks.models import Shape, build_models
from benchmarks.neighbours import Neighbours, start_watch
from benchmarks.peers import SkippedError, find_mergekit
from benchmarks.processes import CommandError, anonymous_bytes, run_command, tree
from benchmarks.samples import Samples, in_turns, ratio

TINY = Shape(hidden=16, intermediate=32, layers=1, heads=2, vocabulary=48)


def test_runs_take_turns_and_warm_ups_do_not_count() -> None:
    order: list[str] = []
    runs = {name: lambda i, name=name: order.append(f"{name}{i}") for name in ("a", "b")}
    taken = in_turns(runs, 2)
    assert order == ["a-1", "b-1", "a0", "b0", "a1", "b1"]
    assert {name: len(each.seconds) for name, each in taken.items()} == {"a": 2, "b": 2}


def test_a_ratio_is_of_medians_and_its_range_of_neighbours() -> None:
    found = ratio(Samples((2.0, 4.0, 30.0)), Samples((1.0, 1.0, 10.0)))
    assert (found.value, found.low, found.high) == (4.0, 2.0, 4.0)
    assert str(found) == "4 (2–4)"


def test_neighbours_are_seen_and_own_work_is_none() -> None:
    neighbours = Neighbours(patience=0)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as hog:
        with neighbours.turn():
            time.sleep(0.5)
        hog.kill()
    assert neighbours.cores > 0.2  # it, too, may have had to share
    watch = start_watch()
    end = time.perf_counter() + 0.5
    while time.perf_counter() < end:
        pass
    assert watch.own < start_watch().own - 0.1


def test_a_copy_moves_half_of_the_traffic_and_goes_round_the_models(tmp_path: Path) -> None:
    folders = build_models(tmp_path, TINY, 1)
    yardstick = open_yardstick(folders, "cpu")
    size = yardstick.target.numel()
    yardstick.target.zero_()
    yardstick.copy(2 * (size // 2))
    assert torch.equal(yardstick.target[: size // 2], yardstick.sources[0][: size // 2])
    assert not yardstick.target[size // 2 :].any()
    yardstick.copy(2 * 2 * size)
    assert torch.equal(yardstick.target, yardstick.sources[1][:size])


def test_the_anonymous_memory_of_the_whole_tree_is_seen(tmp_path: Path) -> None:
    inner = "import time; kept = bytearray(b'x') * 60_000_000; time.sleep(0.5)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    done = run_command([sys.executable, "-c", outer], {}, tmp_path)
    assert done.peak_anonymous > 60_000_000
    assert done.seconds > 0.5
    assert os.getpid() in tree(os.getpid())
    assert anonymous_bytes(2**22 + 1) == 0  # no such process


def test_a_command_that_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"exit 3: no luck"):
        run_command([sys.executable, "-c", "import sys; print('no luck'); sys.exit(3)"], {}, tmp_path)


def test_an_interpreter_without_mergekit_is_skipped_with_the_reason() -> None:
    with pytest.raises(SkippedError, match="no mergekit"):
        find_mergekit(sys.executable)
