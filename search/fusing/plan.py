"""Who becomes the target of a fusion and who its sources: decided by the store's evidence, and kept there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from search.errors import SearchError
from search.fusing.coverage import Coverage, by_alignment, coverages, sample
from search.fusing.described import Described, describe_family, describe_raw
from search.fusing.gathered import hear, of_member, of_raw
from search.fusing.members import HOLDOUT, Member, open_members
from search.study_file.fusion import FusionSpec
from studies.selection.choose import choose
from studies.selection.comparison import Wishes
from studies.selection.contenders import Contender
from studies.selection.selection import Selection
from studies.store import StudyStore
from studies.store.identity import JSON
from studies.verdicts.parting import Parting


@dataclass(frozen=True)
class Plan:
    """A decision, and the studies that it was taken by."""

    spec: FusionSpec
    members: tuple[Member, ...]
    selection: Selection

    @property
    def identity(self) -> dict[str, JSON]:
        """What makes the fusion's study in the store: what is asked, and which items only judge."""
        parting = {"seed": self.spec.selection.seed, "share": self.spec.selection.share}
        items = {f"{name}{HOLDOUT}": digest for name, digest in self.members[0].items.items()}
        return {"parting": parting, "items": items}

    def to_json(self) -> dict[str, Any]:
        """As `crucible fuse --plan --json` prints it."""
        return {"fusion": self.spec.name, **self.selection.to_json()}


def make_plan(
    spec: FusionSpec,
    store: StudyStore,
    coverage: Coverage | None = None,
    texts: Sequence[str] | None = None,
) -> Plan:
    """Decide by the evidence of the member studies, or as the file says.

    `coverage` tells how much of the texts two tokenizers cut alike: by default by aligning them, over the
    beginning of the fusion's data. It is shown, and decides nothing here.

    Raises:
        SearchError, StudiesError, CheckpointError: what is missing or does not fit, in one line.
    """
    members = open_members(spec, store)
    found = _distinct(_gather(spec, store, members))
    heard = cache(lambda: sample(spec) if texts is None else texts)
    folders = [described.tokenizer for _, described in found]
    contenders = _covered(found, coverages(folders, coverage or by_alignment(), heard))
    wishes = Wishes(spec.target, spec.sources, spec.sources_per_slice)
    return Plan(spec, members, choose(contenders, wishes))


def keep_plan(plan: Plan, store: StudyStore) -> int:
    """Begin the fusion's study, or go on with it, and remember the decision; returns the study's id.

    Raises:
        StudyChanged: the fusion began with other items, or parted them otherwise.
    """
    new = plan.spec.name not in {each.name for each in store.studies()}
    study = store.begin(plan.spec.name, plan.identity)
    store.save_selection(study, plan.selection.to_stored())
    if new:
        store.set_state(study, "stopped", "planned, and not run yet")
    return study


def _gather(
    spec: FusionSpec, store: StudyStore, members: Sequence[Member]
) -> Iterator[tuple[Contender, Described]]:
    """The best merge and the experts of each study, then the models beside them."""
    raws = [describe_raw(each, spec.folder, spec.allow_pickle) for each in spec.models]
    parting = Parting(spec.selection.seed, spec.selection.share)
    heard = [hear(store, member, [raw.digest for raw in raws], parting) for member in members]
    for member, known in zip(members, heard, strict=True):
        family = describe_family(member.spec)
        yield from ((each, family) for each in of_member(store, member, known, family))
    yield from ((of_raw(raw, members, heard), raw) for raw in raws)


def _distinct(found: Iterable[tuple[Contender, Described]]) -> list[tuple[Contender, Described]]:
    """One row for one model, the first that names it."""
    first: dict[str, tuple[Contender, Described]] = {}
    for pair in found:
        first.setdefault(pair[0].digest, pair)
    kept = list(first.values())
    names = [each.name for each, _ in kept]
    for each, _ in kept:
        if names.count(each.name) > 1:
            raise SearchError(
                f"models: {each.name!r} is what another row is called; write {{name: …, model: …}}"
            )
    return kept


def _covered(
    found: Sequence[tuple[Contender, Described]], known: Mapping[tuple[Path, Path], float | None]
) -> list[Contender]:
    return [
        replace(
            each,
            coverage={
                other.name: known[described.tokenizer, others.tokenizer]
                for other, others in found
                if other is not each
            },
        )
        for each, described in found
    ]
