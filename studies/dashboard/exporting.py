"""A candidate taken along as a file: its recipe at once, mergekit's YAML by whoever can open the models."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

FILES = {"recipe": "recipe.yaml", "mergekit": "merge.yaml"}
"""By form, what the file is called."""
FORMS = tuple(FILES)

Exporter: TypeAlias = Callable[[str, str, str], str]
"""The text of a candidate's file, of a study, a candidate and a form, without this process opening a model.

Raises ValueError in one line.
"""
