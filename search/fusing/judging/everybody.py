"""Everybody under the fusion's name: members' candidates with their answers, and fused models asked anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from evaluators.benchmarks.slices import Slice
from evaluators.errors import EngineError
from merging.models.checkpoint import open_checkpoint
from search.errors import SearchError
from search.fusing.judging.court import Court, Part
from search.fusing.learning.distilling import Fused
from search.fusing.materials import Material
from search.fusing.plan import Plan
from search.running.measure import Bench
from search.showing.step import Step
from studies.store import StudyStore
from studies.store.rows import CandidateKind, Filed, StudySlice
from studies.verdicts.steering import Score


@dataclass(frozen=True)
class Files:
    """Where answers to the court's slices are filed; all are by a slice's name and split."""

    asked: Mapping[Part, str]
    """By the court's own engine."""
    own: Mapping[Part, str]
    """In the fusion's study: where all who were asked the same items are found together."""
    members: Mapping[str, Mapping[Part, str]]
    """By member study, for slices whose items are the court's."""


def files_of(plan: Plan, court: Court, bench: Bench, store: StudyStore) -> Files:
    """Find out who filed answers to the same items where.

    Where all members file them as the court does, the fusion's study does so, too; else it has files of its
    own, for answers of one engine must not be taken for those of another elsewhere.
    """
    asked = {_part(each): bench.key(each) for each in court.slices}
    members = {member.name: _filed(member.name, court, store) for member in plan.members}
    alike = all(found.get(part, key) == key for found in members.values() for part, key in asked.items())
    own = asked if alike else {part: _of_fusion(plan.spec.name, key) for part, key in asked.items()}
    return Files(asked, own, members)


def enter(store: StudyStore, study: int, kind: CandidateKind, name: str, digest: str) -> None:
    """Make a model that was measured a candidate of the fusion's study."""
    store.register_candidate(study, kind, name, None, digest)
    store.finish_candidate(study, kind, name)


def enter_members(plan: Plan, store: StudyStore, study: int, files: Files) -> None:
    """Make every complete candidate of the member studies, and every raw model, one of the fusion's."""
    raws = {row.digest: row.name for row in plan.selection.rows if row.study is None}
    for member in plan.members:
        keys = files.members[member.name]
        for each in member.candidates:
            adopt(store, each.digest, each.digest, keys, files.own)
            if each.digest not in raws:
                enter(store, study, each.kind, f"{member.name}: {each.name}", each.digest)
    for digest, name in raws.items():
        enter(store, study, "model", name, digest)


def adopt(
    store: StudyStore, subject: str, of: str, source: Mapping[Part, str], target: Mapping[Part, str]
) -> None:
    """File answers of `subject` as those of `of`, for slices where the two are not filed together anyway."""
    moves = [(Filed(subject, source[part]), Filed(of, key)) for part, key in target.items() if part in source]
    store.adopt([move for move in moves if move[0] != move[1]])


def judge_fused(
    court: Court, bench: Bench, files: Files, study: int, fused: Sequence[Fused]
) -> Iterator[Step]:
    """Ask fused models the items that steer and those that judge, and make them candidates.

    Raises:
        SearchError: one could not be measured; the same command tries again.
    """
    store = bench.store
    for done, each in enumerate(fused, 1):
        name, subject = each.name, each.subject
        store.add_model(subject)
        score = _measure(bench, name, subject.digest, Path(subject.path), court)
        adopt(store, subject.digest, subject.digest, files.asked, files.own)
        enter(store, study, "fused", name, subject.digest)
        yield Step("holdout", done, len(fused), name, score)


def judge_target(court: Court, bench: Bench, files: Files, target: Material) -> None:
    """Ask the unfused target what the court's engine was not asked of it yet: nothing, unless the file names
    another engine than its study's."""
    _measure(bench, target.name, target.role.digest, target.folder, court)
    adopt(bench.store, target.role.digest, target.role.digest, files.asked, files.own)


def _measure(bench: Bench, name: str, digest: str, folder: Path, court: Court) -> Score:
    """Over the items that judge."""
    holdout = [each for each in court.slices if each.split == "holdout"]
    try:
        bench.measure(digest, open_checkpoint(folder), court.slices)
        return bench.score(digest, holdout)
    except EngineError as error:
        raise SearchError(f"{name!r} could not be measured: {error}; the same command tries again") from error


def _part(each: Slice | StudySlice) -> Part:
    return each.name, each.split


def _filed(name: str, court: Court, store: StudyStore) -> dict[Part, str]:
    """Where a member study's answers to the court's items are."""
    study = store.study(name)
    items = store.identity(study).get("items")
    assert isinstance(items, Mapping), f"items {items!r}"
    return {
        _part(each): each.digest
        for each in store.slices(study)
        if (key := f"{each.name}/{each.split}") in court.items and items.get(key) == court.items[key]
    }


def _of_fusion(name: str, key: str) -> str:
    return sha256(f"fusion {name}\n{key}".encode()).hexdigest()
