"""A study's items, laid out again for a look at one model: the store knows their digests, not their texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from evaluators.benchmarks.slices import Slice, build_slices
from evaluators.errors import EvaluatorsError
from search.errors import SearchError
from search.running.workshop import fit_slices, slice_requests, steering
from search.study_file.spec import DataSpec, SliceSpec, StudySpec, load_study
from studies.store.identity import JSON

REMEDY = "name the study's file with --study-file"


class NoQuestions(SearchError):  # noqa: N818 - reads as the fact that it reports
    """The items that a study was asked cannot be laid out again."""


def specs_of(
    study: str, identity: Mapping[str, JSON], places: Sequence[Path], file: Path | None
) -> list[StudySpec]:
    """Study files, or what stands for them, whose items may be the study's: all files of theirs are there.

    `places` are folders in which local items may lie, as the study file's folder did.

    Raises:
        NoQuestions: there is none; or the study asks items of others, as a fusion does.
        SpecError: `file` is no study file, or is that of another study.
    """
    if file is not None and isinstance(identity.get("items"), Mapping):
        spec = load_study(file)
        if spec.name != study:
            raise SearchError(f"--study-file {file}: is that of study {spec.name!r}, not of {study!r}")
        return [spec]
    if not isinstance(identity.get("study"), Mapping) or not isinstance(identity.get("items"), Mapping):
        raise NoQuestions(f"{study!r} asks no items of its own, as a fusion does not")
    tried = [_spec(identity, place) for place in dict.fromkeys(places)]
    found = [each for each in tried if each is not None and _is_there(each)]
    if not found:
        raise NoQuestions(
            f"its items' files are not in {', '.join(map(str, dict.fromkeys(places)))}; {REMEDY}"
        )
    return found


def lay_out(
    specs: Sequence[StudySpec], identity: Mapping[str, JSON], model: Path
) -> tuple[StudySpec, list[Slice]]:
    """The slices of the first study file whose items are the very ones of the study, with that file.

    `model` is the folder whose tokenizer and chat template they are fitted to.

    Raises:
        NoQuestions: the items' files have changed since.
    """
    known = identity.get("items")
    assert isinstance(known, Mapping), "a study of its own items knows their digests"
    why = "other items"
    for spec in specs:
        try:
            slices = list(_slices(spec, model))
        except EvaluatorsError as error:
            why = str(error)
            continue
        if all(known.get(f"{s.name}/{s.split}") == s.digest("") for s in slices):
            return spec, slices
    where = ", ".join(str(spec.folder) for spec in specs)
    raise NoQuestions(f"what lies in {where} is not what the study asked ({why}); {REMEDY}")


def _slices(spec: StudySpec, model: Path) -> Iterator[Slice]:
    search, holdout = build_slices(slice_requests(spec, model))
    yield from fit_slices((*steering(search, spec.objective), *holdout), spec, model).slices


def _spec(identity: Mapping[str, JSON], folder: Path) -> StudySpec | None:
    """The study file that began the study, as far as its items go: its models are only named."""
    study, models = identity["study"], identity.get("models")
    assert isinstance(study, Mapping)
    base, *experts = [f"./{name}" for name in models] if isinstance(models, Mapping) else ["./base", "./one"]
    named = {"base_model": base, "experts": experts, "tokenizer_source": None, "config_source": None}
    try:
        return StudySpec.model_validate({**study, **named, "folder": folder})
    except ValidationError:  # of a version that knew other fields
        return None


def _is_there(spec: StudySpec) -> bool:
    return all((spec.folder / file).is_file() for part in spec.slices for file in _files(part))


def _files(part: SliceSpec) -> list[str]:
    if isinstance(part.data, DataSpec):
        return [part.data.train, part.data.test]
    return [] if part.data is None else [part.data]
