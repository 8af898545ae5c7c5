"""YAML as plain data, without what YAML lets pass: keys said twice, and aliases that multiply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from merging.errors import RecipeError
from merging.shown import shown

_ROOM_FOR_ALIASES = 1_000_000
"""Entries that aliases may add to a file; a few lines can say billions."""


def parse_yaml(text: str, source: str) -> Mapping[str, Any]:
    """The mapping in a YAML text; raises RecipeError naming `source` and the line."""
    try:
        data = _read(text, source)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise RecipeError(
            f"{source}{line}: not YAML: {getattr(error, 'problem', None) or 'unreadable'}"
        ) from None
    except RecipeError:
        raise
    except (ValueError, RecursionError) as error:  # a date such as 2020-99-99, lists nested without end
        raise RecipeError(f"{source}: not a merge config: {error}") from None
    if not isinstance(data, Mapping):
        raise RecipeError(f"{source}: expected a mapping with fields, found {type(data).__name__}")
    return data


def expands(root: yaml.Node) -> bool:
    """Whether aliases make far more of a file than it says, so that its data is better not looked at."""
    sizes: dict[int, float] = {}

    def size(node: yaml.Node) -> float:
        if id(node) not in sizes:
            sizes[id(node)] = float("inf")  # what an alias inside of its own anchor finds
            sizes[id(node)] = 1.0 + sum(size(child) for child in _children(node))
        return sizes[id(node)]

    return size(root) > len(sizes) + _ROOM_FOR_ALIASES


def _read(text: str, source: str) -> Any:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if expands(node):
            raise RecipeError(f"{source}: aliases repeat too much of it; write out what they stand for")
        _check_keys(node, source)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _check_keys(root: yaml.Node, source: str) -> None:
    """Refuse a key that is said twice in one mapping: YAML lets the last one win."""
    seen, waiting = {id(root)}, [root]
    while waiting:
        node = waiting.pop()
        lines: dict[tuple[str, str], int] = {}
        for key in [key for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line, said = key.start_mark.line + 1, (key.tag, key.value)
            if said in lines:
                first = f"first on line {lines[said]}"
                raise RecipeError(f"{source}:{line}: {shown(key.value)} is said twice ({first}); keep one")
            lines[said] = line
        for child in _children(node):
            if id(child) not in seen:
                seen.add(id(child))
                waiting.append(child)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
