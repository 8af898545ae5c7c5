"""From the store: who may become the target or a source, with their answers to the items that may select."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from search.errors import SearchError
from search.fusing.described import Described, Raw
from search.fusing.members import Member
from studies.selection.contenders import Contender
from studies.selection.finalists import MERGES, best_merge
from studies.store import StudyStore
from studies.store.rows import Candidate, CandidateKind
from studies.verdicts.paired import Verdicts
from studies.verdicts.parting import Parting
from studies.verdicts.scores import slice_scores

EXPERTS: tuple[CandidateKind, ...] = ("expert",)
ALONE: tuple[CandidateKind, ...] = ("base", *EXPERTS)
"""Candidates that are no merge."""


@dataclass(frozen=True)
class Heard:
    """Who was asked every holdout item of a member study, by digest."""

    verdicts: Mapping[str, Verdicts]
    """Of the items that select; those that judge are not in here."""
    seconds_per_token: Mapping[str, float | None]


def hear(store: StudyStore, member: Member, others: Sequence[str], parting: Parting) -> Heard:
    """Ask the store of a study's candidates and of `others`, by digest.

    That is a few questions for each slice, whatever their number.

    Raises:
        SearchError: a slice is left without an item that selects, or without one that judges.
    """
    parts = member.part("holdout")
    digests = [*(each.digest for each in member.candidates if each.kind != "base"), *others]
    tallies = {part.name: store.tallies(digests, part.digest) for part in parts}
    judged = [
        digest for digest in dict.fromkeys(digests) if all(tallies[p.name][digest].n == p.n for p in parts)
    ]
    found: dict[str, dict[str, dict[int, bool]]] = {digest: {} for digest in judged}
    for part in parts:
        for digest, items in store.verdicts(judged, part.digest).items():
            chosen = parting.selecting(member.items[part.name], items)
            _check_parted(part.name, len(chosen), len(items))
            found[digest][part.name] = {item: right for item, right in items.items() if item in chosen}
    return Heard(found, _seconds(store, member, judged))


def of_member(store: StudyStore, member: Member, heard: Heard, described: Described) -> list[Contender]:
    """The best merge of a study, and its experts.

    Raises:
        SearchError: an expert, or every merge, has not answered all holdout items.
    """
    experts = member.of_kinds(EXPERTS)
    late = [f"expert {each.name!r} has not answered" for each in experts if each.digest not in heard.verdicts]
    merges = [each for each in member.of_kinds(MERGES) if each.digest in heard.verdicts]
    if late or not merges:
        who = late[0] if late else "no merge has answered"
        raise SearchError(
            f"studies: {member.file}: {who} all holdout items: finish it with `crucible run {member.file}`"
        )
    alone = {each.digest for each in member.of_kinds(ALONE)}
    merges = [each for each in merges if each.digest not in alone] or merges
    chosen = [_best(store, member, merges, heard), *experts]
    return [_contender(f"{member.name}: {each.name}", member, each, heard, described) for each in chosen]


def of_raw(raw: Raw, members: Sequence[Member], heard: Sequence[Heard]) -> Contender:
    """A model of no searched family, by its answers to a member study's items.

    Raises:
        SearchError: it has not answered all of them.
    """
    for member, known in zip(members, heard, strict=True):
        if raw.digest in known.verdicts:
            as_candidate = Candidate("model", raw.name, None, raw.digest, "complete", None)
            return replace(_contender(raw.name, member, as_candidate, known, raw), study=None)
    raise SearchError(
        f"models: {raw.name} has not answered all holdout items of the studies: evaluate it with `crucible"
        f" evaluate {shlex.quote(raw.typed)} {members[0].file} --keep`"
    )


def _contender(
    name: str, member: Member, candidate: Candidate, heard: Heard, described: Described
) -> Contender:
    return Contender(
        name=name,
        study=member.name,
        kind=candidate.kind,
        digest=candidate.digest,
        verdicts=heard.verdicts[candidate.digest],
        parameters=described.parameters,
        seconds_per_token=heard.seconds_per_token[candidate.digest],
    )


def _best(store: StudyStore, member: Member, merges: Sequence[Candidate], heard: Heard) -> Candidate:
    digests = [each.digest for each in merges]
    scores = {
        part.name: slice_scores(store, digests, part.digest, part.scoring) for part in member.part("search")
    }
    search = {
        digest: {name: found[digest] for name, found in scores.items() if digest in found}
        for digest in digests
    }
    return best_merge(merges, search, heard.verdicts)


def _seconds(store: StudyStore, member: Member, digests: Sequence[str]) -> dict[str, float | None]:
    """Seconds per generated token; answers that are choices generate none."""
    written = [part for part in member.part("holdout") if part.scoring == "generate"]
    costs = [store.costs(digests, part.digest) for part in written]
    found: dict[str, float | None] = {}
    for digest in digests:
        tokens = sum(each[digest].tokens for each in costs)
        found[digest] = sum(each[digest].seconds for each in costs) / tokens if tokens else None
    return found


def _check_parted(name: str, selecting: int, of: int) -> None:
    if not 0 < selecting < of:
        what = "selects" if not selecting else "is left to judge"
        remedy = "raise it" if not selecting else "lower it"
        raise SearchError(
            f"selection.share: of the {of} holdout items of slice {name!r} none {what}: {remedy}, or ask more"
            " holdout items"
        )
