"""Writes these files with an earlier Crucible: what it said and stored, for the tests of later ones.

    git worktree add PREVIOUS 4fddff2
    PYTHONPATH=PREVIOUS python tests/search/previous/make.py

Only its command line is used. Models and items lie in `PLACE` meanwhile, a path that the stores then hold.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent
TINY = HERE.parents[2] / "examples" / "tiny"
PLACE = Path("/tmp/crucible-previous")
TRIALS = 3
EXPERTS = ("gsm8k", "math", "code")

_EACH = {"weight": (0.6, 0.3, 0.4), "density": (0.5, 0.4, 0.6), "gamma": (0.01,) * 3, "epsilon": (0.1,) * 3}
_WEIGHED, _CUT, _ONE = ("weight",), ("weight", "density"), ()
METHODS: dict[str, tuple[int, bool, tuple[str, ...], dict[str, object]]] = {
    "linear": (3, False, _WEIGHED, {"normalize": False}),
    "task_arithmetic": (3, True, _WEIGHED, {"lambda": 0.9}),
    "ties": (3, True, _CUT, {"normalize": True, "lambda": 1.1}),
    "dare_linear": (2, True, _CUT, {}),
    "dare_ties": (2, True, _CUT, {}),
    "della": (2, True, (*_CUT, "epsilon"), {}),
    "della_linear": (2, True, (*_CUT, "epsilon"), {}),
    "breadcrumbs": (2, True, (*_CUT, "gamma"), {}),
    "breadcrumbs_ties": (2, True, (*_CUT, "gamma"), {}),
    "slerp": (1, True, _ONE, {"t": [0.2, 0.8]}),
    "nuslerp": (2, True, _WEIGHED, {}),
    "multislerp": (3, True, _WEIGHED, {}),
    "karcher": (3, False, _ONE, {}),
    "model_stock": (2, True, _ONE, {}),
    "sce": (3, True, _ONE, {"select_topk": 0.5}),
    "nearswap": (1, True, _ONE, {"t": 0.001}),
    "arcee_fusion": (1, True, _ONE, {}),
    "passthrough": (1, False, _ONE, {}),
    "tsv": (2, True, _WEIGHED, {}),
    "iso_c": (2, True, _WEIGHED, {}),
}
"""Experts, whether there is a base, what each expert has, and what all have."""
STACKED = """merge_method: passthrough
slices:
  - sources: [{model: math, layer_range: [0, 3]}]
  - sources: [{model: code, layer_range: [1, 4]}]
dtype: bfloat16
"""


def config(method: str) -> str:
    """A config in mergekit's dialect, of models in the working directory."""
    count, base, each, shared = METHODS[method]
    own = [{name: _EACH[name][i] for name in each} for i in range(count)]
    data: dict[str, object] = {
        "merge_method": method,
        **({"base_model": "base"} if base else {}),
        "models": [{"model": EXPERTS[i], "parameters": own[i]} for i in range(count)],
        **({"parameters": shared} if shared else {}),
        "dtype": "bfloat16",
        "seed": 7,
    }
    return yaml.safe_dump(data, sort_keys=False)


def crucible(*arguments: object) -> str:
    """What the command prints, run in `PLACE`."""
    command = [sys.executable, "-m", "search", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=PLACE, stdout=subprocess.PIPE, text=True, check=True, env=_environment()
    )
    return done.stdout


def _environment() -> dict[str, str]:
    own = {"XDG_CACHE_HOME": str(PLACE / "cache"), "OMP_NUM_THREADS": "1", "COLUMNS": "1000"}
    return {**os.environ, **own}


def main() -> None:
    """Everything, from an empty folder."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    for name in ("base", *EXPERTS):
        shutil.copytree(TINY / name, PLACE / name)
    for name in EXPERTS:
        lines = (TINY / f"{name}.jsonl").read_text().splitlines(keepends=True)
        (PLACE / f"{name}.jsonl").write_text("".join(lines[:14]))
        shutil.copy(PLACE / f"{name}.jsonl", HERE)
    shutil.copy(HERE / "study.yaml", PLACE)
    _write("commands.json", commands())
    _write("recipes.json", recipes())
    _write("study.json", study())


def commands() -> dict[str, list[str]]:
    """Options by command."""
    listed = crucible("--help").partition("Commands:")[2]
    names = re.findall(r"^  ([a-z]+)  ", listed, re.MULTILINE)
    return {name: sorted(set(re.findall(r"--[a-z-]+", crucible(name, "--help")))) for name in names}


def recipes() -> dict[str, dict[str, str]]:
    """By method, a config, the recipe that it becomes, and its digest; and what `merge --json` prints."""
    found = {}
    for name in (*METHODS, "stacked", "compat"):
        text = STACKED if name == "stacked" else config("ties" if name == "compat" else name)
        (PLACE / "merge.yaml").write_text(text)
        options = ("--compat", "mergekit") if name == "compat" else ()
        said = json.loads(crucible("merge", "merge.yaml", f"out/{name}", "--json", *options))
        recipe = (PLACE / "out" / name / "crucible_recipe.yaml").read_text()
        found[name] = {"config": text, "recipe": recipe, "digest": said["digest"], "keys": sorted(said)}
    return found


def study() -> dict[str, object]:
    """A finished study, all that commands say of it, and what its next trial was."""
    url = ("--storage", "sqlite:///crucible.db")
    crucible("run", "study.yaml", *url)
    (HERE / "crucible.db.gz").write_bytes(gzip.compress((PLACE / "crucible.db").read_bytes(), mtime=0))
    told: dict[str, object] = {
        "leaderboard": json.loads(crucible("leaderboard", "previous", *url, "--json")),
        "status": json.loads(crucible("status", *url, "--json")),
        "items": json.loads(
            crucible("items", "previous", "--candidate", "base", "--slice", "gsm8k", *url, "--json")
        ),
        "exports": {
            form: _exported(form, file, url)
            for form, file in (("recipe", "recipe.yaml"), ("mergekit", "merge.yaml"))
        },
    }
    crucible("run", "study.yaml", "--trials", TRIALS + 1, *url)
    rows = json.loads(crucible("leaderboard", "previous", *url, "--json"))
    return {**told, "next": [row for row in rows if row["trial"] == TRIALS]}


def _exported(form: str, file: str, url: tuple[str, str]) -> str:
    crucible("export", "previous", "--trial", 1, "--format", form, "--out", f"exported/{form}", *url)
    return (PLACE / "exported" / form / file).read_text()


def _write(name: str, data: object) -> None:
    (HERE / name).write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()
