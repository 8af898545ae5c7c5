"""A merge, layer by layer: what each expert contributes where, and how that differs from a uniform merge."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy import select

from merging.recipe import LayerGroup, ModelRef, Parameters, Recipe, Rule
from studies.errors import StudyNotFound
from studies.store import StudyStore
from studies.store.connect import reading
from studies.store.identity import JSON
from studies.store.patience import patient
from studies.store.rows import CandidateKind, CandidateState, ModelSubject
from studies.store.schema import subjects
from studies.views.entries import entries_of, study_name
from studies.views.scored import pick
from studies.views.settings import HeatMap, maps_of, shared_of

OUTER = "outer"
ALL, REST = "all", "rest"


@dataclass(frozen=True)
class Place:
    """A part of the merged model that has numbers of its own."""

    label: str
    """`layers 0–7`, `layer 3`, or `outer` for embeddings, final norm and head."""
    start: int | None
    """First layer; None for what lies in no layer."""
    stop: int | None
    module: str
    """`all`, or the part of a layer that its names contain; `rest` for what no module names."""
    origins: tuple[str, ...] = ()
    """Along a layer path: whose layers these are, as `math: layers 4–7`."""


@dataclass(frozen=True)
class MergeView:
    """One candidate's recipe as a person reads it."""

    name: str
    kind: CandidateKind
    trial: int | None
    digest: str
    state: CandidateState
    method: str
    base: str
    experts: tuple[str, ...]
    places: tuple[Place, ...]
    maps: tuple[HeatMap, ...]
    """`weight` and `density` as far as the method reads them, then others that are not alike everywhere."""
    coefficients: HeatMap | None
    """What each expert counts: weight times lambda, divided by the sum of weights where these are
    normalized. None along a layer path, and for a method without weights."""
    uniform: float
    """What each expert counts in the uniform merge: one over their number."""
    shared: Mapping[str, str]
    """Parameters that are alike everywhere, as text: lambda, normalize, seed and the like."""
    stacked: bool
    """Whether it is a layer path."""
    recipe: Recipe

    @property
    def difference(self) -> HeatMap | None:
        """Coefficients less the uniform merge's."""
        if self.coefficients is None:
            return None
        values = tuple(
            tuple(None if value is None else value - self.uniform for value in row)
            for row in self.coefficients.values
        )
        return HeatMap("difference from uniform", self.experts, values)


def merge_view(store: StudyStore, study: int, name: str) -> MergeView:
    """The merge of a candidate by its name, or of a trial by its number.

    Raises StudyNotFound, too for a model that is no merge.
    """
    called = study_name(store, study)
    entry = pick(entries_of(store, study), name, called)
    recipe = store.subject(entry.digest)
    if isinstance(recipe, ModelSubject):
        raise StudyNotFound(f"{entry.name} of study {called!r} is a model and no merge: it has no recipe")
    experts = expert_names(store.identity(study), recipe)
    rules = _places(recipe, experts)
    parameters = [rule.parameters for _, _, rule in rules]
    present = [_present(group, len(experts)) for _, group, _ in rules]
    return MergeView(
        name=entry.name,
        kind=entry.kind,
        trial=entry.trial,
        digest=entry.digest,
        state=entry.state,
        method=recipe.method,
        base=_last(recipe.base),
        experts=experts,
        places=tuple(place for place, _, _ in rules),
        maps=maps_of(recipe.reads, experts, parameters, present),
        coefficients=_coefficients(recipe, experts, parameters),
        uniform=1 / len(experts),
        shared=shared_of(recipe, parameters),
        stacked=recipe.stacked,
        recipe=recipe,
    )


@patient
def merges_among(store: StudyStore, digests: Collection[str]) -> frozenset[str]:
    """Those of the digests that are recipes', and not of models as they are."""
    which = (subjects.c.kind == "recipe", subjects.c.digest.in_(list(digests)))
    with reading(store.engine) as connection:
        return frozenset(connection.execute(select(subjects.c.digest).where(*which)).scalars())


def expert_names(identity: Mapping[str, JSON], recipe: Recipe) -> tuple[str, ...]:
    """What a study of this identity calls the recipe's experts; else the last parts of their paths."""
    models = identity.get("models")
    # The base first, then the experts in the order in which every recipe of the study has them.
    known = list(models)[1:] if isinstance(models, Mapping) else []
    if len(known) == len(recipe.experts):
        return tuple(known)
    names = [_last(each) for each in recipe.experts]
    return tuple(f"{name} ({i})" if names.count(name) > 1 else name for i, name in enumerate(names, 1))


def between(a: MergeView, b: MergeView) -> Sequence[str]:
    """In what two merges differ beside their numbers, one sentence each."""
    said = []
    if a.digest == b.digest:
        return [f"{a.name} and {b.name} are the same merge."]
    if a.method != b.method:
        said.append(f"{a.name} is made by {a.method}, {b.name} by {b.method}.")
    names = {*a.shared, *b.shared} if a.method == b.method else {*a.shared} & {*b.shared}
    for name in sorted(names):
        one, other = a.shared.get(name, "varies"), b.shared.get(name, "varies")
        if one != other:
            said.append(f"{name}: {one} in {a.name}, {other} in {b.name}.")
    if [place.label for place in a.places] != [place.label for place in b.places]:
        said.append("Their layers are parted in different ways, so rows do not stand side by side.")
    return said


def _places(recipe: Recipe, experts: Sequence[str]) -> list[tuple[Place, LayerGroup | None, Rule]]:
    found: list[tuple[Place, LayerGroup | None, Rule]] = []
    for group in recipe.layers:
        label = layers_label(group.start, group.stop)
        origins = _origins(group, experts)
        for rule in group.rules:
            place = Place(label, group.start, group.stop, _module(rule, group.rules), origins)
            found.append((place, group, rule))
    for rule in recipe.outer:
        found.append((Place(OUTER, None, None, _module(rule, recipe.outer)), None, rule))
    return found


def layers_label(start: int, stop: int) -> str:
    """`layers 0–7`, or `layer 3` for a single one."""
    return f"layers {start}–{stop - 1}" if stop - start > 1 else f"layer {start}"


def _module(rule: Rule, rules: Sequence[Rule]) -> str:
    if rule.match:
        return " ".join(rule.match)
    return ALL if len(rules) == 1 else REST


def _origins(group: LayerGroup, experts: Sequence[str]) -> tuple[str, ...]:
    if not group.origins:
        return ()
    length = group.stop - group.start
    return tuple(
        f"{name}: {layers_label(origin, origin + length)}"
        for name, origin in zip(("the base", *experts), group.origins, strict=True)
        if origin is not None
    )


def _present(group: LayerGroup | None, experts: int) -> tuple[bool, ...]:
    return tuple(group is None or group.takes_part(i + 1) for i in range(experts))


def _coefficients(
    recipe: Recipe, experts: tuple[str, ...], parameters: Sequence[Parameters]
) -> HeatMap | None:
    if recipe.stacked or "weight" not in recipe.reads:
        return None
    return HeatMap("coefficient", experts, tuple(_counts(recipe.reads, each) for each in parameters))


def _counts(read: Sequence[str], parameters: Parameters) -> tuple[float | None, ...]:
    scale = parameters.lambda_ if "lambda" in read else 1.0
    if "normalize" not in read or not parameters.normalize:
        return tuple(weight * scale for weight in parameters.weight)
    total = sum(parameters.weight)
    return tuple(weight * scale / total if total else None for weight in parameters.weight)


def _last(model: ModelRef) -> str:
    return PurePosixPath(model.path).name or model.path
