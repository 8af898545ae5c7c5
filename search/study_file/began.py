"""What a study file leaves unsaid: as it was when the study began; a new study has the defaults of today."""

from __future__ import annotations

from collections.abc import Mapping

from search.study_file.racing import OFF, RACED, RacingSpec
from search.study_file.spec import SamplerSpec, StudySpec
from studies.errors import StudyNotFound
from studies.store import StudyStore
from studies.store.identity import JSON


def as_begun(spec: StudySpec, store: StudyStore) -> StudySpec:
    """The spec with everything said, by the study of its name in the store if there is one."""
    try:
        began = store.identity(store.study(spec.name))
    except StudyNotFound:
        return fresh(spec)
    return as_of(spec, began)


def fresh(spec: StudySpec) -> StudySpec:
    """The spec with everything said, as a new study means it; raises SpecError for what none may say."""
    spec.search_space.check_weights()
    if spec.racing is not None:
        return spec
    return spec.model_copy(update={"racing": RacingSpec() if spec.objective in RACED else OFF})


def as_of(spec: StudySpec, began: Mapping[str, JSON]) -> StudySpec:
    """The spec with everything said, as a study means it whose identity is `began`."""
    study = began.get("study")
    if not isinstance(study, Mapping):
        return spec
    spec = _with_sampler(spec, study.get("sampler"))
    if spec.racing is not None:
        return spec
    said = study.get("racing")
    return spec.model_copy(update={"racing": OFF if said is None else RacingSpec.model_validate(said)})


def _with_sampler(spec: StudySpec, said: JSON) -> StudySpec:
    """The spec with the sampler that a study began with, where the file names none."""
    if "name" in spec.sampler.model_fields_set or not isinstance(said, Mapping):
        return spec
    sampler = SamplerSpec.model_validate({"name": said.get("name"), "seed": spec.sampler.seed})
    return spec.model_copy(update={"sampler": sampler})
