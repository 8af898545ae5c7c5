"""Which numbers are compared: the same of all models, few of a large matrix, none that only tell habits."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from merging.errors import CheckpointError
from merging.models.checkpoint import open_checkpoint
from merging.zoo.sampling import RUN, RUNS, matrices, parts, sample
from tests.merging.pico import Pico, write_model
from tests.merging.zoo.builders import MATRIX, matrix_models, noise

SIZES = st.integers(1, 9000)


def test_norms_and_what_has_a_row_for_each_token_are_left_out(tmp_path: Path) -> None:
    pico = Pico(layers=1)
    model = open_checkpoint(write_model(tmp_path / "a", pico.base(), pico))
    expected = {name for name in pico.shapes() if "proj" in name}
    assert matrices(model).keys() == expected
    assert {"lm_head.weight", "model.embed_tokens.weight"} & model.tensors.keys()


def test_a_small_matrix_is_read_whole(tmp_path: Path) -> None:
    matrix = noise(0, 30, 20)
    (model,) = matrix_models(tmp_path, matrix)
    (found,) = sample([model], MATRIX, (30, 20))
    assert torch.equal(found, matrix.double().reshape(-1))


@given(st.lists(SIZES, min_size=1, max_size=2), st.integers(1, 9000), st.integers(1, 20000))
def test_parts_lie_within_the_matrix_and_no_number_is_read_twice(
    leading: list[int], rows: int, columns: int
) -> None:
    shape = (*leading[1:], rows, columns)
    ranges = [
        [_range(each, size) for each, size in zip(part, shape, strict=False)] for part in parts("x", shape)
    ]
    for part in ranges:
        assert all(0 <= own.start < own.stop <= size for own, size in zip(part, shape, strict=False))
    for i, first in enumerate(ranges):
        for second in ranges[:i]:
            assert any(not set(a) & set(b) for a, b in zip(first, second, strict=True))


@given(st.integers(256, 9000), st.integers(256, 20000))
def test_of_a_large_matrix_about_as_much_is_read_as_of_any_other(rows: int, columns: int) -> None:
    count = sum(_count(part, (rows, columns)) for part in parts("x", (rows, columns)))
    assert count == rows * columns if rows * columns <= RUNS * RUN else RUNS * RUN // 2 <= count <= RUNS * RUN


def test_experts_stacked_in_one_tensor_are_all_within_reach() -> None:
    found = parts("model.layers.0.mlp.experts.gate_up_proj", (64, 512, 1024))
    assert len({part[0] for part in found}) > 8
    assert sum(_count(part, (64, 512, 1024)) for part in found) == RUNS * RUN


def test_where_to_look_is_told_by_the_name_and_spread_over_the_matrix() -> None:
    shape = (4096, 4096)
    assert parts("a", shape) == parts("a", shape) != parts("b", shape)
    starts = sorted(part[0].start for part in parts("a", shape) if isinstance(part[0], slice))
    assert starts[0] < 1024
    assert starts[-1] > 3072


def test_only_what_is_asked_for_is_what_is_compared(tmp_path: Path) -> None:
    matrix = noise(0, 512, 512)
    (model,) = matrix_models(tmp_path, matrix)
    (found,) = sample([model], MATRIX, (512, 512))
    expected = torch.cat([matrix[part].reshape(-1) for part in parts(MATRIX, (512, 512))])
    assert torch.equal(found, expected.double())
    assert len(found) == RUNS * RUN < matrix.numel()


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_no_number_is_refused_with_its_place(tmp_path: Path, wrong: float) -> None:
    matrix = noise(0, 4, 4)
    matrix[2, 1] = wrong
    (model,) = matrix_models(tmp_path, matrix)
    with pytest.raises(CheckpointError, match=f"{MATRIX}: 1 of 16 numbers are NaN or Inf") as error:
        list(sample([model], MATRIX, (4, 4)))
    assert str(model.path) in str(error.value)


def _range(part: int | slice, size: int) -> range:
    return range(part, part + 1) if isinstance(part, int) else range(*part.indices(size))


def _count(part: tuple[int | slice, ...], shape: tuple[int, ...]) -> int:
    own = [len(_range(each, size)) for each, size in zip(part, shape, strict=False)]
    return math.prod(own) * math.prod(shape[len(part) :])
