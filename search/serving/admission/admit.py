"""A submitted study file: checked, and laid where its paths mean what they say.

Paths of a submitted study are as seen from the service's model folders. What a study's slices say is part of
its identity, so paths are not rewritten: the file gets a folder of its own, with a symlink for each of them.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from merging.models.naming import is_hub_id
from search.errors import SpecError
from search.serving.admission.model_folders import ModelFolders
from search.serving.admission.study_text import check_text
from search.serving.discretion import Discretion
from search.serving.refusals import Refused
from search.study_file.spec import DataSpec, StudySpec, load_study

STUDY_FILE = "study.yaml"
_NAME = re.compile(r"[^\W_]([\w .+-]{0,94}[\w+-])?")
"""What fits into a URL, a table and a terminal."""


@dataclass(frozen=True)
class Rules:
    """What a submitted study may read."""

    models: ModelFolders
    allow_hub: bool = False


@dataclass(frozen=True)
class _Place:
    """A path of a study file, and the field that says it."""

    field: str
    said: str
    data: bool


def examine(body: bytes, rules: Rules) -> tuple[str, StudySpec]:
    """Check a study file that came over the network; return its text and what it says.

    Raises:
        Refused: as `check_text`; it is no sound study file, has a name that no URL can hold, or says a path
            outside the model folders or, unless that is allowed, something on the hub.
    """
    text = check_text(body)
    with tempfile.TemporaryDirectory(prefix="crucible-") as scratch:
        return text, lay_out(text, Path(scratch) / "study", rules)


def lay_out(text: str, folder: Path, rules: Rules) -> StudySpec:
    """Write a study file into a folder of its own, made anew, where its paths lead into the model folders.

    Raises:
        Refused: as `examine`.
    """
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    file = folder / STUDY_FILE
    file.write_text(text, encoding="utf-8", newline="")
    try:
        spec = load_study(file)
    except SpecError as error:
        raise Refused(400, _without(str(error), file)) from None
    _check_name(spec.name)
    for place in sorted(_places(spec), key=lambda each: len(Path(each.said).parts)):
        _lay(place, folder, rules)
    _check_hub_data(spec, rules)
    return spec


def _without(message: str, file: Path) -> str:
    return Discretion.about([file.parent])(message.replace(str(file), STUDY_FILE))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Refused(
            400,
            "study.yaml: name: takes up to 96 letters, digits, inner spaces and . _ + -, a letter or digit"
            " first; give another",
        )


def _places(spec: StudySpec) -> Iterator[_Place]:
    yield _Place("base_model", spec.base_model.model, data=False)
    for i, expert in enumerate(spec.experts):
        yield _Place(f"experts.{i}", expert.model, data=False)
    for i, part in enumerate(spec.slices):
        if isinstance(part.data, DataSpec):
            yield _Place(f"slices.{i}.data.train", part.data.train, data=True)
            yield _Place(f"slices.{i}.data.test", part.data.test, data=True)
        elif part.data is not None:
            yield _Place(f"slices.{i}.data", part.data, data=True)


def _lay(place: _Place, folder: Path, rules: Rules) -> None:
    """Make sure that a path of the file leads into the model folders, by a symlink where it is relative."""
    found = rules.models.find(place.said)
    if found is None:
        _check_hub_id(place, rules)
    elif found.is_file() != place.data:
        raise _refuse(place, "is a folder; name a file" if place.data else "is a file; name a model's folder")
    elif not Path(place.said).is_absolute():
        _link(place, folder, found)


def _link(place: _Place, folder: Path, found: Path) -> None:
    link = folder / place.said
    try:
        # An earlier link may lead on the way: what is missing beyond it would be made in a model's folder.
        if not link.exists() and link.parent.resolve().is_relative_to(folder.resolve()):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(found)
        lies = link.resolve() == found.resolve()
    except OSError:  # a part of it is a file
        lies = False
    if not lies:
        raise _refuse(place, "and another path lie in different model folders; give paths in one of them")


def _check_hub_id(place: _Place, rules: Rules) -> None:
    outside = "is not in one of the service's model folders; give a path as seen from there, without .. or ~"
    if place.data or ".." in Path(place.said).parts or not is_hub_id(place.said):
        raise _refuse(place, outside)
    if not rules.allow_hub:
        raise _refuse(place, f"{outside} (this service takes nothing from the hub: --allow-hub)")


def _check_hub_data(spec: StudySpec, rules: Rules) -> None:
    for i, part in enumerate(spec.slices):
        if part.data is None and not rules.allow_hub:
            raise Refused(
                400,
                f"study.yaml: slices.{i}.data: is missing; this service takes nothing from the hub"
                " (--allow-hub), name a file of items",
            )


def _refuse(place: _Place, what: str) -> Refused:
    said = place.said if len(place.said) <= 100 else f"{place.said[:99]}…"
    return Refused(400, f"study.yaml: {place.field}: {said!r} {what}")
