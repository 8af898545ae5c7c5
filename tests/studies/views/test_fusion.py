"""A fusion as the store has it: selection, alignment, training, before and after."""

from __future__ import annotations

from typing import Any

import pytest

from evaluators.score import wilson
from studies.errors import StudyNotFound
from studies.selection.choose import choose
from studies.store import StudyStore
from studies.store.rows import ModelSubject
from studies.views.fusion import MOST_STEPS, fusion_view
from tests.studies.selection.contenders import BEST, CODER
from tests.studies.views.made import HOLDOUT, Made, make_study

A, B = "a" * 64, "b" * 64


@pytest.fixture
def made(store: StudyStore) -> Made:
    """A study whose trial 0 is the target of a fusion, beside a raw model that teaches it."""
    return make_study(store, "family")


def fuse(made: Made, **said: Any) -> int:
    selection = choose([BEST, CODER])
    stored = selection.to_stored() | said
    fusion = made.store.begin("fused", {})
    made.store.save_selection(fusion, stored)
    return fusion


def test_a_study_that_is_no_fusion_has_none(made: Made) -> None:
    assert fusion_view(made.store, "family") is None
    with pytest.raises(StudyNotFound):
        fusion_view(made.store, "nowhere")


def test_the_selection_is_told_as_it_was_made(made: Made) -> None:
    fuse(made)
    view = fusion_view(made.store, "fused")
    assert view is not None
    (target, source) = view.contestants
    assert (view.target, target.role, source.role) == (target.name, "target", "source")
    assert (source.solves, dict(target.solves)) == ({"math": 10, "code": 20}, {})
    assert source.teaches == ("code",)
    assert target.holdout["math"] == wilson(80, 100)
    assert all((view.reason, target.reason, source.reason))
    assert view.families == {"a": ("a: trial 1",), "b": ("b: coder",)}
    assert (view.runs, view.before, view.after, view.merge_study) == ((), None, (), None)


def test_long_curves_are_thinned_and_keep_both_ends(made: Made) -> None:
    fusion = fuse(made)
    rows: list[tuple[int, dict[str, Any]]] = [
        (step, {"loss": None if step == 1 else 1 / step, "ce": 1.0}) for step in range(1, 1001)
    ]
    made.store.record_training(fusion, "other", rows)
    made.store.record_training(fusion, "short", [(1, {"loss": 2.0}), (2, {"loss": 1.0, "ce": 0.5})])
    view = fusion_view(made.store, "fused")
    assert view is not None
    long, short = view.runs
    assert (len(long.steps), long.steps[0], long.steps[-1], long.last) == (MOST_STEPS, 1, 1000, 1000)
    assert (long.metrics["loss"][0], long.metrics["loss"][-1]) == (None, 0.001)
    assert (short.steps, short.metrics["loss"], short.metrics["ce"]) == ((1, 2), (2.0, 1.0), (None, 0.5))


def test_before_and_after_are_the_leaderboards_rows(made: Made) -> None:
    fusion = fuse(made, target=A)
    made.store.add_slices(fusion, made.store.slices(made.id))
    for digest, kind, name, right in ((A, "model", "mine", (2, 2)), (B, "fused", "mine + other", (6, 6))):
        made.store.add_model(ModelSubject(digest, f"/models/{name}", None, "llama", 10))
        made.answers(digest, "search", (1, 1))
        made.answers(digest, "holdout", right)
        made.store.register_candidate(fusion, kind, name, None, digest)  # type: ignore[arg-type]
        made.store.finish_candidate(fusion, kind, name)  # type: ignore[arg-type]
    made.store.begin("fused-merge", {})
    view = fusion_view(made.store, "fused")
    assert view is not None
    assert view.before is not None
    (after,) = view.after
    assert (view.before.name, after.name, view.merge_study) == ("mine", "mine + other", "fused-merge")
    assert after.holdout["math"] == wilson(6, HOLDOUT)
    assert after.vs_target is not None
    assert after.vs_target.mean == pytest.approx(0.5)
