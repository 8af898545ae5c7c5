from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from benchmarks.candidates import config, experts_of, recipe, traffic, values
from benchmarks.models import Shape
from merging.mergekit.read import load_config
from merging.methods.registry import METHODS
from merging.models.checkpoint import TensorInfo
from merging.recipe import ModelRef

TINY = Shape(hidden=16, intermediate=32, layers=2, heads=2, vocabulary=48)
REFS = [ModelRef(f"/models/{i}", f"{i}" * 64) for i in range(4)]


def opened(name: str) -> tuple[ModelRef, Mapping[str, TensorInfo]]:
    tensors = {key: TensorInfo("bfloat16", shape, Path("x")) for key, shape in TINY.tensors().items()}
    return next(ref for ref in REFS if ref.path == name), tensors


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_candidates_that_differ_by_repetition(name: str) -> None:
    made = [recipe(METHODS[name], REFS, TINY.layers, i) for i in (0, 1, -1)]
    varied = bool(values(METHODS[name], 0)) and name not in ("arcee_fusion",)
    assert len({each.digest for each in made}) == (3 if varied else 1)
    assert len(made[0].experts) == experts_of(METHODS[name])


@pytest.mark.parametrize("name", ["linear", "task_arithmetic", "ties", "dare_ties", "della"])
def test_the_config_means_the_recipe(name: str, tmp_path: Path) -> None:
    method = METHODS[name]
    file = tmp_path / "config.yaml"
    file.write_text(config(method, [Path(ref.path) for ref in REFS], 3))
    read, asked = load_config(file, opened).recipe, recipe(method, REFS, TINY.layers, 3)
    assert read.layers[0].rules[-1].parameters == asked.layers[0].rules[-1].parameters
    assert (read.method, read.dtype, read.experts) == (asked.method, asked.dtype, asked.experts)


def test_more_experts_are_given_parameters_too() -> None:
    data = yaml.safe_load(config(METHODS["ties"], [Path(f"/m/{i}") for i in range(7)], 0))
    assert len(data["models"]) == 6
    assert all({"weight", "density"} <= model["parameters"].keys() for model in data["models"])


@pytest.mark.parametrize(
    ("name", "models"), [("linear", 4), ("ties", 5), ("slerp", 3), ("nuslerp", 3), ("passthrough", 2)]
)
def test_traffic_is_what_is_read_and_written(name: str, models: int) -> None:
    assert traffic(METHODS[name], 10) == 10 * models
