"""lm-eval's task definitions, found by name without its TaskManager, whose index takes 7 to 20 s to build."""

from __future__ import annotations

import ast
import difflib
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evaluators.benchmarks.quiet import read_first

_NAME = rb"^[\"']?%s[\"']?: *[\"']?([\w.-]+)[\"']? *(?:#.*)?$"
_TASK, _GROUP = (re.compile(_NAME % kind, re.MULTILINE) for kind in (b"task", b"group"))


def task_files(pattern: str) -> Mapping[str, Path]:
    """The files below lm-eval's tasks folder that match a glob, by the names of the tasks they define."""
    found = ((_TASK.search(path.read_bytes()), path) for path in sorted(_tasks_dir().glob(pattern)))
    return {match[1].decode(): path for match, path in found if match}


def load_definition(file: Path, functions: bool) -> dict[str, Any]:
    """A task's YAML with includes merged.

    Without `functions` none of the Python beside the YAML is imported: it would not load offline. Of the
    functions that it names, only those that list few-shot examples or filter answers are taken out and kept.
    """
    from lm_eval.tasks._yaml_loader import load_yaml

    with read_first():
        config: dict[str, Any] = load_yaml(file, resolve_func=functions)
    examples = (config.get("fewshot_config") or {}).get("samples")
    if isinstance(examples, str):
        config["fewshot_config"] = {**config["fewshot_config"], "samples": _function_alone(examples)}
    if not functions and "filter_list" in config:
        config["filter_list"] = [_filters_alone(entry) for entry in config["filter_list"]]
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


def _filters_alone(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One of the task's filters, with the functions of its steps."""
    steps = [
        {**step, "filter_fn": _function_alone(step["filter_fn"])} if "filter_fn" in step else step
        for step in entry["filter"]
    ]
    return {**entry, "filter": steps}


def _function_alone(reference: str) -> Callable[..., Any]:
    """The function at `folder/module.name`, with the functions beside it and no more of its module."""
    module, _, name = reference.rpartition(".")
    tree = ast.parse(Path(f"{module}.py").read_text(encoding="utf-8"))
    kept = [node for node in tree.body if isinstance(node, ast.FunctionDef) or _standard(node)]
    scope: dict[str, Any] = {}
    exec(compile(ast.Module(kept, type_ignores=[]), f"{module}.py", "exec"), scope)
    function: Callable[..., Any] = scope[name]
    return function


def _standard(node: ast.stmt) -> bool:
    """Whether a statement imports from the standard library, and nothing else."""
    if isinstance(node, ast.ImportFrom):
        return node.module in sys.stdlib_module_names
    return isinstance(node, ast.Import) and all(each.name in sys.stdlib_module_names for each in node.names)
