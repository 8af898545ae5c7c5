"""What a fused model learnt from is its name in the study that merges them, whatever its source is called."""

from __future__ import annotations

from hashlib import sha256

import pytest

from search.fusing.learning.distilling import Pair, pairs_of
from search.fusing.materials import Role
from search.study_file.fusion import FusionSpec
from search.study_file.models import ModelSpec, check_names
from studies.store.rows import ModelSubject


def role(name: str) -> Role:
    digest = sha256(name.encode()).hexdigest()
    return Role(name, ModelSubject(digest, "/models/a", None, "llama", 1))


def short(name: str) -> str:
    return Pair("a row", "a-run", (role(name),)).short


def test_an_ordinary_name_stays_readable() -> None:
    assert short("qwen: math") == "qwen-math"
    assert Pair("a row", "a-run", ()).short == "labels"


@pytest.mark.parametrize("name", ["base", "target", "uniform", "union", "42", "_x: math", "é" * 200, "…"])
def test_a_name_that_no_study_takes_becomes_one_that_it_takes(name: str) -> None:
    expert = ModelSpec(name=short(name), model="a")
    check_names(ModelSpec(name="target", model="b"), [expert], [])


def test_however_many_sources_teach_at_once_a_disk_takes_their_name() -> None:
    spec = FusionSpec.model_validate(
        {"name": "a", "studies": "b", "data": "c", "fusion": {"pairwise": False}, "folder": "/"}
    )
    sources = [role(f"a family of ours: its expert {i}") for i in range(12)]
    (pair,) = pairs_of(spec, role("target"), sources)
    (other,) = pairs_of(spec, role("target"), sources[::-1])
    assert len(pair.run) < 100
    assert pair.run != other.run
    assert pairs_of(spec, role("target"), sources[:2])[0].run.endswith("its-expert-1")
