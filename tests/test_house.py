"""The house stands as designed: who may import whom, what is heavy and where, how long things get."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]
ROOMS = ("search", "merging", "evaluators", "studies")
MAY_IMPORT = {
    "search": {"merging", "evaluators", "studies"},
    "merging": set(),
    "evaluators": set(),
    "studies": {"merging.recipe.recipe", "merging.errors", "evaluators.score", "evaluators.errors"},
}
HEAVY = {
    "optuna": {"search"},
    "sqlalchemy": {"studies"},
    "alembic": {"studies"},
    "vllm": {"evaluators"},
    "lm_eval": {"evaluators"},
    "math_verify": {"evaluators"},
    "torch": {"merging", "evaluators"},
    "transformers": {"merging", "evaluators"},
    "safetensors": {"merging", "evaluators"},
}
NEVER = ("mergekit",)


def sources(room: str) -> list[Path]:
    return sorted((REPO / room).rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_those_that_the_design_lets_it(room: str) -> None:
    strays = [
        f"{file.relative_to(REPO)} imports {name}"
        for file in sources(room)
        for name in imports(file)
        if name.split(".")[0] in ROOMS
        and name.split(".")[0] != room
        and not {name, name.split(".")[0]} & MAY_IMPORT[room]
    ]
    assert strays == []


@pytest.mark.parametrize("package", [*HEAVY, *NEVER])
def test_a_heavy_package_lives_in_its_room(package: str) -> None:
    homes = HEAVY.get(package, set())
    strays = [
        str(file.relative_to(REPO))
        for room in ROOMS
        if room not in homes
        for file in sources(room)
        if package in {name.split(".")[0] for name in imports(file)}
    ]
    assert strays == []


def test_files_and_functions_stay_readable() -> None:
    long = []
    for file in (file for room in ROOMS for file in sources(room)):
        text = file.read_text()
        if text.count("\n") > 400:
            long.append(str(file))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > 60:
                long.append(f"{file}:{node.lineno} {node.name}")
    assert long == []


def test_every_dependency_names_what_needs_it() -> None:
    text = (REPO / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"].values()
    for requirement in {*project["dependencies"], *(each for extra in extras for each in extra)}:
        for line in (line for line in text.splitlines() if f'"{requirement}"' in line):
            reason = line.partition("#")[2].strip()
            assert reason, f"{requirement}: no comment says which file needs it"
            absent = [name for name in re.findall(r"[\w/]+\.py", reason) if not (REPO / name).exists()]
            assert absent == [], f"{requirement}: {absent} are not there"
