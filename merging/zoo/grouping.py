"""A zoo in families: models that the checks of every merge let pass, and whose weights have a common origin.

What comes out depends on the models alone, not on the order in which they are named.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from merging.errors import CheckpointError
from merging.models.fingerprint import survey
from merging.zoo.adapters import Part, with_adapters
from merging.zoo.bases import Base, choose_base
from merging.zoo.cautions import cautions
from merging.zoo.likeness import Likeness, compare
from merging.zoo.members import Kindred, Loner, Lora, Member, Zoo
from merging.zoo.mergeable import check_mergeable, tokenizer_source
from merging.zoo.sampling import matrices

RELATED = 0.5
"""Cosine of the weights from which two models have a common origin; docs/decisions/one-base-or-none.md."""
Watch = Callable[[str, int, int, int], None]
"""Told of what is being compared: in words, matrices done, matrices in all, bytes read by then."""


def group(
    models: Sequence[Member], adapters: Sequence[Lora], allow_pickle: bool = False, watch: Watch | None = None
) -> Zoo:
    """Group whole models and adapters into families, and say of each what its base is.

    Raises:
        CheckpointError: a model or adapter that cannot be read, an adapter that fits none or several
            families, or one model given twice.
        OutputError: an adapter's weights cannot be kept in the cache.
    """
    reader = _Reader(watch)
    models = sorted(models, key=lambda member: member.name)
    alike = _alike(models)
    whole = [Part(tuple(part)) for part in _related(alike, reader)]
    parts = with_adapters(whole, adapters, lambda part: part.members[_base(part, reader).place], allow_pickle)
    families, lost = [], []
    for part in parts:
        part, misfits = _star(part, reader)
        lost += misfits
        if len(part.members) > 1:
            families.append(_kindred(part, reader))
        else:
            lost += [Loner(member, _reason(member, alike, reader)) for member in part.members]
    families.sort(key=lambda family: (-family.base_member.parameters, family.members[0].name))
    lost.sort(key=lambda loner: loner.member.name)
    return Zoo(tuple(families), tuple(lost), reader.bytes_read)


@dataclass
class _Reader:
    """Compares models' weights, each set of them once, and counts what that reads."""

    watch: Watch | None
    bytes_read: int = 0
    known: dict[tuple[str, ...], Likeness] = field(default_factory=dict)

    def likeness(self, members: Sequence[Member]) -> Likeness:
        names = tuple(member.name for member in members)
        if names not in self.known:
            self.known[names] = compare([member.model for member in members], self._progress(members))
            self.bytes_read += self.known[names].bytes_read
            _refuse_twice(members, self.known[names])
        return self.known[names]

    def _progress(self, members: Sequence[Member]) -> Callable[[int, int, int], None] | None:
        watch, label = self.watch, f"{len(members)} models ({members[0].architecture})"
        return None if watch is None else lambda done, of, read: watch(label, done, of, read)


def _alike(models: Sequence[Member]) -> list[list[Member]]:
    """Models in classes of which any two pass the checks of a merge."""
    classes: list[list[Member]] = []
    for member in models:
        for known in classes:
            if _obstacle(known[0], member) is None:
                known.append(member)
                break
        else:
            classes.append([member])
    return classes


def _obstacle(first: Member, second: Member) -> str | None:
    """Why two models cannot be merged, whatever their weights; None where they can."""
    if first.architecture != second.architecture:
        return f"another architecture than {first.name} ({first.architecture})"
    try:
        check_mergeable(first.model, second.model)
    except CheckpointError as error:
        return str(error)
    assert matrices(first.model) == matrices(second.model), "the checks let no other shapes pass"
    return None


def _related(alike: Sequence[list[Member]], reader: _Reader) -> list[list[Member]]:
    """Each class in parts: two models of a part have a common origin, or are linked by models that do."""
    parts = []
    for members in alike:
        left = list(members)
        while left:
            part, left = [left[0]], left[1:]
            for member in part:  # which grows as relatives are found
                near = [each for each in left if _cosine(members, member, each, reader) >= RELATED]
                part += near
                left = [each for each in left if each not in near]
            parts.append(sorted(part, key=lambda each: each.name))
    return parts


