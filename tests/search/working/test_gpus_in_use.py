"""Two runs on one machine: the second takes the GPUs on which no worker of the first computes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import cast

import pytest

from search.study_file.spec import EngineSpec
from search.working import places as placing
from search.working.places import gpus_in_use, own_gpus, places
from studies.store.identity import JSON
from studies.store.presence import this_process
from studies.workers.worker import Worker

ENGINE, FAKE, SPLIT = EngineSpec(), EngineSpec(name="fake"), EngineSpec(name="vllm", tensor_parallel=2)


@pytest.fixture(autouse=True)
def four_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(placing, "visible_gpus", lambda: ("0", "1", "2", "3"))


def worker(**place: object) -> Worker:
    """One of this machine that lives."""
    now, process = datetime(2026, 11, 27), this_process()
    own = (process.host, process.boot, process.pid, process.started)
    return Worker("a", 1, *own, cast(Mapping[str, JSON], place), None, "working", {}, now, 1)


def test_those_of_living_workers_of_this_machine_are_in_use() -> None:
    here = [worker(gpus=["0"], index=0), worker(gpus=["2", "3"]), worker(index=0)]
    assert gpus_in_use(here) == {"0", "2", "3"}
    assert gpus_in_use([replace(here[0], started="1")]) == set(), "its process is gone"
    assert gpus_in_use([replace(here[0], boot="another")]) == set(), "its machine is another"


def test_where_the_environment_names_gpus_it_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert gpus_in_use([worker(gpus=["0"])]) == set()
    assert own_gpus(ENGINE) == ["0", "1"]


def test_free_ones_are_taken_first(caplog: pytest.LogCaptureFixture) -> None:
    assert [each["CUDA_VISIBLE_DEVICES"] for each in places(ENGINE, 2, {"0", "2"})] == ["1", "3"]
    assert [each["CUDA_VISIBLE_DEVICES"] for each in places(SPLIT, 1, {"1"})] == ["0,2"]
    assert not caplog.records


def test_where_too_few_are_free_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = places(ENGINE, 3, {"0", "2"})
    assert [each["CUDA_VISIBLE_DEVICES"] for each in found] == ["1", "3", "0"]
    assert caplog.messages == ["too few GPUs are free: other workers compute on GPU 0, too"]


def test_a_worker_says_which_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_gpus(ENGINE) == ["0"]
    assert own_gpus(SPLIT) == ["0", "1"]
    assert own_gpus(FAKE) is None
    monkeypatch.setattr(placing, "visible_gpus", lambda: ())
    assert own_gpus(ENGINE) is None
