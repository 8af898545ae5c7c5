"""`auto` is one sampler for each study, and says which and why."""

from __future__ import annotations

from optuna.distributions import BaseDistribution, FloatDistribution

from search.proposals.samplers.choice import choose, too_small
from search.study_file.spec import ONE_OBJECTIVE, SAMPLERS
from tests.search.proposals.samplers.landscape import SPACE


def test_one_objective_gets_what_found_most_on_real_landscapes() -> None:
    assert str(choose("auto", SPACE, 100)) == ("auto: tpe, for one objective over 54 numbers in 100 trials")
    assert str(choose("auto", SPACE, 100, workers=8)).endswith("in 100 trials, 8 workers")
    plain: dict[str, BaseDistribution] = {"x": FloatDistribution(0, 1)}
    assert str(choose("auto", plain, 20)) == "auto: tpe, for one objective over 1 number in 20 trials"


def test_so_many_trials_that_one_takes_too_long_get_cma_es() -> None:
    assert choose("auto", SPACE, 1001).name == "cmaes"


def test_several_objectives_get_a_sampler_that_serves_them() -> None:
    assert str(choose("auto", SPACE, 200, 3)).startswith("auto: tpe, for 3 objectives over 54 numbers")
    assert choose("auto", SPACE, 5000, 2).name == "nsga2"
    for trials in (10, 1000, 100_000):
        assert choose("auto", SPACE, trials, 2).name not in ONE_OBJECTIVE


def test_who_names_a_sampler_gets_it() -> None:
    for name in SAMPLERS[1:]:
        assert str(choose(name, SPACE, 100)) == name


def test_a_budget_too_small_for_the_space_is_told_with_what_would_fit() -> None:
    assert too_small(SPACE, 24) is None
    assert too_small(SPACE, 23) == (
        "budget.trials: 23 are few for a search space of 6 coordinates (what all sites share counts as one):"
        " about 24 would fit; or search fewer methods' parameters or experts"
    )
