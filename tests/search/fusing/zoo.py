"""Searched families with known answers, in a real store: what a selection is to be told by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluators.score import ItemResult
from search.study_file.fusion import FusionSpec, load_fusion
from search.study_file.spec import StudySpec, load_study
from studies.store import StudyStore
from studies.store.rows import CandidateKind, ModelSubject, Split, StudySlice
from studies.verdicts.parting import Parting
from tests.search.conftest import small_study, write_study
from tests.studies.builders import make_recipe

N = 240
"""Holdout items of each slice; about half of them select."""
SEARCHED = 20
SLICES = ("math", "code")
PARTING = Parting(seed=0, share=0.5)
ITEMS = {name: f"items of {name}" for name in SLICES}
CHOSEN = {name: sorted(PARTING.selecting(ITEMS[name], range(N))) for name in SLICES}
"""Per slice, the items that select."""
MANY = min(map(len, CHOSEN.values()))
"""So many at least."""


@dataclass(frozen=True)
class Answers:
    """Of one candidate, per slice: which selecting items it solves, by rank, and how many search items."""

    selecting: Mapping[str, Collection[int]]
    search: Mapping[str, int]
    judging: bool = False
    """Whether it solves the items that judge: all or none."""

    def holdout(self, slice_: str) -> list[ItemResult]:
        """With a tenth of a second for each of four tokens."""
        ranks = {item: rank for rank, item in enumerate(CHOSEN[slice_])}
        right = (ranks[i] in self.selecting[slice_] if i in ranks else self.judging for i in range(N))
        return _results(right)

    def steering(self, slice_: str) -> list[ItemResult]:
        return _results(item < self.search[slice_] for item in range(SEARCHED))


def answers(math: Collection[int], code: Collection[int], search: int = 10, judging: bool = False) -> Answers:
    """By rank among the selecting items of each slice; so many search items of each."""
    return Answers({"math": math, "code": code}, dict.fromkeys(SLICES, search), judging)


@dataclass(frozen=True)
class Entry:
    """A candidate with its answers."""

    kind: CandidateKind
    name: str
    answers: Answers
    trial: int | None = None


LLAMA = (
    Entry("base", "base", answers(range(5), range(5))),
    Entry("expert", "gsm8k", answers(range(60), ())),
    Entry("uniform", "uniform", answers(range(40), range(40), search=4)),
    Entry("trial", "trial 0", answers(range(80), range(80), search=8), 0),
    Entry("trial", "trial 1", answers(range(82), range(82), search=12), 1),
)
"""Its best merge solves 82 of both."""
QWEN = (
    Entry("base", "base", answers((), ())),
    Entry("expert", "coder", answers(range(10), range(5, MANY))),
    Entry("uniform", "uniform", answers(range(80), range(80))),
    Entry("trial", "trial 0", answers(range(30), range(30)), 0),
)
"""Its best merge solves two less; its coder nearly all of code."""


def enter_study(
    store: StudyStore,
    file: Path,
    entries: Iterable[Entry],
    items: Mapping[str, str] = ITEMS,
    state: str = "complete",
) -> int:
    """File a study as a run would leave it."""
    spec = load_study(file)
    digests = {f"{name}/holdout": digest for name, digest in items.items()}
    digests |= {f"{name}/search": f"search {digest}" for name, digest in items.items()}
    study = store.begin(spec.name, {"study": spec.identity(), "models": {}, "items": digests})
    store.add_slices(
        study, [_part(spec.name, name, split) for split in ("search", "holdout") for name in items]
    )
    for number, entry in enumerate(entries):
        digest = store.add_recipe(make_recipe(len(spec.name) + number / 64))
        store.register_candidate(study, entry.kind, entry.name, entry.trial, digest)
        store.finish_candidate(study, entry.kind, entry.name)
        record(store, spec, digest, entry.answers)
    store.set_state(study, state)  # type: ignore[arg-type]
    return study


def record(store: StudyStore, spec: StudySpec, digest: str, given: Answers) -> None:
    """File a candidate's answers to all items of a study."""
    for name in SLICES:
        store.record(digest, _part(spec.name, name, "search").digest, given.steering(name))
        store.record(digest, _part(spec.name, name, "holdout").digest, given.holdout(name))


def enter_model(store: StudyStore, file: Path, name: str, digest: str, given: Answers) -> None:
    """File a model's answers as `crucible evaluate MODEL STUDY.yaml --keep` does."""
    spec = load_study(file)
    store.add_model(ModelSubject(digest, f"/models/{name}", None, "qwen2", 1))
    study = store.study(spec.name)
    store.register_candidate(study, "model", name, None, digest)
    store.finish_candidate(study, "model", name)
    record(store, spec, digest, given)


def member_file(folder: Path, name: str) -> Path:
    """A study file of the tiny family, under this name, with two slices."""
    study = small_study(name=name)
    parts = [part for part in study["slices"] if part["name"] in SLICES]  # type: ignore[attr-defined]
    path = write_study(folder, {**study, "slices": parts})
    return path.rename(folder / f"{name}.yaml")


def fusion_file(folder: Path, more: str = "", studies: str = "llama.yaml, qwen.yaml") -> Path:
    path = folder / "fusion.yaml"
    path.write_text(f"name: fused\nstudies: [{studies}]\ndata: instructions.jsonl\n{more}")
    return path


def fusion(folder: Path, more: str = "", studies: str = "llama.yaml, qwen.yaml") -> FusionSpec:
    return load_fusion(fusion_file(folder, more, studies))


def _part(study: str, name: str, split: Split) -> StudySlice:
    n = N if split == "holdout" else SEARCHED
    return StudySlice(name, name, split, f"{study} {name} {split}", n)


def _results(right: Iterable[bool]) -> list[ItemResult]:
    return [ItemResult(i, each, f"answer {i}", 4, 0.1, f"prompt {i}") for i, each in enumerate(right)]
