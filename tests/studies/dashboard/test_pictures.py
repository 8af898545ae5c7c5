"""What pages draw: cells with their shades, scores where they lie, curves from first step to last."""

from __future__ import annotations

import itertools

import pytest

from evaluators.score import wilson
from studies.dashboard.pictures.heat import STEPS, cell, heat_table
from studies.dashboard.pictures.lines import HEIGHT, WIDTH, plots_of
from studies.dashboard.pictures.scatter import BOTTOM, LEFT, TOP, scatter_of
from studies.dashboard.pictures.scatter import HEIGHT as TALL
from studies.dashboard.pictures.scatter import WIDTH as WIDE
from studies.store.rows import CandidateKind
from studies.views.fusion import Run
from studies.views.merge import Place
from studies.views.settings import HeatMap
from studies.views.slices import SlicePair, Spot

PLACES = (
    Place("layers 0–3", 0, 4, "mlp"),
    Place("layers 0–3", 0, 4, "rest"),
    Place("outer", None, None, "all"),
)


@pytest.mark.parametrize(
    ("value", "signed", "text", "shade"),
    [
        (None, False, "–", "none"),
        (0.0, False, "0.00", "zero"),
        (2.0, False, "2.00", f"above{STEPS}"),
        (1.0, False, "1.00", f"above{STEPS // 2}"),
        (-2.0, True, "−2.00", f"below{STEPS}"),
        (0.5, True, "+0.50", "above2"),
        (-0.001, True, "0.00", "zero"),
        (0.001, True, "0.00", "zero"),
    ],
)
def test_a_cell_is_a_number_with_a_shade(value: float | None, signed: bool, text: str, shade: str) -> None:
    found = cell(value, 2.0, signed)
    assert (found.text, found.shade) == (text, shade)


def test_lines_of_the_same_layers_say_these_once() -> None:
    found = HeatMap("weight", ("a", "b"), ((0.1, 0.2), (0.3, None), (0.0, 0.4)))
    table = heat_table("Weight", "", PLACES, found)
    assert [(line.label, line.module, line.span) for line in table.lines] == [
        ("layers 0–3", "mlp", 2), ("layers 0–3", "rest", 0), ("outer", "all", 1),
    ]  # fmt: skip
    assert table.modules
    assert [each.text for each in table.scale] == ["0.00", "0.10", "0.20", "0.30", "0.40"]


def test_negative_weights_have_a_colour_of_their_own_and_a_neighbour_stretches_the_scale() -> None:
    found, beside = HeatMap("weight", ("a",), ((0.5,),) * 3), HeatMap("weight", ("a",), ((-1.0,),))
    table = heat_table("Weight", "", PLACES, found, [beside])
    assert [each.text for each in table.scale] == ["−1.00", "−0.50", "0.00", "+0.50", "+1.00"]
    assert table.lines[0].cells[0].shade == "above4"


def spot(name: str, x: int, y: int, kind: CandidateKind = "trial", leading: bool = False) -> Spot:
    return Spot(name, kind, 0, name, wilson(x, 100), wilson(y, 100), leading)


def pair(*spots: Spot) -> SlicePair:
    return SlicePair("a", "b", "search", ("generate", "generate"), spots, ("a", "b"))


def test_ticks_are_round_and_everybody_is_inside() -> None:
    found = scatter_of(pair(spot("trial 0", 41, 62, leading=True), spot("trial 1", 58, 44, leading=True)))
    assert found is not None
    for axis in (found.x, found.y):
        words = [int(word) for _, word in axis.ticks]
        assert len({b - a for a, b in itertools.pairwise(words)}) == 1
        assert all(word % 5 == 0 for word in words)
    assert all(LEFT <= dot.x <= WIDE and TOP <= dot.y <= TALL - BOTTOM for dot in found.merges)
    assert found.line.startswith(f"M {found.x.start} ")
    assert found.line.count(" V ") == 2


def test_equals_are_one_dot_and_names_do_not_cover_each_other() -> None:
    others = [spot(f"expert {i}", 50 + i % 2, 50 + i // 2, "expert") for i in range(4)]
    found = scatter_of(pair(spot("trial 0", 60, 60), spot("trial 1", 60, 60), *others))
    assert found is not None
    assert [dot.title for dot in found.merges] == ["trial 0, trial 1"]
    assert len({(dot.label[1], dot.label[2]) for dot in found.others}) > 1
    assert scatter_of(pair()) is None


def test_all_alike_still_have_a_picture() -> None:
    for value in (0, 50, 100):
        found = scatter_of(pair(spot("trial 0", value, value)))
        assert found is not None
        assert len(found.x.ticks) >= 2


def test_a_curve_goes_from_the_first_step_to_the_last() -> None:
    run = Run(
        "b", (1, 50, 100), {"loss": (None, 2.0, 1.0), "ce": (1.0, 1.0, 1.0), "lr": (1.0, 1.0, 1.0)}, 100
    )
    loss, ce = plots_of([run, Run("c", (1,), {"loss": (4.0,)}, 1)])
    assert (loss.title, ce.title) == ("Loss", "Cross-entropy of the labels")
    assert loss.x == ("1", "100")
    assert loss.ends == (("b", 2.0, 1.0), ("c", 4.0, 4.0))
    (_, points), _ = loss.paths
    x, y = map(float, points.split()[-1].split(","))
    assert (0 < x < WIDTH, 0 < y < HEIGHT) == (True, True)
    assert plots_of([]) == []
    assert plots_of([Run("d", (1,), {"loss": (None,)}, 1)]) == []
