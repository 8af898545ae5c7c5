"""lm-eval's task definitions, found by name without its TaskManager, whose index takes 7 to 20 s to build."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_NAME = rb"^[\"']?%s[\"']?: *[\"']?([\w.-]+)[\"']? *(?:#.*)?$"
_TASK, _GROUP = (re.compile(_NAME % kind, re.MULTILINE) for kind in (b"task", b"group"))


def task_files(pattern: str) -> Mapping[str, Path]:
    """The files below lm-eval's tasks folder that match a glob, by the names of the tasks they define."""
    found = ((_TASK.search(path.read_bytes()), path) for path in sorted(_tasks_dir().glob(pattern)))
    return {match[1].decode(): path for match, path in found if match}


def load_definition(file: Path, functions: bool) -> dict[str, Any]:
    """A task's YAML with includes merged.

    Without `functions` none of the Python beside the YAML is imported: it would not load offline. Of the
    functions that it names, only the one that lists few-shot examples is taken out and kept.
    """
    from lm_eval.tasks._yaml_loader import load_yaml

    config: dict[str, Any] = load_yaml(file, resolve_func=functions)
    examples = (config.get("fewshot_config") or {}).get("samples")
    if isinstance(examples, str):
        config["fewshot_config"] = {**config["fewshot_config"], "samples": _function_alone(examples)}
    return config


@cache
def lm_eval_names() -> tuple[frozenset[str], frozenset[str]]:
    """The names of lm-eval's tasks and of its groups, by the lines of 14,000 files: under 1 s."""
    texts = [path.read_bytes() for path in _tasks_dir().rglob("*.yaml")]
    return _names(_TASK, texts), _names(_GROUP, texts)


def nearest_names(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that `name` may be a misspelling of, the nearest first."""
    return difflib.get_close_matches(name, list(dict.fromkeys(known)), n=3)


def _names(line: re.Pattern[bytes], texts: Iterable[bytes]) -> frozenset[str]:
    return frozenset(match[1].decode() for match in map(line.search, texts) if match)


@cache
def _tasks_dir() -> Path:
    spec = find_spec("lm_eval")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], "tasks")


def _function_alone(reference: str) -> Callable[[], Any]:
    """The function at `folder/module.name`, compiled without the rest of its module."""
    module, _, name = reference.rpartition(".")
    tree = ast.parse(Path(f"{module}.py").read_text(encoding="utf-8"))
    own: list[ast.stmt] = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    scope: dict[str, Any] = {}
    exec(compile(ast.Module(own, type_ignores=[]), f"{module}.py", "exec"), scope)
    function: Callable[[], Any] = scope[name]
    return function
