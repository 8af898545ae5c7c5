"""Models by what their files say: how large they are, how they read text, and which evidence is theirs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from merging.family.prepare import open_model, prepare
from merging.models.checkpoint import Checkpoint
from search.candidates.models import find, subject_of
from search.study_file.models import VOCABULARIES, ModelSpec
from search.study_file.spec import StudySpec


@dataclass(frozen=True)
class Described:
    """A model, or all models of one family."""

    parameters: int
    tokenizer: Path
    """The folder that it lies in."""


@dataclass(frozen=True)
class Raw(Described):
    """A model of no family that was searched."""

    name: str
    typed: str
    """Where it is, as it can be typed."""
    digest: str
    """Of its content: what its evidence is filed under."""


def describe_family(spec: StudySpec) -> Described:
    """The size and the tokenizer that a study's candidates share.

    Raises:
        CheckpointError, OutputError: the models are gone, or can't be made a family.
    """
    base = find(spec.base_model.model, spec.folder, spec.allow_pickle).folder
    source = spec.tokenizer_name
    if source is None:
        return _described(open_model(base, allow_pickle=spec.allow_pickle))
    experts = [find(each.model, spec.folder, spec.allow_pickle).folder for each in spec.experts]
    if source not in VOCABULARIES:
        source = str(experts[spec.expert_names.index(source)])
    return _described(prepare(base, experts, tokenizer_source=source, allow_pickle=spec.allow_pickle).base)


def describe_raw(spec: ModelSpec, relative_to: Path, allow_pickle: bool) -> Raw:
    """A model of the fusion file, by its content.

    Raises:
        CheckpointError: it is not there, no model, or holds NaN or Inf.
    """
    found = find(spec.model, relative_to, allow_pickle)
    model = open_model(found.folder, allow_pickle=allow_pickle)
    subject = subject_of(model, found)
    return Raw(subject.parameters, model.folder, spec.called, subject.path, subject.digest)


def _described(model: Checkpoint) -> Described:
    return Described(_parameters(model), model.folder)


def _parameters(model: Checkpoint) -> int:
    return sum(info.numel for info in model.tensors.values())
