"""The rule: among targets not significantly worse than the best, the one with most to gain becomes it.

Its sources are those that are significantly better on a slice, the strongest of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from evaluators.score import wilson
from studies.errors import SelectionError
from studies.selection.comparison import Comparison, Wishes
from studies.selection.contenders import Contender, solved_where_failed
from studies.selection.reasons import conclusion, nothing_to_learn, objections, reason_of
from studies.selection.selection import Option, Role, Selection

EVIDENCE = Wishes()
"""The evidence alone decides."""


def choose(contenders: Sequence[Contender], wishes: Wishes = EVIDENCE) -> Selection:
    """Decide who becomes the target and who teaches it.

    All contenders have answered the same items; each has a name and a digest of its own.

    Raises:
        SelectionError: fewer than two contenders, a name that none of them has, nobody who can become the
            target, or nobody to learn from.
    """
    _check(contenders, wishes)
    found = Comparison(tuple(contenders), wishes)
    if not found.targets:
        raise SelectionError("target: every merge is named as a source; name the target, too")
    if not found.sources:
        raise SelectionError(nothing_to_learn(found))
    roles: dict[str, Role] = {found.target.name: "target", **dict.fromkeys(found.sources, "source")}
    order = [found.target.name, *found.sources]
    rest = sorted(found.contenders, key=lambda each: (-each.mean, each.name))
    order += [each.name for each in rest if each.name not in order]
    return Selection(
        rows=tuple(_row(found.named[name], found, roles.get(name)) for name in order),
        target=found.target.name,
        sources=found.sources,
        reason=conclusion(found),
        overridden=wishes.some,
        warnings=tuple(objections(found)),
    )


def _row(each: Contender, found: Comparison, role: Role | None) -> Option:
    others = [other for other in found.contenders if other is not each]
    return Option(
        name=each.name,
        study=each.study,
        kind=each.kind,
        digest=each.digest,
        role=role,
        reason=reason_of(each, found),
        holdout={name: wilson(sum(items.values()), len(items)) for name, items in each.verdicts.items()},
        mean=each.mean,
        gain=found.gains[each.name],
        complementarity={other.name: solved_where_failed(each, other) for other in others},
        coverage={other.name: each.coverage.get(other.name) for other in others},
        parameters=each.parameters,
        seconds_per_token=each.seconds_per_token,
        vs_best=found.vs_best.get(each.name),
        vs_target=found.edges.get(each.name, {}),
    )


def _check(contenders: Sequence[Contender], wishes: Wishes) -> None:
    names = [each.name for each in contenders]
    assert len({*names}) == len(names), f"two contenders of one name: {names}"
    assert len({each.digest for each in contenders}) == len(names), "one model contends twice"
    if len(contenders) < 2:
        found = f"only {names[0]}" if names else "none"
        raise SelectionError(
            f"studies: a fusion needs two models or more, found {found}; add a study or a model"
        )
    given = [("target", wishes.target)] if wishes.target is not None else []
    for field, name in [*given, *(("sources", name) for name in wishes.sources or ())]:
        if name not in names:
            near = get_close_matches(str(name), names, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise SelectionError(f"{field}: no row is called {name!r}; {hint}rows: {', '.join(names)}")
