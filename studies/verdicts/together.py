"""Studies as one leaderboard sees them: whose candidates it ranks, and that all were asked the same items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from studies.errors import StudiesError
from studies.store import StudyStore
from studies.store.rows import Candidate, Split, StudySlice
from studies.verdicts.parting import Parting, parting_of
from studies.verdicts.steering import BY_ACCURACY, Yardstick, yardstick_of


@dataclass(frozen=True)
class Entered:
    """One study with its complete candidates."""

    name: str
    candidates: tuple[Candidate, ...]
    slices: tuple[StudySlice, ...]
    items: Mapping[str, str]
    """Of each slice and split, as `slice/split`, the digest of its items, whoever answers them."""
    parting: Parting | None
    """How it parts its holdout items into those that select and those that judge; None: all judge."""
    target: str | None
    """Digest of the model that its fused ones were made of, before they were."""
    complete: bool = True
    """Whether it has come to its end, so that nobody is being judged any more."""
    yardstick: Yardstick = BY_ACCURACY
    """What steered its search."""

    def parts(self, split: Split) -> list[StudySlice]:
        """The slices of a split, in their order."""
        return [part for part in self.slices if part.split == split]

    def items_of(self, part: StudySlice) -> str:
        """The digest of a slice's items, the same for whatever engine asks them."""
        return self.items.get(f"{part.name}/{part.split}", part.digest)


def enter(store: StudyStore, names: Sequence[str]) -> list[Entered]:
    """The studies of these names, their candidates named apart from each other's.

    A candidate that an earlier study has, too, is left to that one.
    Raises StudyNotFound; StudiesError if the studies were not asked the same holdout items.
    """
    entered = [_entered(store, name) for name in dict.fromkeys(names)]
    _check_same_items(entered)
    return _named_apart(_once_each(entered))


def _entered(store: StudyStore, name: str) -> Entered:
    study = store.study(name)
    identity = store.identity(study)
    items, selection = identity.get("items"), store.selection(study)
    target = None if selection is None else selection.get("target")
    return Entered(
        name,
        tuple(each for each in store.candidates(study) if each.state == "complete"),
        tuple(store.slices(study)),
        {key: str(digest) for key, digest in items.items()} if isinstance(items, Mapping) else {},
        parting_of(identity),
        target if isinstance(target, str) else None,
        any(each.id == study and each.state == "complete" for each in store.studies()),
        yardstick_of(store, study),
    )


def _check_same_items(entered: Sequence[Entered]) -> None:
    first, *others = ({part.name: each.items_of(part) for part in each.parts("holdout")} for each in entered)
    for study, asked in zip(entered[1:], others, strict=True):
        if differing := [name for name in {**first, **asked} if first.get(name) != asked.get(name)]:
            raise StudiesError(
                f"studies {entered[0].name!r} and {study.name!r} were not asked the same holdout items:"
                f" slice {', '.join(map(repr, differing))}; give both the same data, num_fewshot, holdout,"
                " seed and max_tokens (and no chat_template, unless their models share one)"
            )


def _once_each(entered: Sequence[Entered]) -> list[Entered]:
    seen: set[tuple[str, str]] = set()
    kept = []
    for each in entered:
        own = tuple(one for one in each.candidates if (one.kind, one.digest) not in seen)
        seen |= {(one.kind, one.digest) for one in own}
        kept.append(replace(each, candidates=own))
    return kept


def _named_apart(entered: Sequence[Entered]) -> list[Entered]:
    """With its study's name in front where two studies have candidates of one name."""
    homes = Counter(name for each in entered for name in {one.name for one in each.candidates})
    return [
        replace(
            each,
            candidates=tuple(
                replace(one, name=f"{each.name}: {one.name}") if homes[one.name] > 1 else one
                for one in each.candidates
            ),
        )
        for each in entered
    ]
