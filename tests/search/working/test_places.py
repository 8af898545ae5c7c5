"""Each worker of a machine has a GPU of its own, or its share of the cores."""

from __future__ import annotations

import pytest

from search.errors import SearchError
from search.study_file.spec import EngineSpec
from search.working import places as placing
from search.working.places import places

PLAIN, FAKE, SPLIT = EngineSpec(), EngineSpec(name="fake"), EngineSpec(name="vllm", tensor_parallel=2)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,2,3,GPU-5a")


@pytest.mark.usefixtures("gpus")
def test_each_has_a_gpu_of_those_that_this_process_may_see() -> None:
    assert [each["CUDA_VISIBLE_DEVICES"] for each in places(PLAIN, 3)] == ["0", "2", "3"]
    assert [each["CUDA_VISIBLE_DEVICES"] for each in places(SPLIT, 2)] == ["0,2", "3,GPU-5a"]


@pytest.mark.usefixtures("gpus")
def test_more_workers_than_gpus_are_refused_with_what_to_write() -> None:
    with pytest.raises(SearchError, match=r"^--workers 5: take one GPU each, but there are 4 here; write"):
        places(PLAIN, 5)
    with pytest.raises(SearchError, match=r"take 2 GPUs each \(engine.tensor_parallel\).*--workers 2"):
        places(SPLIT, 3)
    assert len(places(FAKE, 9)) == 9, "no model needs no GPU"


def test_without_gpus_they_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(placing, "cores", lambda: 8)
    assert places(PLAIN, 2) == ({"OMP_NUM_THREADS": "4"},) * 2
    assert places(PLAIN, 16) == ({"OMP_NUM_THREADS": "1"},) * 16
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert places(PLAIN, 2) == ({}, {}), "what the user says of threads counts"
