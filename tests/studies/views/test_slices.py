"""Slice against slice: who answered both, and whom nobody beats."""

from __future__ import annotations

import random

import pytest

from evaluators.score import wilson
from studies.errors import StudyNotFound
from studies.objectives.front import front
from studies.store import StudyStore
from studies.store.rows import StudySlice
from studies.views.slices import slice_pair
from studies.views.tallies import Tallies
from tests.studies.views.made import NAMES, make_study


def test_everybody_who_answered_both_has_a_place_and_the_front_is_marked(store: StudyStore) -> None:
    made = make_study(store)
    made.baselines()
    made.trial(0, (4, 2))
    made.trial(1, (2, 2))
    made.fail(2)
    made.prune(3, (2, 2))
    made.run(4)
    pair = slice_pair(store, Tallies(), made.id)
    assert pair is not None
    assert (pair.x, pair.y, pair.split, pair.names) == ("gsm8k", "math", "search", ("gsm8k", "math"))
    found = {spot.name: (spot.x, spot.y, spot.leading) for spot in pair.spots}
    assert found == {
        "base": (wilson(1, 4), wilson(1, 4), False),
        NAMES[0]: (wilson(1, 4), wilson(4, 4), True),
        NAMES[1]: (wilson(3, 4), wilson(1, 4), False),
        "uniform": (wilson(2, 4), wilson(2, 4), False),
        "trial 0": (wilson(4, 4), wilson(2, 4), True),
        "trial 1": (wilson(2, 4), wilson(2, 4), False),
    }
    assert [spot.name for spot in pair.front] == [NAMES[0], "trial 0"], "from left to right"


def test_axes_and_split_can_be_chosen(store: StudyStore) -> None:
    made = make_study(store)
    made.baselines()
    made.trial(0, (4, 2), (8, 1))
    pair = slice_pair(store, Tallies(), made.id, x="math", split="holdout")
    assert pair is not None
    assert (pair.x, pair.y) == ("math", "gsm8k")
    assert {spot.name: spot.x.n for spot in pair.spots}["trial 0"] == 8
    with pytest.raises(StudyNotFound, match="no slice 'law': this study has gsm8k, math"):
        slice_pair(store, Tallies(), made.id, y="law")


def test_nobody_was_judged_yet_and_one_slice_is_no_trade(store: StudyStore) -> None:
    made = make_study(store)
    made.trial(0, (1, 1))
    pair = slice_pair(store, Tallies(), made.id, split="holdout")
    assert pair is not None
    assert (pair.spots, pair.front) == ((), ())
    alone = store.begin("alone", {})
    store.add_slices(alone, [StudySlice("law", "law", "search", "d", 3)])
    assert slice_pair(store, Tallies(), alone) is None


def test_the_front_is_that_of_its_definition(store: StudyStore) -> None:
    made, draw = make_study(store), random.Random(0)
    for number in range(40):
        made.trial(number, (draw.randrange(5), draw.randrange(5)))
    pair = slice_pair(store, Tallies(), made.id)
    assert pair is not None
    points = [(spot.x.mean, spot.y.mean) for spot in pair.spots]
    assert [i for i, spot in enumerate(pair.spots) if spot.leading] == front(points)
