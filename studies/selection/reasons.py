"""A selection in words: why each row has its role, and what speaks against what a person asked for."""

from __future__ import annotations

from collections.abc import Iterator

from studies.selection.comparison import Comparison
from studies.selection.contenders import Contender
from studies.verdicts.paired import Difference

NAMED = "named in the file"


def points(difference: Difference) -> str:
    """Say `+2.1 points [-0.3, +4.5]`."""
    mean, low, high = (100 * value for value in (difference.mean, difference.low, difference.high))
    return f"{mean:+.1f} points [{low:+.1f}, {high:+.1f}]"


def reason_of(each: Contender, found: Comparison) -> str:
    """Why a row has the role that it has."""
    as_target = _as_target(each, found) if each in found.targets else []
    as_source = _as_source(each, found) if each is not found.target else []
    return "; ".join([*as_target, *as_source])


def conclusion(found: Comparison) -> str:
    """The decision in two sentences."""
    target = found.target
    taught = [
        f"{name} ({_on(slices, found, name) if slices else 'better on no slice'})"
        for name, slices in found.sources.items()
    ]
    why = "; ".join(_as_target(target, found))
    return f"{target.name} becomes the target: {why}. It learns from {_listed(taught)}."


def objections(found: Comparison) -> Iterator[str]:
    """What the evidence says against what a person asked for, each with the field of the file."""
    target, ruled = found.target, found.ruled
    if found.wishes.target is not None:
        if not found.holds_up(target):
            worse = points(found.vs_best[target.name])
            yield f"target: {target.name} is significantly worse than {found.best.name}: {worse}"
        if ruled is not None and found.gains[ruled.name] > found.gains[target.name]:
            yield (
                f"target: the evidence would choose {ruled.name}, with more to gain:"
                f" {_share(found.gains[ruled.name])} of items against {_share(found.gains[target.name])}"
            )
    for name in found.wishes.sources or ():
        if not found.beaten_on(name):
            most = _nearest(name, found)
            yield f"sources: {name} is significantly better than {target.name} on no slice: {most}"


def nothing_to_learn(found: Comparison) -> str:
    """Why there can be no fusion, with the figures, and what can be done."""
    closest = "; ".join(_closest(slice_, found) for slice_ in found.slices)
    return (
        f"sources: none is significantly better than the target {found.target.name} on any slice (closest:"
        f" {closest}): there is nothing to learn; add models that are, or name `sources:` in the fusion file"
        " to learn from them anyway"
    )


def _as_target(each: Contender, found: Comparison) -> list[str]:
    gain = _share(found.gains[each.name])
    said = [_standing(each, found)]
    if each is found.target and found.wishes.target is not None:
        return [NAMED, *said, f"to gain: {gain} of items that it fails and the strongest source solves"]
    if each is found.target:
        return [*said, f"most to gain: {gain} of items that it fails and the strongest source solves"]
    return [*said, f"to gain: {gain}"] if found.holds_up(each) else said


def _standing(each: Contender, found: Comparison) -> str:
    if each is found.best:
        return "the best possible target" if len(found.targets) > 1 else "the only possible target"
    how = "not significantly worse" if found.holds_up(each) else "significantly worse"
    return f"{how} than {found.best.name}: {points(found.vs_best[each.name])}"


def _as_source(each: Contender, found: Comparison) -> list[str]:
    if each.name not in found.edges:
        return ["not named as a source"]
    taught, beaten = found.sources.get(each.name, ()), found.beaten_on(each.name)
    said = [NAMED] if found.wishes.sources is not None else []
    if taught:
        said.append(f"better than the target on {_on(taught, found, each.name)}")
    if not beaten:
        return [*said, "significantly better than the target on no slice"]
    if less := [name for name in beaten if name not in taught]:
        said.append(f"better than the target on {_on(less, found, each.name)}, where others are stronger")
    return said


def _on(slices: tuple[str, ...] | list[str], found: Comparison, name: str) -> str:
    return ", ".join(f"{slice_}: {points(found.edges[name][slice_])}" for slice_ in slices)


def _nearest(name: str, found: Comparison) -> str:
    slice_ = max(found.slices, key=lambda slice_: found.edges[name][slice_].mean)
    return f"at most {points(found.edges[name][slice_])}, on {slice_}"


def _closest(slice_: str, found: Comparison) -> str:
    name = min(found.edges, key=lambda name: (-found.edges[name][slice_].mean, name))
    return f"{slice_}: {name} {points(found.edges[name][slice_])}"


def _share(share: float) -> str:
    return f"{100 * share:.1f}%"


def _listed(names: list[str]) -> str:
    """Say `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
