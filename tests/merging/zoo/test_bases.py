"""Which model the others were made from: told where weights tell it, and doubted where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from merging.zoo.bases import Base, choose_base
from merging.zoo.likeness import compare
from tests.merging.zoo.builders import matrix_models, noise

NAMES = ("first", "second", "third", "fourth")


def change(seed: int, size: float = 0.1) -> Tensor:
    """What an independent fine-tuning does to a matrix."""
    return noise(100 + seed, 128, 128) * size


BASE = noise(0, 128, 128)
EXPERTS = tuple(BASE + change(seed) for seed in range(3))


def chosen(
    folder: Path, *matrices: Tensor, claims: dict[int, int] | None = None, adapted: tuple[int, ...] = ()
) -> Base:
    likeness = compare(matrix_models(folder, *matrices))
    return choose_base(likeness, NAMES[: len(matrices)], claims or {}, adapted)


@pytest.mark.parametrize("place", range(4))
def test_the_middle_of_independent_fine_tunes_is_their_base(tmp_path: Path, place: int) -> None:
    models = [*EXPERTS[:place], BASE, *EXPERTS[place:]]
    found = chosen(tmp_path, *models)
    assert (found.place, found.found_by, found.sure) == (place, "cosine", "likely")
    assert "least cosine" in found.reason


def test_experts_of_one_kind_do_not_hide_a_base_as_long_as_one_is_of_another(tmp_path: Path) -> None:
    shared = change(7)
    found = chosen(tmp_path, BASE, BASE + shared, BASE + 0.8 * shared + change(8, 0.04), BASE + change(9))
    assert (found.place, found.found_by) == (0, "cosine")


def test_without_a_base_among_them_the_most_central_stands_in_and_it_is_said(tmp_path: Path) -> None:
    small = BASE + change(4, 0.08)
    found = chosen(tmp_path, *EXPERTS[:2], small)
    assert (found.place, found.found_by, found.sure) == (2, "fallback", "unclear")
    assert "does not seem to be among them" in found.reason
    assert "cosines of 0.39 and more" in found.reason  # 0.08² / (0.08² + 0.1²)


def test_an_expert_that_others_were_made_from_is_no_sure_base(tmp_path: Path) -> None:
    found = chosen(tmp_path, BASE, EXPERTS[0], EXPERTS[0] + change(5))
    assert (found.place, found.sure) == (1, "unclear")
    assert "first has smaller weights" in found.reason


def test_the_one_whose_numbers_others_kept_is_the_base_whatever_the_cosines(tmp_path: Path) -> None:
    """Each fine-tune changed another half of the numbers, all in much the same direction."""
    halves = [(noise(200 + seed, 128, 128) > 0) for seed in range(3)]
    push = change(6, 0.2)
    experts = [torch.where(half, BASE + push, BASE) for half in halves]
    experts = [
        torch.where(half, expert + change(s, 0.05), expert)
        for s, (half, expert) in enumerate(zip(halves, experts, strict=True))
    ]
    found = chosen(tmp_path, experts[0], experts[1], BASE, experts[2])
    assert (found.place, found.found_by, found.sure) == (2, "equality", "certain")
    assert "0.00%" in found.reason


def test_coincidences_of_bfloat16_are_no_votes(tmp_path: Path) -> None:
    found = chosen(tmp_path, *(each.bfloat16() for each in (BASE, *EXPERTS)))
    assert (found.place, found.found_by) == (0, "cosine")


def test_of_two_models_a_config_may_hint_at_the_base_and_is_called_a_hint(tmp_path: Path) -> None:
    found = chosen(tmp_path, EXPERTS[0], BASE, claims={0: 1})
    assert (found.place, found.found_by, found.sure) == (1, "hint", "likely")
    assert "a hint and no proof" in found.reason


@pytest.mark.parametrize("claims", [{}, {0: 1, 1: 0}])
def test_of_two_models_alone_nothing_is_sure(tmp_path: Path, claims: dict[int, int]) -> None:
    found = chosen(tmp_path, EXPERTS[0], BASE, claims=claims)
    assert (found.place, found.found_by, found.sure) == (1, "fallback", "unclear")


def test_a_hint_decides_only_where_weights_do_not(tmp_path: Path) -> None:
    similar = [BASE + change(7) + change(seed, 0.08) for seed in (8, 9)]  # of one task: cosine near 0.6
    undecided = chosen(tmp_path / "a", BASE, *similar, claims={1: 0, 2: 0})
    assert (undecided.place, undecided.found_by, undecided.sure) == (0, "hint", "likely")
    disagreeing = chosen(tmp_path / "b", BASE, *similar, claims={1: 0, 2: 1})
    assert disagreeing.found_by == "fallback"
    overruled = chosen(tmp_path / "c", BASE, *EXPERTS, claims={2: 1})
    assert (overruled.place, overruled.found_by) == (0, "cosine")


def test_what_adapters_change_is_their_base_even_beside_a_more_central_model(tmp_path: Path) -> None:
    found = chosen(tmp_path, BASE, *EXPERTS, adapted=(2,))
    assert (found.place, found.found_by) == (2, "adapter")
