"""The house stands as designed: who may import whom, what is heavy and where, how long things get.

`docs/architecture.md` is the map that this file holds true.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import quantiles

import pytest

REPO = Path(__file__).parents[1]
ROOMS = ("search", "merging", "evaluators", "studies")
MAY_IMPORT = {
    "search": {"merging", "evaluators", "studies"},
    "merging": set(),
    "evaluators": set(),
    "studies": {"merging.recipe", "merging.errors", "evaluators.score", "evaluators.errors"},
}
FLOORS: dict[str, dict[str, set[str]]] = {
    "merging": {
        "methods": set(),
        "recipe": {"methods"},
        "models": set(),
        "family": {"models"},
        "statistics": {"methods", "models"},
        "zoo": {"models", "family"},
        "fusion": {"models"},
        "mergekit": {"recipe", "methods", "models"},
        "worker": {"recipe", "methods", "models", "statistics", "mergekit"},
    },
    "evaluators": {
        "engines": set(),
        "sandbox": set(),
        "benchmarks": {"engines", "sandbox"},
    },
    "search": {
        "study_file": set(),
        "proposals": {"study_file"},
        "racing": set(),
        "candidates": set(),
        "showing": {"study_file"},
        "running": {"study_file", "proposals", "racing", "candidates", "showing"},
        "signals": {"study_file", "showing", "running"},
        "working": {"study_file", "proposals", "candidates", "showing", "running", "signals"},
        "fusing": {"study_file", "candidates", "showing", "running", "working"},
        "serving": {"study_file", "showing", "signals", "working"},
        "exporting": {"study_file", "candidates", "running"},
        "commands": {
            "study_file",
            "candidates",
            "showing",
            "running",
            "signals",
            "working",
            "fusing",
            "serving",
            "exporting",
        },
    },
    "studies": {
        "store": set(),
        "trials": {"store"},
        "workers": {"store"},
        "objectives": {"store"},
        "verdicts": {"store", "objectives"},
        "selection": {"store", "verdicts"},
        "views": {"store", "trials", "workers", "objectives", "verdicts", "selection"},
        "dashboard": {"store", "workers", "verdicts", "views", "objectives"},
        "report": {"store", "trials", "objectives", "verdicts", "views"},
        "frames": {"store", "trials", "objectives", "verdicts", "views"},
    },
}
"""What each floor may import of its own room, beside what lies on the ground."""
GROUND = {
    "merging": {"errors", "shown", "layout"},
    "evaluators": {"errors", "score"},
    "search": {"errors"},
    "studies": {"errors"},
}
"""Modules beside the floors that every floor may import; the others there stand on top."""
MOST_FILES = 16
HEAVY = {
    "optuna": {"search"},
    "ray": {"search"},
    "matplotlib": {"studies"},
    "sqlalchemy": {"studies"},
    "pandas": {"studies"},
    "alembic": {"studies"},
    "fastapi": {"search"},
    "httpx": {"search"},
    "prometheus_client": {"search"},
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
    """Every module that a file imports, for types alone too; a name is taken for a module where it is one."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name if is_module(name) else node.module for name in names)


def is_module(name: str) -> bool:
    place = REPO / name.replace(".", "/")
    return name.split(".")[0] in ROOMS and (place.with_suffix(".py").is_file() or place.is_dir())


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(REPO).with_suffix("").parts).removesuffix(".__init__")


def floor_of(name: str) -> str:
    """The folder of a room that a module lies in, or its own name where it lies beside the floors."""
    return name.split(".")[1] if "." in name else ""


def folders(room: str) -> list[Path]:
    return sorted({file.parent for file in sources(room) if "migrations" not in file.parts})


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_those_that_the_design_lets_it(room: str) -> None:
    strays = [
        f"{file.relative_to(REPO)} imports {name}"
        for file in sources(room)
        for name in imports(file)
        if name.split(".")[0] in ROOMS
        and name.split(".")[0] != room
        and not any(name == door or name.startswith(f"{door}.") for door in MAY_IMPORT[room])
    ]
    assert strays == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_floor_imports_only_those_below_it(room: str) -> None:
    floors = FLOORS[room]
    assert {folder.name for folder in folders(room) if folder.parent.name == room} == set(floors)
    strays = [
        f"{file.relative_to(REPO)} imports {name}"
        for file in sources(room)
        if (own := floor_of(module_of(file))) in floors
        for name in imports(file)
        if name.split(".")[0] == room and floor_of(name) not in {"", own, *GROUND[room], *floors[own]}
    ]
    assert strays == []


def test_no_floor_or_module_imports_itself_in_a_circle() -> None:
    modules = {module_of(file): set(imports(file)) for room in ROOMS for file in sources(room)}
    floors = {
        f"{room}.{name}": {f"{room}.{f}" for f in of} for room in ROOMS for name, of in FLOORS[room].items()
    }
    for graph in (modules, floors):
        TopologicalSorter({name: needed - {name} for name, needed in graph.items()}).prepare()


def test_a_folder_stays_small_enough_to_look_over() -> None:
    crowded = {
        str(folder.relative_to(REPO)): count
        for room in ROOMS
        for folder in folders(room)
        if (count := len(list(folder.glob("*.py")))) > MOST_FILES
    }
    assert crowded == {}


def test_every_floor_says_what_lives_there_and_the_map_names_it() -> None:
    map_ = (REPO / "docs" / "architecture.md").read_text()
    for room in ROOMS:
        for folder in folders(room):
            assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text())), (
                f"{folder}: no docstring"
            )
            assert f"{folder.relative_to(REPO)}/" in map_, f"docs/architecture.md does not name {folder}"


def test_the_picture_shows_the_floors_and_their_arrows() -> None:
    picture = (REPO / "docs" / "architecture.md").read_text().partition("```mermaid")[2].partition("```")[0]
    shown = dict(re.findall(r"(\w_\w+)\[(\w+)\]", picture))
    arrows = {
        source: set(targets.split(" & "))
        for source, targets in re.findall(r"^\s*(\w_\w+) --> (.+)$", picture, flags=re.MULTILINE)
    }
    for room in ROOMS:
        key = {"studies": "t"}.get(room, room[0])
        assert {name for short, name in shown.items() if short[0] == key} == set(FLOORS[room])
        drawn = {name: arrows.get(f"{key}_{name}", set()) for name in FLOORS[room]}
        assert drawn == {name: {f"{key}_{each}" for each in below} for name, below in FLOORS[room].items()}


def test_the_map_names_only_what_is_there() -> None:
    map_ = (REPO / "docs" / "architecture.md").read_text()
    named = re.findall(rf"`((?:{'|'.join(ROOMS)}|tests|benchmarks|examples|docs)/[\w/.-]*)`", map_)
    assert named
    assert [name for name in named if not (REPO / name).exists()] == []


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
    long, lengths = [], []
    for file in (file for room in ROOMS for file in sources(room)):
        text = file.read_text()
        if text.count("\n") > 400:
            long.append(str(file))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                lengths.append((node.end_lineno or 0) - node.lineno + 1)
                if lengths[-1] > 60:
                    long.append(f"{file}:{node.lineno} {node.name}")
    assert long == []
    assert quantiles(lengths, n=10)[-1] <= 20, "nine functions of ten are of 20 lines or fewer"


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
