"""What evidence can be of, as a row and back: a recipe, or a model as it lies in a folder or on the hub."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from merging.recipe import Recipe
from studies.store.rows import ModelSubject


def recipe_row(recipe: Recipe) -> dict[str, Any]:
    """The row of a recipe."""
    return {"digest": recipe.digest, "kind": "recipe", "content": recipe.to_dict()}


def model_row(model: ModelSubject) -> dict[str, Any]:
    """The row of a model."""
    made = None if model.made is None else dict(model.made)
    content = {
        "path": model.path,
        "revision": model.revision,
        "architecture": model.architecture,
        "parameters": model.parameters,
        "made": made,
    }
    return {"digest": model.digest, "kind": "model", "content": content}


def read_subject(row: Row[Any]) -> Recipe | ModelSubject:
    """The subject that a row holds."""
    if row.kind == "recipe":
        return Recipe.from_dict(row.content)
    assert row.kind == "model", f"a subject of kind {row.kind!r}"
    return ModelSubject(row.digest, **row.content)
