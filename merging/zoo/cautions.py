"""What a person should know of a family before its weights are merged, each with its figure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from merging.zoo.bases import Base
from merging.zoo.likeness import Likeness
from merging.zoo.members import Member

FAR = 0.25
"""Distance of two models, over the length of their weights, from which merges of them are in doubt."""
OPPOSED = -0.1
"""Cosine of two task vectors below which each takes back what the other learned."""


def cautions(members: Sequence[Member], likeness: Likeness, base: Base) -> list[str]:
    """Warnings on a family's base and on pairs of its models, in the order of their names."""
    return [
        *_of_base(members, base),
        *_of_claims(members, base),
        *_of_adapters(members, base),
        *(
            warning
            for a, b in itertools.combinations(range(len(members)), 2)
            for warning in _of_pair(members, likeness, base.place, a, b)
        ),
    ]


def _of_base(members: Sequence[Member], base: Base) -> Iterator[str]:
    if base.sure != "unclear":
        return
    outside = {m.claimed for m in members if m.claimed and m.claims is None}
    give = (
        f"; configs name {' and '.join(sorted(outside))}: give that model too"
        if outside
        else "; give the model that they were trained from, too, if you have it"
    )
    name = members[base.place].name
    yield f"{name} stands in as the base: {base.reason}{give}, or name it in the study file"


def _of_claims(members: Sequence[Member], base: Base) -> Iterator[str]:
    """Configs that say otherwise than what was found."""
    name = members[base.place].name
    for member in members:
        if member.claims not in (None, name):
            yield (
                f"{member.name}: its config says that it was made from {member.claims}; by the weights, the"
                f" base is {name}"
            )


def _of_adapters(members: Sequence[Member], base: Base) -> Iterator[str]:
    name = members[base.place].name
    for member in members:
        if member.adapter_of not in (None, name):
            yield (
                f"{member.name}: an adapter of {member.adapter_of}, which is not the base, so the study does"
                " without; merge it into its model (peft's merge_and_unload), and give the result"
            )


def _of_pair(members: Sequence[Member], likeness: Likeness, base: int, a: int, b: int) -> Iterator[str]:
    pair = f"{members[a].name} and {members[b].name}"
    if likeness.equal[a][b] == 1:
        yield f"{pair}: the same weights in all {likeness.numbers:,} numbers that were compared"
        return
    distance = likeness.distance(a, b)
    if distance > FAR:
        yield (
            f"{pair}: far apart: they differ by {distance:.2f} of the length of their weights (cosine"
            f" {likeness.cosine(a, b):.3f}), where merges seldom keep what both know ({FAR} and less is"
            " usual)"
        )
    cosine = None if base in (a, b) else likeness.task_cosine(base, a, b)
    if cosine is not None and cosine < OPPOSED:
        yield f"{pair}: pull against each other: their task vectors have a cosine of {cosine:.2f}"
    if base not in (a, b) and distance < min(likeness.distance(base, a), likeness.distance(base, b)):
        yield (
            f"{pair}: nearer to each other ({distance:.3f}) than to the base, so one may be made from the"
            f" other (cosine of their task vectors {cosine or 0:.2f})"
        )
