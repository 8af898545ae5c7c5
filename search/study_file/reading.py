"""From a YAML file to a checked section: what is wrong in it is told with file, line, field and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from merging.methods.registry import nearest
from search.errors import SpecError
from search.study_file.search_space import MORE, Section
from search.study_file.yaml_source import Location, line_of, load_yaml

File = TypeVar("File", bound=Section)


@dataclass(frozen=True)
class Form(Generic[File]):
    """A kind of file: what it is called, its top section, and those within by the field that holds them."""

    kind: str
    top: type[File]
    sections: Mapping[str, type[BaseModel]]
    branches: tuple[str, ...] = ()
    """What pydantic calls the forms of a field that has several; no key of the file."""


def read_file(path: Path, form: Form[File]) -> File:
    """Read and check a file of this form; its `folder` becomes the one that it lies in.

    Raises:
        SpecError: with file, line, field and remedy.
    """
    data, lines = load_yaml(path, form.kind)
    if not isinstance(data, dict):
        found = type(data).__name__
        raise SpecError(f"{path}:1: a {form.kind} file is a mapping that starts with `name:`; found {found}")
    if "folder" in data:
        raise SpecError(f"{path}:{lines[('folder',)]}: folder: unknown field")
    try:
        return form.top.model_validate({**data, "folder": path.resolve().parent})
    except ValidationError as error:
        raise SpecError(_describe(_telling(error.errors()), path, lines, form)) from error


def _telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """The error to show: a misspelt field explains the missing one, so it goes first."""
    return next((error for error in errors if error["type"] == "extra_forbidden"), errors[0])


def _describe(error: ErrorDetails, path: Path, lines: dict[Location, int], form: Form[Any]) -> str:
    location: Location = tuple(part for part in error["loc"] if not _is_union_branch(part, form.branches))
    if error["type"] == "at_field":
        location = (*location, error["ctx"]["field"])
    field = ".".join(str(part) for part in location) or f"the {form.kind}"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        known = _fields_at(location[:-1], form)
        message = f"unknown field{nearest(str(location[-1]), known)}; known here: {', '.join(known)}"
    elif error["type"] == "missing":
        message = "is missing; add it"
    elif error["type"] == "literal_error":
        choices = error.get("ctx", {}).get("expected", "")
        guess = nearest(
            str(error["input"]), [word.strip("'") for word in choices.replace(" or ", ", ").split(", ")]
        )
        message = f"must be {choices}; found {error['input']!r}{guess}"
    elif error["type"] not in ("value_error", "at_field"):
        message = f"{message[0].lower()}{message[1:]}; found {error['input']!r}"
    return f"{path}:{line_of(location, lines)}: {field}: {message}"


def _is_union_branch(part: str | int, branches: tuple[str, ...]) -> bool:
    """Pydantic names the branch of a union in the location; a file has no such key."""
    return isinstance(part, str) and (
        part.startswith(("constrained-", "literal[", "function-")) or part in ("int", "float", *branches)
    )


def _fields_at(location: Location, form: Form[Any]) -> list[str]:
    """The fields that the section at `location` has, as the file spells them."""
    section: type[BaseModel] = form.top
    for part in location:
        if isinstance(part, str):
            section = form.sections[part]
    names = [info.alias or name for name, info in section.model_fields.items() if not info.exclude]
    return sorted(names, key=MORE.__contains__)  # what every study may say first
