"""Which of a family's models the others were made from, and how sure that is.

Weights alone leave a triangle: what lies in the middle of fine-tunes is their base, or an expert that others
were made from, or, where the base is not among them, the expert that moved least. So every choice comes with
its reason, in figures, and with how sure it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from merging.zoo.likeness import Likeness

FoundBy = Literal["adapter", "equality", "cosine", "hint", "fallback"]
Sure = Literal["certain", "likely", "unclear"]
LOST_VOTES = 0.02
"""Agreement against a model that says more than chance: two fine-tunes in bfloat16 agree in 1% by chance."""
FEWER = 0.1
"""A base loses at most this share of the votes that the next model loses."""
APART = 0.2
"""Task vectors from a base have a pair with a cosine below this; from an expert all share its own vector."""


@dataclass(frozen=True)
class Base:
    """The model that a family's others are taken to be made from."""

    place: int
    found_by: FoundBy
    """`adapter`: adapters are changes to it; `equality`: others kept its numbers; `cosine`: task vectors from
    it go apart; `hint`: configs name it; `fallback`: nothing tells, and it is the most central."""
    sure: Sure
    reason: str
    """Why, with figures, as the end of a sentence that begins with its name."""


def choose_base(
    likeness: Likeness, names: Sequence[str], claims: Mapping[int, int], adapted: Sequence[int] = ()
) -> Base:
    """The base of models that descend from one, at least two.

    `claims` are the places of models whose configs name another one as what they were made from, and of that
    one; `adapted` are the places of models that adapters among the others are changes to.
    """
    if adapted:
        return _of_adapters(likeness, adapted, len(names))
    if len(names) == 2:
        return _of_two(likeness, names, claims)
    return (
        _by_votes(likeness)
        or _by_cosine(likeness, names)
        or _by_claims(likeness, names, claims)
        or _most_central(likeness, names)
    )


def central(likeness: Likeness, places: Sequence[int], count: int) -> int:
    """Of these places, the one from which the task vectors to all others are shortest, all in all."""
    return min(places, key=lambda place: (likeness.spread(place, range(count)), place))


def least_cosine(likeness: Likeness, base: int, count: int) -> float:
    """The least cosine between two task vectors from a base; 1 where there are no two."""
    others = [place for place in range(count) if place != base]
    pairs = (likeness.task_cosine(base, a, b) for a, b in itertools.combinations(others, 2))
    return min((cosine for cosine in pairs if cosine is not None), default=1.0)


def _of_adapters(likeness: Likeness, adapted: Sequence[int], count: int) -> Base:
    place = central(likeness, sorted(set(adapted)), count)
    return Base(place, "adapter", "likely", "adapters among them are changes to it")


def _of_two(likeness: Likeness, names: Sequence[str], claims: Mapping[int, int]) -> Base:
    if len(claims) == 1:
        ((child, parent),) = claims.items()
        return Base(
            parent,
            "hint",
            "likely",
            f"the config of {names[child]} names it, which is a hint and no proof: two models alone do not"
            " tell which was made from which",
        )
    place = min((0, 1), key=lambda each: (likeness.norm(each), each))
    return Base(
        place,
        "fallback",
        "unclear",
        "two models alone do not tell which was made from which, or whether their base is a third; it has the"
        " smaller weights, and training mostly makes them grow",
    )


def _by_votes(likeness: Likeness) -> Base | None:
    lost = likeness.contested
    first, second = sorted(range(len(lost)), key=lambda place: (lost[place], place))[:2]
    if lost[second] < LOST_VOTES or lost[first] > FEWER * lost[second]:
        return None
    return Base(
        first,
        "equality",
        "certain",
        f"where two others have the same number it is nearly always its own (they agree against it in"
        f" {lost[first]:.2%} of the numbers, against any other model in {lost[second]:.0%} or more)",
    )


def _by_cosine(likeness: Likeness, names: Sequence[str]) -> Base | None:
    count = len(names)
    place = central(likeness, range(count), count)
    least = least_cosine(likeness, place, count)
    if least >= APART:
        return None
    reason = f"it is the most central, and task vectors from it go apart (least cosine {least:.2f})"
    smallest = min(range(count), key=lambda each: (likeness.norm(each), each))
    if smallest == place:
        return Base(place, "cosine", "likely", reason)
    doubt = (
        f", but {names[smallest]} has smaller weights, as what comes before training mostly has: this one may"
        " be an expert of it that others were made from"
    )
    return Base(place, "cosine", "unclear", reason + doubt)


def _by_claims(likeness: Likeness, names: Sequence[str], claims: Mapping[int, int]) -> Base | None:
    """Configs decide where weights do not, if all that say something say the same."""
    if len(set(claims.values())) != 1:
        return None
    (place,) = set(claims.values())
    children = [names[child] for child in sorted(claims)]
    least = least_cosine(likeness, place, len(names))
    return Base(
        place,
        "hint",
        "likely",
        f"the configs of {' and '.join(children)} name it, which is a hint and no proof: task vectors from it"
        f" have cosines of {least:.2f} and more, near 0 from the base of models trained for different tasks",
    )


def _most_central(likeness: Likeness, names: Sequence[str]) -> Base:
    count = len(names)
    place = central(likeness, range(count), count)
    least = least_cosine(likeness, place, count)
    return Base(
        place,
        "fallback",
        "unclear",
        f"their base does not seem to be among them, and it is the most central: task vectors from it have"
        f" cosines of {least:.2f} and more, near 0 from a base and near 0.5 from one of its experts",
    )
