"""YAML that remembers its lines, so that an error can name the one to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from merging.recipe.yaml_text import expands
from search.errors import SpecError

Location = tuple[str | int, ...]


def load_yaml(path: Path, kind: str = "study") -> tuple[Any, dict[Location, int]]:
    """Read a YAML file as plain data, with the 1-based line of every key and list entry.

    `kind` is what the file should be, for errors.

    Raises:
        SpecError: the file is absent or unreadable, is not YAML, or says a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None and expands(node):
            raise SpecError(f"{path}: aliases repeat too much of it; write out what they stand for")
        data = yaml.safe_load(text)
    except SpecError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SpecError(f"{path}: cannot be read: {reason}") from error
    except yaml.YAMLError as error:
        raise SpecError(f"{path}{_where(error)}: not valid YAML: {_problem(error)}") from error
    except (ValueError, RecursionError) as error:  # a date such as 2020-99-99, an alias of itself
        raise SpecError(f"{path}: not a {kind}: {error}") from error
    lines: dict[Location, int] = {}
    if node is not None:
        _collect(node, (), lines, path)
    return data, lines


def line_of(location: Location, lines: dict[Location, int]) -> int:
    """The line of a location, or of the nearest enclosing one that the file has."""
    for end in range(len(location), -1, -1):
        if location[:end] in lines:
            return lines[location[:end]]
    return 1


def _collect(node: yaml.Node, at: Location, lines: dict[Location, int], path: Path) -> None:
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*at, key.value)
            line = key.start_mark.line + 1
            if place in lines:
                raise SpecError(
                    f"{path}:{line}: {key.value}: said twice (first on line {lines[place]}); keep one"
                )
            lines[place] = line
            _collect(value, place, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _collect(value, (*at, index), lines, path)


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark else ""


def _problem(error: yaml.YAMLError) -> str:
    return getattr(error, "problem", None) or " ".join(str(error).split())
