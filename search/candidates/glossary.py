"""What a study calls its models, for files that only say where they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from merging.recipe import Recipe
from merging.recipe.rules import place_of

BASE = "base"
"""What a study calls a base without a name, wherever it is."""


def glossary(recipe: Recipe, names: Mapping[str, str]) -> str:
    """Comment lines for a YAML file: what the recipe's models are called, and where each is.

    Empty where every place says the name already, as it does in studies that give no names.
    """
    refs = [ref for ref in (recipe.base, *recipe.experts) if ref.fingerprint in names]
    said = {names[ref.fingerprint]: place_of(ref) for ref in refs}
    if all(name in (BASE, Path(place).name.partition("@")[0]) for name, place in said.items()):
        return ""
    lines = yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=1000).splitlines()
    return "\n".join(("# What the study calls its models:", *(f"#   {line}" for line in lines), ""))
