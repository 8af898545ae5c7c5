"""The models of a study: where each is, and what leaderboards, parameters and exports call it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import field_validator, model_validator

from merging.shown import shown
from search.study_file.search_space import Section, wrong_at

BASE, UNIFORM = "base", "uniform"
BASELINES = (BASE, UNIFORM)
"""Names that leaderboards give to what is no expert."""
VOCABULARIES = ("base", "union")
"""What `tokenizer_source` may be beside a model's name."""

_LONGEST = 96
"""Characters of a name, as on the hub; Optuna's tables have room for 512 with the place before it."""
_NAME = re.compile(r"[^\W_]([\w .+-]*[\w.+-])?")
"""What parameters, YAML, tables and files can all be called."""
_TRIAL = re.compile(r"(trial )?\d+")
_REMEDY = "{{name: …, model: {}}}"


class ModelSpec(Section):
    """A model: a path or hub id alone, or with a name, as `{name: math, model: ../run2/checkpoint-500}`."""

    name: str | None = None
    model: str

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"model": given}
        if not isinstance(given, dict | ModelSpec):
            raise ValueError(f"must be a path, a hub id, or {_REMEDY.format('…')}; found {shown(given)}")
        return given

    @field_validator("name", mode="before")
    @classmethod
    def _sayable(cls, name: Any) -> str:
        if not isinstance(name, str):
            raise ValueError(f"must be text, in quotes where YAML reads something else; found {shown(name)}")
        if wrong := _wrong_with(name):
            raise ValueError(f"{wrong}; found {shown(name)}")
        return name

    @model_validator(mode="after")
    def _somewhere(self) -> ModelSpec:
        if not self.model.strip():
            raise ValueError("says no model; give a path or a hub id")
        return self

    @property
    def called(self) -> str:
        """Its name, else the last part of its path or hub id."""
        return self.name or Path(self.model).name.split("@")[0]


def check_names(base: ModelSpec, experts: Sequence[ModelSpec], modules: Sequence[str]) -> None:
    """Every expert needs a name that nothing else has; raises the error of a field, with the remedy."""
    taken = {"", "..", *BASELINES, base.name or BASE}
    for i, expert in enumerate(experts):
        before = {other.called: other.model for other in reversed(experts[:i])}
        name, named = expert.called, _REMEDY.format(shown(expert.model))
        if expert.model in before.values():
            raise wrong_at("experts", f"{shown(expert.model)} is given twice; leave one out")
        if name in before:
            both = f"{shown(before[name])} and {shown(expert.model)}"
            raise wrong_at(
                "experts", f"{shown(name)} is named twice ({both}); give each a name of its own: {named}"
            )
        if name in taken:
            raise wrong_at(
                "experts", f"an expert cannot be called {shown(name)}; give it a name of its own: {named}"
            )
    _check_parameters(experts, modules)


def _check_parameters(experts: Sequence[ModelSpec], modules: Sequence[str]) -> None:
    """Module `mlp` of expert `up.a` and module `mlp.up` of expert `a` would be one parameter."""
    ends = [f"{module}.{expert.called}" for module in modules for expert in experts]
    if any(expert.name for expert in experts) and len(set(ends)) < len(ends):
        twice = next(end for end in ends if ends.count(end) > 1)
        raise wrong_at(
            "experts", f"two parameters would be called {shown(twice)}; give names without a module's"
        )


def _wrong_with(name: str) -> str | None:
    """What speaks against a name, and what to do."""
    if not name.strip():
        return "is empty; give a name such as math"
    if len(name) > _LONGEST:
        return f"has {len(name)} characters; give at most {_LONGEST}"
    if not _NAME.fullmatch(name):
        return "takes letters, digits, inner spaces and . _ + - after a first letter or digit; give another"
    if _TRIAL.fullmatch(name):
        return "stands for a trial; give another"
    if name in (UNIFORM, *VOCABULARIES[1:]):
        return "means something else in a study; give another"
    return None
