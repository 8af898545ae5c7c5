"""Which engine a study asks for, and what of that makes it another study."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.errors import SearchError, SpecError
from search.running.workshop import open_workshop
from search.study_file.spec import EngineSpec, load_study
from tests.search.conftest import small_study, write_study


def test_only_vllm_splits_a_model(tmp_path: Path) -> None:
    file = write_study(tmp_path, small_study(engine={"name": "transformers", "tensor_parallel": 2}))
    with pytest.raises(SpecError, match=r"engine\.tensor_parallel: only vllm has it; leave it out"):
        load_study(file)


def test_a_study_that_says_nothing_of_vllm_is_the_study_it_was_before_there_was_vllm() -> None:
    before = {"name": "transformers", "max_tokens": 48, "dtype": "auto", "batch_size": 64}
    assert EngineSpec(max_tokens=48).identity() == before


def test_memory_may_change_while_a_study_runs_and_the_split_may_not() -> None:
    plain = EngineSpec(name="vllm")
    assert EngineSpec(name="vllm", gpu_memory=0.5).identity() == plain.identity()
    assert EngineSpec(name="vllm", tensor_parallel=2).identity() != plain.identity()


def test_without_vllm_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluators.engines.vllm.engine.find_spec", lambda name: None)
    file = write_study(tmp_path, small_study(engine={"name": "vllm", "max_tokens": 48}))
    with pytest.raises(SearchError, match=r"^engine vllm: not installed; pip install 'crucible\[vllm\]'"):
        open_workshop(load_study(file)).engine()


def test_the_fake_engine_is_asked_for_by_name_and_alone_has_seconds(tmp_path: Path) -> None:
    file = write_study(tmp_path, small_study(engine={"name": "fake", "seconds": 0.25}))
    assert load_study(file).engine.seconds == 0.25
    file = write_study(tmp_path, small_study(engine={"name": "transformers", "seconds": 0.25}))
    with pytest.raises(SpecError, match=r"engine\.seconds: only fake has it; leave it out"):
        load_study(file)


def test_how_long_the_fake_engine_takes_is_no_part_of_a_study() -> None:
    slow, quick = EngineSpec(name="fake", seconds=1), EngineSpec(name="fake")
    assert slow.identity() == quick.identity()
    assert quick.identity() != EngineSpec().identity()
