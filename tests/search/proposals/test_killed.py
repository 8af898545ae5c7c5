"""A study whose process was killed with SIGKILL proposes what an undisturbed one does: all of it, exactly."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from search.study_file.spec import ONE_OBJECTIVE, SAMPLERS
from studies.trials import Trials
from tests.search.proposals.studied import COUNT, MOMENTS, SPACE, study

CASES = [(each, 1) for each in SAMPLERS] + [(each, 2) for each in SAMPLERS if each not in ONE_OBJECTIVE]


def proposals(url: str) -> list[tuple[Any, ...]]:
    """Of every trial what was drawn for it, to the bit, and how it ended."""
    trials = Trials(url, "s")
    try:
        found = sorted(trials.read(-1, []), key=lambda trial: trial.number)
    finally:
        trials.close()
    return [
        (trial.number, trial.state, trial.values, {name: trial.params[name] for name in SPACE})
        for trial in found
    ]


def killed(url: str, sampler: str, objectives: int, die_at: int, moment: str) -> None:
    """Let a process study until it is killed there."""
    command = [sys.executable, "-m", "tests.search.proposals.studied", url, sampler, str(objectives)]
    command += [str(die_at), moment]
    # others than this process has
    threads = {**os.environ, "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=threads)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(("sampler", "objectives"), CASES)
def test_a_killed_study_proposes_what_an_undisturbed_one_does(
    tmp_path: Path, sampler: str, objectives: int
) -> None:
    undisturbed, resumed = (f"sqlite:///{tmp_path / name}.db" for name in ("a", "b"))
    study(undisturbed, sampler, objectives)
    chance = random.Random(f"{sampler} {objectives}")
    die_at, moment = chance.randrange(5, COUNT - 1), chance.choice(MOMENTS)
    killed(resumed, sampler, objectives, die_at, moment)
    assert len(proposals_begun(resumed)) == die_at + 1, "it was killed there"
    study(resumed, sampler, objectives)
    wanted = proposals(undisturbed)
    assert proposals(resumed) == wanted
    states = Counter(state for _, state, _, _ in wanted)
    assert states["FAIL"] == 9
    assert states["PRUNED"] == (11 if objectives == 1 else 0)
    assert len({tuple(params.values()) for *_, params in wanted}) == COUNT, "no proposal is made twice"


def proposals_begun(url: str) -> list[int]:
    """Numbers of the trials that are there, but for those that wait."""
    trials = Trials(url, "s")
    try:
        return [trial.number for trial in trials.read(-1, []) if trial.state != "WAITING"]
    finally:
        trials.close()


def test_so_it_does_on_a_server(tmp_path: Path, postgres_url: str) -> None:
    undisturbed = f"sqlite:///{tmp_path / 'a.db'}"
    study(undisturbed, "auto", 1)
    killed(postgres_url, "auto", 1, 47, "drawn")
    study(postgres_url, "auto", 1)
    assert proposals(postgres_url) == proposals(undisturbed)
