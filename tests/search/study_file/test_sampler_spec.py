"""Who proposes: `auto` unless the file names another; one that can't serve several objectives is refused."""

from __future__ import annotations

import pytest
from pydantic_core import PydanticCustomError

from search.study_file.spec import (
    ONE_OBJECTIVE,
    SAMPLERS,
    SamplerSpec,
    count_objectives,
    refuse_several,
)


def test_new_studies_get_auto() -> None:
    assert SamplerSpec().name == "auto"
    assert SamplerSpec.model_validate({"seed": 3}).model_dump() == {"name": "auto", "seed": 3}


@pytest.mark.parametrize("objective", ["accuracy", {"mean": {"gsm8k": 2, "math": 1}}, ["gsm8k"]])
def test_one_objective_is_served_by_all(objective: object) -> None:
    for name in SAMPLERS:
        refuse_several(SamplerSpec.model_validate({"name": name}), count_objectives(objective))


@pytest.mark.parametrize("name", SAMPLERS)
def test_several_objectives_are_refused_where_one_is_served(name: str) -> None:
    sampler, objectives = SamplerSpec.model_validate({"name": name}), count_objectives(["gsm8k", "math"])
    if name not in ONE_OBJECTIVE:
        refuse_several(sampler, objectives)
        return
    with pytest.raises(PydanticCustomError, match=f"{name} serves one objective, found 2; write one of auto"):
        refuse_several(sampler, objectives)
