"""A file that names no sampler means what it meant when its study began."""

from __future__ import annotations

from typing import Any

import pytest

from search.study_file.began import as_of
from search.study_file.spec import StudySpec

STUDY: dict[str, Any] = {
    "name": "tiny",
    "base_model": "./base",
    "experts": ["./math", "./code"],
    "search_space": {"methods": ["ties"]},
    "slices": [{"name": "math", "task": "minerva_math", "search": 4, "holdout": 4}],
    "folder": ".",
}


def spec(**more: Any) -> StudySpec:
    return StudySpec.model_validate({**STUDY, **more})


def identity(name: str, seed: int = 0) -> dict[str, Any]:
    """That of a study which began with this sampler."""
    said = spec(sampler={"name": name, "seed": seed}).identity()
    return {"study": said}


@pytest.mark.parametrize("sampler", [{}, {"sampler": {"seed": 3}}], ids=["nothing", "a seed"])
@pytest.mark.parametrize("name", ["tpe", "auto", "random"])
def test_a_file_without_a_name_goes_on_as_its_study_began(sampler: dict[str, Any], name: str) -> None:
    seed = 3 if sampler else 0
    went_on = as_of(spec(**sampler), identity(name, seed))
    assert went_on.sampler.model_dump() == {"name": name, "seed": seed}
    assert went_on.identity()["sampler"] == identity(name, seed)["study"]["sampler"]


def test_who_names_another_sampler_has_changed_the_study() -> None:
    went_on = as_of(spec(sampler={"name": "auto"}), identity("tpe"))
    assert went_on.identity()["sampler"]["name"] == "auto"


def test_a_study_without_a_sampler_in_its_identity_leaves_the_file_as_it_is() -> None:
    for began in ({}, {"study": {}}, {"study": {"sampler": None}}):
        assert as_of(spec(), began).sampler.name == "auto"