def _cosine(members: Sequence[Member], a: Member, b: Member, reader: _Reader) -> float:
    return reader.likeness(members).cosine(members.index(a), members.index(b))


def _base(part: Part, reader: _Reader) -> Base:
    """The base of a part; where adapters are only guessed to belong there, whole models alone decide."""
    members = part.members
    if len(part.whole) == 1:
        return _only(part)
    if part.guessed and not part.named():
        found = _base(Part(part.whole), reader)
        return replace(found, place=members.index(part.whole[found.place]))
    places = {member.name: place for place, member in enumerate(members)}
    claims = {
        place: places[member.claims]
        for place, member in enumerate(members)
        if member.claims in places and member.adapter_of is None
    }
    return choose_base(reader.likeness(members), list(places), claims, part.named())


def _only(part: Part) -> Base:
    """The one whole model that a part's adapters, if it has any, are changes to."""
    place = part.members.index(part.whole[0])
    if any(member.told for member in part.members):
        return Base(place, "adapter", "certain", "the adapters are given as changes to it")
    if part.named():
        return Base(place, "adapter", "likely", "the adapters' configs name it, and they fit")
    return Base(place, "adapter", "likely", "the adapters fit no other given model; no config names it")


def _star(part: Part, reader: _Reader) -> tuple[Part, list[Loner]]:
    """A part of which all can be merged with the base, and those that cannot: a study checks just that."""
    lost: list[Loner] = []
    while len(part.members) > 1:
        base = part.members[_base(part, reader).place]
        reasons = {member.name: _obstacle(base, member) for member in part.members if member is not base}
        misfits = [member for member in part.members if reasons.get(member.name)]
        if not misfits:
            break
        lost += [Loner(member, reasons[member.name] or "") for member in misfits]
        part = replace(part, members=tuple(member for member in part.members if member not in misfits))
    return part, lost


def _kindred(part: Part, reader: _Reader) -> Kindred:
    members, likeness, base = part.members, reader.likeness(part.members), _base(part, reader)
    first = members[base.place]
    others = [m for m in members if m is not first and m.adapter_of in (None, first.name)]
    source = tokenizer_source([first.model, *(member.model for member in others)])
    warnings = cautions(members, likeness, base)
    for member in others if source else ():
        differing = check_mergeable(first.model, member.model)
        warnings += [f"{member.name}: {_differing(differing, source)}"] if differing else []
    warnings += [
        f"{name}: an adapter whose config names none of the given models; taken as one of {first.name}, which"
        " it fits"
        for name in part.guessed
    ]
    return Kindred(members, likeness, base, source, tuple(warnings))


def _differing(found: str, source: str | None) -> str:
    what = found.rpartition("; ")[0].partition(": ")[2]
    return f"another vocabulary ({what}); the study aligns it, by tokenizer_source: {source}"


def _reason(member: Member, alike: Sequence[list[Member]], reader: _Reader) -> str:
    """Why a model stands alone."""
    own = next(members for members in alike if member in members)
    others = [each for each in own if each is not member]
    if others:
        nearest = max(others, key=lambda each: (_cosine(own, member, each, reader), each.name))
        cosine = _cosine(own, member, nearest, reader)
        return (
            f"of no common origin with {nearest.name}, which has its shapes: the cosine of their weights is"
            f" {cosine:.3f} (fine-tunes of one base: near 1)"
        )
    kind = member.architecture
    same = [each for members in alike for each in members if each.architecture == kind and each is not member]
    if not same:
        return f"no other {member.architecture} model is given"
    return _obstacle(same[0], member) or ""


def _refuse_twice(members: Sequence[Member], likeness: Likeness) -> None:
    """Models of the same numbers may differ in their tokenizers; the same fingerprint is the same model."""
    for a, b in itertools.combinations(range(len(members)), 2):
        if likeness.equal[a][b] == 1:
            first, second = (members[place].model for place in (a, b))
            if survey(first).digest == survey(second).digest:
                raise CheckpointError(
                    f"{second.path}: is the same model as {first.path}, file for file; leave one of them out"
                )
