"""Figures of models that are compared, against the same computed on whole matrices."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

from merging.errors import CheckpointError
from merging.models.checkpoint import Checkpoint
from merging.zoo.likeness import compare
from merging.zoo.sampling import RUN, RUNS
from tests.merging.zoo.builders import matrix_models, noise


def test_cosines_distances_and_task_vectors_are_what_whole_matrices_give(tmp_path: Path) -> None:
    base, first, second = noise(0, 40, 30), noise(1, 40, 30) * 0.1, noise(2, 40, 30) * 0.2
    likeness = compare(matrix_models(tmp_path, base, base + first, base + second))
    flat = [each.double().reshape(-1) for each in (base, base + first, base + second)]
    for a, b in itertools.combinations(range(3), 2):
        lengths = flat[a].norm() * flat[b].norm()
        assert likeness.cosine(a, b) == pytest.approx(float(flat[a] @ flat[b] / lengths), rel=1e-9)
        assert likeness.distance(a, b) == pytest.approx(float((flat[a] - flat[b]).norm() / lengths.sqrt()))
    tasks = [(flat[i] - flat[0]) for i in (1, 2)]
    expected = float(tasks[0] @ tasks[1] / tasks[0].norm() / tasks[1].norm())
    assert likeness.task_cosine(0, 1, 2) == pytest.approx(expected, rel=1e-6)
    assert likeness.spread(0, range(3)) == pytest.approx(float(sum(t @ t for t in tasks)))


def test_the_same_weights_are_at_no_distance_and_have_no_task_vector(tmp_path: Path) -> None:
    base = noise(0, 200, 100)
    likeness = compare(matrix_models(tmp_path, base, base, base + 1))
    assert likeness.equal[0][1] == 1
    assert likeness.distance(0, 1) == 0
    assert likeness.task_cosine(0, 1, 2) is None


def test_a_small_change_is_measured_well_in_spite_of_large_weights(tmp_path: Path) -> None:
    base = noise(0, 256, 256).double()
    likeness = compare(matrix_models(tmp_path, base, base + 1e-5 * noise(1, 256, 256)))
    assert likeness.distance(0, 1) == pytest.approx(1e-5, rel=0.02)


def test_who_loses_votes_is_counted_by_hand(tmp_path: Path) -> None:
    models = torch.tensor([[1, 1, 1, 1], [1, 2, 1, 5], [3, 1, 1, 6], [4, 1, 2, 7]], dtype=torch.float32)
    likeness = compare(matrix_models(tmp_path, *(row.reshape(1, 4) for row in models)))
    # Of 4 numbers and the 3 pairs of others each: where two agree, and this one has another number.
    expected = [sum(_against(models[:, place], own) for place in range(4)) / 12 for own in range(4)]
    assert likeness.contested == pytest.approx(expected)
    assert expected[0] == 0


def test_a_large_matrix_costs_no_more_than_its_sample_and_is_told_nearly_right(tmp_path: Path) -> None:
    base = noise(0, 1024, 1024)
    told: list[tuple[int, int, int]] = []
    models = matrix_models(tmp_path, base.bfloat16(), (base + noise(1, 1024, 1024) * 0.1).bfloat16())
    likeness = compare(models, lambda *step: told.append(step))
    assert likeness.numbers == RUNS * RUN
    assert likeness.bytes_read == 2 * 2 * RUNS * RUN
    assert told == [(1, 1, likeness.bytes_read)]
    assert likeness.distance(0, 1) == pytest.approx(0.1, rel=0.02)


def test_a_model_without_a_matrix_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no matrix but those of its vocabulary"):
        compare([Checkpoint(tmp_path, {}, {})])


def _against(column: torch.Tensor, own: int) -> int:
    others = [float(value) for place, value in enumerate(column) if place != own]
    return sum(a == b != float(column[own]) for a, b in itertools.combinations(others, 2))
