"""What `crucible status` says of a study that is at work, and of one whose process is gone."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from optuna.distributions import FloatDistribution

from search.proposals.ledger import open_ledger
from search.showing.status import list_studies
from search.study_file.spec import SamplerSpec
from studies.store import StudyStore
from studies.store.lease import exclusive
from studies.store.rows import AT_WORK, ModelSubject, StudyState
from tests.studies.builders import enter, make_recipe


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'crucible.db'}"


@pytest.mark.parametrize("state", AT_WORK)
def test_a_study_is_at_work_only_while_its_process_lives(url: str, state: StudyState) -> None:
    with StudyStore(url) as store:
        store.set_state(store.begin("fused", {}), state)
        with exclusive(store, "fused"):
            assert [line.state for line in list_studies(url)] == [state]
    (line,) = list_studies(url)
    assert line.state == "stopped"
    assert line.reason == "its process ended without a word; the same command continues it"


def test_a_fusions_trials_are_its_own_merges_of_fused_models(url: str) -> None:
    with StudyStore(url) as store:
        study = store.begin("fused", {})
        enter(store, study, "trial", "tiny: trial 7", 0.1)  # taken over from a study, without a number
        enter(store, study, "fused", "trial 0", 0.2, 0)
        store.register_candidate(study, "fused", "trial 1", 1, store.add_recipe(make_recipe(0.3)))
        store.finish_candidate(study, "fused", "trial 1", "NaN")
        distilled = store.add_model(ModelSubject("print", "/target", None, "llama", 7, {"target": "a"}))
        store.register_candidate(study, "fused", "target+math", None, distilled)
        store.finish_candidate(study, "fused", "target+math")
    (line,) = list_studies(url)
    assert (line.trials, line.failed) == (1, 1)


@pytest.mark.parametrize(
    ("name", "said"), [("auto", "auto: tpe, for one objective over 1 number in 50 trials"), ("tpe", None)]
)
def test_it_says_what_auto_chose(url: str, name: str, said: str | None) -> None:
    with StudyStore(url) as store:
        store.begin("s", {})
    assert [line.to_json()["sampler"] for line in list_studies(url)] == [None], "nothing was proposed yet"
    spec = SamplerSpec.model_validate({"name": name})
    with closing(open_ledger("s", url, spec, {"x": FloatDistribution(0, 1)}, [], budget=50)):
        pass
    assert [line.to_json()["sampler"] for line in list_studies(url)] == [said]
