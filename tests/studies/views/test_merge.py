"""A recipe as a person reads it: by place and expert, beside a uniform merge, beside another."""

from __future__ import annotations

import pytest

from merging.recipe import LayerGroup, Parameters, Recipe, Rule
from studies.errors import StudyNotFound
from studies.store import StudyStore
from studies.store.rows import ModelSubject
from studies.views.merge import between, merge_view, merges_among
from tests.studies.views.made import BASE, EXPERTS, NAMES, Made, make_study, recipe_of


@pytest.fixture
def made(store: StudyStore) -> Made:
    made = make_study(store)
    made.baselines()
    made.trial(0, (2, 3))
    return made


def test_weights_and_densities_stand_by_place_and_expert(made: Made) -> None:
    view = merge_view(made.store, made.id, "0")
    assert (view.name, view.kind, view.trial, view.method, view.base) == (
        "trial 0",
        "trial",
        0,
        "ties",
        "base",
    )
    assert view.experts == NAMES, "as the study calls them, not as their folders are called"
    assert [(place.label, place.module) for place in view.places] == [
        ("layers 0–1", "all"), ("layers 2–3", "mlp"), ("layers 2–3", "rest"), ("outer", "all"),
    ]  # fmt: skip
    weight, density = view.maps
    assert (weight.name, weight.columns) == ("weight", NAMES)
    assert [each for row in weight.values for each in row] == pytest.approx(
        [0.1, 0.5, 0.3, 1.5, 0.2, 1.0, 0.1, 0.5]
    )
    assert (density.name, density.values[0]) == ("density", (0.5, 1.0))
    assert (weight.low, weight.high) == pytest.approx((0.1, 1.5))
    assert view.shared == {"lambda": "2", "normalize": "no", "rescale": "no", "dtype": "bfloat16"}


def test_coefficients_are_weights_times_lambda_less_the_uniform_share(made: Made) -> None:
    view = merge_view(made.store, made.id, "trial 0")
    assert view.coefficients is not None
    assert view.difference is not None
    assert view.coefficients.values[0] == pytest.approx((0.2, 1.0))
    assert view.difference.values[0] == pytest.approx((-0.3, 0.5))


def test_the_uniform_merge_does_not_differ_from_itself(made: Made) -> None:
    view = merge_view(made.store, made.id, "uniform")
    assert view.difference is not None
    assert {value for row in view.difference.values for value in row} == {0.0}
    assert [each.name for each in view.maps] == ["weight"], "linear reads no density"
    expert = merge_view(made.store, made.id, NAMES[1])
    assert expert.coefficients is not None
    assert expert.coefficients.values[0] == (0.0, 1.0)


def test_normalized_weights_that_sum_to_zero_have_no_share(made: Made) -> None:
    rule = Rule((), Parameters((1.0, -1.0), (1.0, 1.0), normalize=True))
    recipe = Recipe(BASE, EXPERTS, "ties", (LayerGroup(0, 4, (rule,)),), (rule,), "bfloat16")
    made.enter("trial", "trial 1", recipe, (1, 1), trial=1)
    view = merge_view(made.store, made.id, "1")
    assert view.difference is not None
    assert view.difference.values[0] == (None, None)


def test_with_a_gradient_each_layer_is_a_place(made: Made) -> None:
    def rule(weight: float) -> Rule:
        return Rule((), Parameters((weight, 0.5), (1.0, 1.0)))

    layers = tuple(LayerGroup(i, i + 1, (rule(i / 10),)) for i in range(4))
    made.enter(
        "trial", "trial 1", Recipe(BASE, EXPERTS, "ties", layers, (rule(1),), "bfloat16"), (1, 1), trial=1
    )
    view = merge_view(made.store, made.id, "1")
    assert [place.label for place in view.places] == ["layer 0", "layer 1", "layer 2", "layer 3", "outer"]
    assert [row[0] for row in view.maps[0].values] == [0.0, 0.1, 0.2, 0.3, 1.0]


def test_along_a_layer_path_places_tell_whose_layers_they_are(made: Made) -> None:
    rule = Rule((), Parameters((1.0, 1.0), (1.0, 1.0), more=(("scale", 1.0),)))
    layers = (LayerGroup(0, 2, (rule,), (None, 0, None)), LayerGroup(2, 4, (rule,), (None, None, 1)))
    recipe = Recipe(BASE, EXPERTS, "passthrough", layers, (rule,), "bfloat16")
    made.enter("trial", "trial 1", recipe, (1, 1), trial=1)
    view = merge_view(made.store, made.id, "1")
    assert (view.stacked, view.coefficients, view.difference) == (True, None, None)
    assert [place.origins for place in view.places] == [("maths: layers 0–1",), ("coder.v2: layers 1–2",), ()]


def test_two_merges_differ_in_words_too(made: Made) -> None:
    made.enter("trial", "trial 1", recipe_of((0.3, 0.5), "dare_ties", seed=3), (1, 1), trial=1)
    a, b = (merge_view(made.store, made.id, name) for name in ("0", "1"))
    assert list(between(a, b)) == ["trial 0 is made by ties, trial 1 by dare_ties."]
    assert list(between(a, a)) == ["trial 0 and trial 0 are the same merge."]
    said = between(a, merge_view(made.store, made.id, "uniform"))
    assert said[-1] == "Their layers are parted in different ways, so rows do not stand side by side."


def test_a_failed_or_stopped_trial_has_a_recipe_and_a_model_has_none(made: Made) -> None:
    made.fail(1)
    made.prune(2, (1, 1))
    assert merge_view(made.store, made.id, "1").state == "failed"
    assert merge_view(made.store, made.id, "2").state == "pruned"
    made.store.add_model(ModelSubject("m" * 8, "/models/raw", None, "llama", 10))
    made.store.register_candidate(made.id, "model", "raw", None, "m" * 8)
    digest = merge_view(made.store, made.id, "0").digest
    assert merges_among(made.store, [digest, "m" * 8, "absent"]) == {digest}
    with pytest.raises(StudyNotFound, match="raw of study 'made' is a model and no merge"):
        merge_view(made.store, made.id, "raw")
    with pytest.raises(StudyNotFound, match="study 'made' has no candidate '77'"):
        merge_view(made.store, made.id, "77")


def test_experts_that_the_study_does_not_name_are_called_as_their_folders(made: Made) -> None:
    other = make_study(made.store, "other")
    fusion = made.store.begin("fusion", {"parting": {"seed": 0, "share": 0.5}})
    digest = other.trial(0, (1, 1))
    made.store.register_candidate(fusion, "trial", "other: trial 0", None, digest)
    assert merge_view(made.store, fusion, "other: trial 0").experts == ("maths-expert", "code-expert")
