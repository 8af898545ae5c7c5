"""Sources asked once, and the target taught by them: both go on where they were killed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from merging.fusion.distributions.extract import extract
from merging.fusion.distributions.shards import Extracted
from merging.fusion.training.functions import parts
from merging.fusion.training.settings import Lora, Objective, Settings
from merging.fusion.training.train import Metrics, train
from merging.models.checkpoint import open_checkpoint
from merging.models.fingerprint import canonical_digest
from search.candidates.models import Found, subject_of
from search.fusing.learning.data import Data
from search.fusing.learning.lessons import Lesson, Lessons, competes, mapping_between
from search.fusing.learning.made import made_of
from search.fusing.learning.readings import Reading
from search.fusing.learning.teachers import teacher
from search.fusing.materials import Material, Role, safe_name
from search.running.interrupt import exposed, shielded
from search.showing.stage import Stages
from search.study_file.fusion import FusionSpec
from search.study_file.spec import EngineSpec
from studies.selection.selection import Selection
from studies.store import StudyStore
from studies.store.rows import ModelSubject

DISTRIBUTIONS, FUSED = "distributions", "fused"
"""Folders of what sources say, and of what was distilled."""
LABELS = "labels"
"""What stands for the sources of a target that learns from the data's responses alone."""

_SAYABLE = re.compile(r"(?!\d+$)[^\W_][\w.+-]{0,95}")
"""What a study takes for a name; `search/study_file/models.py`."""
_TAKEN = ("base", "uniform", "union", "target")
_LONGEST, _PART = 96, 64
"""Characters of a name, and those that are left of one that is too long, or that no study takes."""


@dataclass(frozen=True)
class Pair:
    """A target to be, and whom it learns from: one source, all of them, or the data alone."""

    name: str
    """What its row will be called."""
    run: str
    """What its curve and its folder are called."""
    sources: tuple[Role, ...]

    @property
    def short(self) -> str:
        """What it learns from alone, as a name that a study takes for a model."""
        if not self.sources:
            return LABELS
        name = safe_name("+".join(each.name for each in self.sources))
        if _SAYABLE.fullmatch(name) and name not in _TAKEN:
            return name
        return f"from-{name[:_PART]}-{self.sources[0].digest[:8]}"


@dataclass(frozen=True)
class Fused:
    """What came of a pair."""

    pair: Pair
    subject: ModelSubject

    @property
    def name(self) -> str:
        """Of its row."""
        return self.pair.name


@dataclass(frozen=True, eq=False)
class School:
    """All that training needs, and where it is kept."""

    spec: FusionSpec
    selection: Selection
    out: Path
    data: Data
    target: Material
    sources: tuple[Material, ...]
    readings: Mapping[str, Reading]
    """By the models' names."""
    engine: EngineSpec
    """Who judges."""
    store: StudyStore
    study: int
    stages: Stages


def pairs_of(spec: FusionSpec, target: Role, sources: Sequence[Role]) -> tuple[Pair, ...]:
    """Whom the target is paired with: each source alone, or all of them at once."""
    if not parts(spec.fusion.function).any:
        return (Pair(f"{target.name} + {LABELS}", LABELS, ()),)
    if spec.fusion.pairwise:
        return tuple(Pair(f"{target.name} + {each.name}", each.slug, (each,)) for each in sources)
    names = [each.name for each in sources]
    return (Pair(" + ".join((target.name, *names)), _run(sources), tuple(sources)),)


def _run(sources: Sequence[Role]) -> str:
    """A name of files for all sources together, no longer than a disk takes."""
    name = safe_name("+".join(each.name for each in sources))
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_PART]}-{canonical_digest([each.digest for each in sources])[:8]}"


def teachers_of(spec: FusionSpec, target: Role, sources: Sequence[Role]) -> tuple[Role, ...]:
    """Whose distributions are extracted: the sources', and the unfused target's where it competes."""
    function = spec.fusion.function
    asked = tuple(sources) if parts(function).any else ()
    return (*asked, target) if competes(function) else asked


