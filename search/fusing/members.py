"""The searched families that a fusion builds on: their study files, and what the store has of them."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from search.errors import SearchError
from search.study_file.began import as_of
from search.study_file.fusion import FusionSpec, load_members
from search.study_file.spec import StudySpec
from studies.store import StudyStore
from studies.store.identity import JSON, changes, describe
from studies.store.rows import Candidate, CandidateKind, Split, StudySlice, StudySummary

HOLDOUT = "/holdout"
"""How the holdout slices end in an identity's `items`."""


@dataclass(frozen=True)
class Member:
    """A study that was run to its end."""

    file: str
    """Its study file, as it can be typed."""
    spec: StudySpec
    candidates: tuple[Candidate, ...]
    """Those that are complete."""
    slices: tuple[StudySlice, ...]
    items: Mapping[str, str]
    """By holdout slice, what was asked, whoever answers."""

    @property
    def name(self) -> str:
        """The study's name."""
        return self.spec.name

    def part(self, split: Split) -> tuple[StudySlice, ...]:
        """Its search or its holdout slices."""
        return tuple(each for each in self.slices if each.split == split)

    def of_kinds(self, kinds: Collection[CandidateKind]) -> list[Candidate]:
        """Its candidates of these kinds."""
        return [each for each in self.candidates if each.kind in kinds]


def open_members(spec: FusionSpec, store: StudyStore) -> tuple[Member, ...]:
    """Read the member studies' files, and look them up in the store.

    Raises:
        SpecError: a study file is not sound.
        SearchError: a study is not in the store, is another there, was not run to its end, or was asked other
            holdout items than the first.
    """
    known = {each.name: each for each in store.studies()}
    studies = zip(spec.study_files, load_members(spec), strict=True)
    found = tuple(_open(typed(file), member, store, known) for file, member in studies)
    for other in found[1:]:
        _check_same_items(found[0], other)
    return found


def typed(file: Path) -> str:
    """A file as it can be typed in the working directory."""
    return shlex.quote(str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file))


def _open(file: str, spec: StudySpec, store: StudyStore, known: Mapping[str, StudySummary]) -> Member:
    run = f"`crucible run {file}`"
    if spec.name not in known:
        raise SearchError(
            f"studies: {file}: storage {store.engine.url!r} has no study {spec.name!r}: run it first with"
            f" {run}, or name its --storage"
        )
    summary = known[spec.name]
    if summary.state != "complete":
        raise SearchError(
            f"studies: {file}: study {spec.name!r} is {summary.state}: finish it first with {run}"
        )
    identity = store.identity(summary.id)
    if changed := changes({"study": identity.get("study")}, {"study": as_of(spec, identity).identity()}):
        raise SearchError(
            f"studies: {file} is not what study {spec.name!r} was run with: {describe(changed)}: undo the"
            " change, or give it another name and run it"
        )
    complete = (each for each in store.candidates(summary.id) if each.state == "complete")
    return Member(file, spec, tuple(complete), tuple(store.slices(summary.id)), _items(identity))


def _items(identity: Mapping[str, JSON]) -> dict[str, str]:
    items = identity.get("items")
    assert isinstance(items, Mapping), f"items {items!r}"
    return {
        name.removesuffix(HOLDOUT): str(digest) for name, digest in items.items() if name.endswith(HOLDOUT)
    }


def _check_same_items(first: Member, other: Member) -> None:
    """Answers to other items can't be compared one by one."""
    differ = [
        name for name in {**first.items, **other.items} if first.items.get(name) != other.items.get(name)
    ]
    if differ:
        raise SearchError(
            f"studies: {other.file} and {first.file} were asked other holdout items in"
            f" {_slices(differ)}: give these the same task, data, num_fewshot, holdout, seed, verdict and"
            " chat_template, and the engine the same max_tokens, and run them"
        )


def _slices(names: Sequence[str]) -> str:
    return f"{'slice' if len(names) == 1 else 'slices'} {', '.join(names)}"
