"""The models of a zoo as they are named on the command line: located, told apart, opened."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from merging.errors import CheckpointError
from merging.family.prepare import open_model
from merging.models.checkpoint import ADAPTER_CONFIG, is_adapter, read_json
from merging.models.naming import is_local
from merging.zoo.members import Lora, Member
from search.candidates.inputs import is_folder, split
from search.candidates.models import Found, find
from search.errors import SearchError
from search.study_file.models import ModelSpec

_COPY = "copy the adapter's config there"


@dataclass(frozen=True)
class Given:
    """One model or adapter of a zoo."""

    name: str
    """As tables call it: no other of the zoo has it."""
    found: Found
    of: str | None = None
    """For an adapter given as MODEL+ADAPTER: the model's place, as `_place` says it."""

    @property
    def is_adapter(self) -> bool:
        """Whether it is a LoRA adapter."""
        return is_adapter(self.found.folder)

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of the user's, and no copy of a hub model."""
        return is_local(self.found.name, self.found.relative_to)

    @property
    def model(self) -> str:
        """Where it is: a folder by its absolute path, a hub model by its id."""
        return _place(self.found)


def gather(names: Sequence[str], here: Path, allow_pickle: bool = False) -> list[Given]:
    """Locate all models of a zoo, in the order of their names, which do not depend on the order given.

    Raises:
        SearchError: none is given, or one twice. CheckpointError: one is not there.
    """
    found: dict[str, Given] = {}
    explicit: dict[str, str] = {}
    for name in names:
        for given in _read(name, here, allow_pickle):
            place = given.model
            if given.found.name == name or given.of is not None:
                if place in explicit:
                    raise SearchError(
                        f"{name!r} is the same folder as {explicit[place]!r}, given before; leave one of"
                        " them out"
                    )
                explicit[place] = name
            found[place] = given if given.of is not None else found.get(place, given)
    return _named(list(found.values()))


def opened(given: Sequence[Given], allow_pickle: bool = False) -> tuple[list[Member], list[Lora]]:
    """Whole models opened and adapters still to be applied, with what their configs say of their origin.

    Raises:
        CheckpointError, OutputError: one cannot be read or made ready.
    """
    whole, adapters = [], []
    for each in given:
        if each.is_adapter:
            config = read_json(each.found.folder / ADAPTER_CONFIG, _COPY)
            said = _said(each, config, "base_model_name_or_path")
            told = next((other.name for other in given if other.model == each.of), None)
            of = told or _match(said, each, given)
            adapters.append(Lora(each.name, each.found.folder, of, said, told is not None))
        else:
            model = open_model(each.found.folder, allow_pickle=allow_pickle)
            said = _said(each, model.config, "_name_or_path")
            whole.append(Member(each.name, model, _match(said, each, given), said))
    if not whole:
        raise CheckpointError(
            f"{adapters[0].folder}: is an adapter, and no whole model is given; give its model, too, or write"
            " MODEL+ADAPTER"
        )
    return whole, adapters


def _read(name: str, here: Path, allow_pickle: bool) -> list[Given]:
    """One model, or a model and the adapter that changes it."""
    model, adapter = split(name, lambda part: is_folder(part, here))
    found = find(model, here, allow_pickle)
    if adapter is None:
        return [Given("", found)]
    if is_adapter(found.folder):
        raise SearchError(f"{name!r}: {found.folder} is an adapter itself; name a whole model before the +")
    own = find(adapter, here, allow_pickle)
    if not is_adapter(own.folder):
        raise SearchError(f"{name!r}: {own.folder} is no LoRA adapter; give it without the +")
    return [Given("", found), Given("", own, of=_place(found))]


def _place(found: Found) -> str:
    return str(found.folder) if is_local(found.name, found.relative_to) else found.name


def _said(given: Given, config: Mapping[str, object], field: str) -> str | None:
    """What a config says that a model was made from; not itself, as configs of bases do."""
    said = config.get(field)
    itself = isinstance(said, str) and Path(said).name == Path(given.found.name.partition("@")[0]).name
    return said if isinstance(said, str) and said and not itself else None


def _match(said: str | None, own: Given, given: Sequence[Given]) -> str | None:
    """The given model that a config names: by its id or folder, else by the last part of these."""
    if said is None:
        return None
    others = [each for each in given if each is not own and not each.is_adapter]
    tests: list[Callable[[Given], bool]] = [
        lambda each: said in (each.found.name, each.model) or _is_same(said, each, own),
        lambda each: Path(said).name == Path(each.found.name.partition("@")[0]).name,
    ]
    for test in tests:
        matches = [each.name for each in others if test(each)]
        if len(matches) == 1:
            return matches[0]
    return None


def _is_same(said: str, given: Given, own: Given) -> bool:
    """Whether a path that a config names leads to a given folder, from here or from the config's folder."""
    return any(
        is_folder(said, here) and (here / said).resolve() == given.found.folder.resolve()
        for here in (own.found.relative_to, own.found.folder)
    )


def _named(given: Sequence[Given]) -> list[Given]:
    """Each with a name of its own: the last part of its place, and as many parts before it as that takes."""
    parts = {each.model: _parts(each) for each in given}
    names = {model: part[-1] for model, part in parts.items()}
    for length in range(2, max(len(part) for part in parts.values()) + 1):
        taken = Counter(names.values())
        for model, part in parts.items():
            if taken[names[model]] > 1:
                names[model] = "-".join(part[-length:])
    for twice in [name for name, count in Counter(names.values()).items() if count > 1]:
        for number, model in enumerate(sorted(model for model in names if names[model] == twice), 1):
            names[model] = f"{twice}-{number}"
    return sorted((replace(each, name=names[each.model]) for each in given), key=lambda each: each.name)


def _parts(given: Given) -> list[str]:
    """The parts of its place that a name can be made of, the last as a study would call it."""
    model = given.model
    last = ModelSpec(model=model).called
    before = [part for part in Path(model).parts[:-1] if part != "/"]
    return [re.sub(r"[^\w.+-]+", "-", part) for part in (*before, last or "model")]
