"""What a fused model learnt from is its name in the study that merges them, whatever its source is called."""

from __future__ import annotations

from hashlib import sha256

import pytest

from search.fusing.learning.distilling import Pair
from search.fusing.materials import Role
from search.study_file.models import ModelSpec, check_names
from studies.store.rows import ModelSubject


def short(name: str) -> str:
    digest = sha256(name.encode()).hexdigest()
    return Pair("a row", "a-run", (Role(name, ModelSubject(digest, "/models/a", None, "llama", 1)),)).short


def test_an_ordinary_name_stays_readable() -> None:
    assert short("qwen: math") == "qwen-math"
    assert Pair("a row", "a-run", ()).short == "labels"


@pytest.mark.parametrize("name", ["base", "target", "uniform", "union", "42", "_x: math", "é" * 200, "…"])
def test_a_name_that_no_study_takes_becomes_one_that_it_takes(name: str) -> None:
    expert = ModelSpec(name=short(name), model="a")
    check_names(ModelSpec(name="target", model="b"), [expert], [])
