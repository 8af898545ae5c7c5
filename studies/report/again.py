"""How to make a study again: its file, the versions, the commands."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

from merging.recipe import ModelRef, Recipe
from merging.recipe.rules import place_of
from studies.store.identity import JSON
from studies.verdicts.leaderboard import Row

PACKAGES = ("crucible", "torch", "transformers", "lm-eval", "optuna", "vllm")
"""Whose versions can change what is measured, as far as they are installed."""


@dataclass(frozen=True)
class Again:
    """What somebody needs who wants to see the same."""

    study_file: str | None
    """As YAML; None for a fusion, and before the models' places are known."""
    versions: tuple[tuple[str, str], ...]
    """Of what made the report, by name: a store keeps none."""
    commands: tuple[str, ...]


def again(
    study: str,
    storage: str,
    identity: Mapping[str, JSON],
    uniform: Recipe | None,
    experts: list[str],
    chosen: Row | None,
    *,
    fusion: bool,
) -> Again:
    """How to repeat a study; `uniform` is a merge of all of its models, `experts` what it calls these."""
    file = None if uniform is None else study_file(identity, uniform, experts)
    return Again(file, versions(), commands(study, storage, chosen, fusion=fusion))


def study_file(identity: Mapping[str, JSON], uniform: Recipe, experts: list[str]) -> str | None:
    """The study's file, written anew from what the study was when it began; None where that isn't known."""
    said = identity.get("study")
    if not isinstance(said, Mapping) or len(experts) != len(uniform.experts):
        return None
    models = identity.get("models")
    base = next(iter(models)) if isinstance(models, Mapping) and models else "base"
    named = zip(experts, uniform.experts, strict=True)
    written: dict[str, JSON] = {
        "name": said.get("name"),
        "base_model": place_of(uniform.base) if base == "base" else _model(base, uniform.base),
        "experts": [_model(name, ref) for name, ref in named],
    }
    if uniform.allow_pickle:
        written["allow_pickle"] = True
    written |= {name: value for name, value in said.items() if name not in written}
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)


def _model(name: str, ref: ModelRef) -> JSON:
    place = place_of(ref)
    return place if Path(ref.path).name == name else {"name": name, "model": place}


def versions() -> tuple[tuple[str, str], ...]:
    """Python's version, and those of the packages that are installed."""
    found = [("python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(found)


def commands(study: str, storage: str, chosen: Row | None, *, fusion: bool) -> tuple[str, ...]:
    """What to type, from the search to the merged model."""
    name, store = shlex.quote(study), f"--storage {shlex.quote(storage)}"
    first = "fuse FUSION.yaml" if fusion else "run study.yaml"
    found = [f"crucible {first} {store}", f"crucible leaderboard {name} {store}"]
    if chosen is not None:
        which = "" if chosen.trial is None else f" --trial {chosen.trial}"
        which = which or f" --candidate {shlex.quote(chosen.name)}"
        found.append(f"crucible export {name}{which} --format checkpoint --out OUT_DIR {store}")
    return (*found, f"crucible report {name} --out report.html {store}")