def extract_all(school: School) -> dict[str, Extracted]:
    """What each source says of the data, and the unfused target where it competes; by name."""
    roles = teachers_of(school.spec, school.target.role, [each.role for each in school.sources])
    materials = {each.name: each for each in (school.target, *school.sources)}
    return {each.name: _extract(school, materials[each.name]) for each in roles}


def train_all(school: School, said: Mapping[str, Extracted]) -> tuple[Fused, ...]:
    """Train pair after pair."""
    pairs = pairs_of(school.spec, school.target.role, [each.role for each in school.sources])
    return tuple(Fused(pair, _train(school, pair, said)) for pair in pairs)


def settings_of(spec: FusionSpec, selection: Selection, pair: Pair, target: str) -> Settings:
    """How a pair is trained; raises TrainingError for what the file asks and no training can be told."""
    wanted, lora = spec.training, spec.training.lora
    teachers = [*(each.name for each in pair.sources), *([target] if competes(spec.fusion.function) else [])]
    return Settings(
        objective=Objective(
            function=spec.fusion.function,
            lambda_=spec.fusion.lambda_,
            temperature=spec.fusion.temperature,
            evidence=evidence_of(selection, teachers),
        ),
        lora=None if lora is None else Lora(lora.rank, lora.alpha),
        **wanted.model_dump(exclude={"lora"}),
    )


def evidence_of(selection: Selection, teachers: Sequence[str]) -> dict[str, list[float]]:
    """The accuracy of each teacher by slice, on the items that select."""
    rows = [selection.row(name) for name in teachers]
    slices = rows[0].holdout if rows else ()
    return {name: [row.holdout[name].mean for row in rows] for name in slices}


def _extract(school: School, source: Material) -> Extracted:
    wanted = school.spec.distributions
    shown = school.stages.stage(f"extract {source.name}", "rows")
    with shown as advance, exposed(), teacher(source, wanted, school.engine) as asked:
        return extract(
            asked,
            school.readings[source.name].requests,
            school.out / DISTRIBUTIONS / source.role.slug,
            source=source.fingerprint,
            k=wanted.top_k,
            shard=wanted.shard,
            progress=advance,
        )


def _train(school: School, pair: Pair, said: Mapping[str, Extracted]) -> ModelSubject:
    settings = settings_of(school.spec, school.selection, pair, school.target.name)
    out = school.out / FUSED / pair.run
    with school.stages.stage(f"distil {pair.name}", "steps") as advance, exposed():
        losses: dict[int, float] = {}

        def record(step: int, metrics: Metrics) -> None:
            losses[step] = metrics["loss"]
            with shielded():
                school.store.record_training(school.study, pair.run, [(step, metrics)])

        def progress(done: int, total: int) -> None:
            advance(done, total, f"loss {losses.pop(done, float('nan')):.4f}")

        train(school.target.folder, _lessons(school, pair, said), out, settings, progress, record)
    return _subject(school, pair, out, settings)


def _lessons(school: School, pair: Pair, said: Mapping[str, Extracted]) -> Lessons:
    target = school.readings[school.target.name]
    own = school.target.name if school.target.name in said else None
    return Lessons(
        data=school.data,
        target=target,
        sources=tuple(_lesson(school, each.name, said) for each in pair.sources),
        own=None if own is None else _lesson(school, own, said),
        raw=parts(school.spec.fusion.function).sorted,
    )


def _lesson(school: School, name: str, said: Mapping[str, Extracted]) -> Lesson:
    reading, target = school.readings[name], school.readings[school.target.name]
    mapping = mapping_between(reading, target, school.spec.alignment.mapping)
    return Lesson(reading, said[name], mapping)


def _subject(school: School, pair: Pair, folder: Path, settings: Settings) -> ModelSubject:
    found = subject_of(open_checkpoint(folder), Found(str(folder.resolve()), Path.cwd(), folder.resolve()))
    made = made_of(school.spec, settings, school.target.role, pair.sources, school.data)
    return replace(found, made=made)
