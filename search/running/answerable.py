"""Which models the engines can be asked with, told before any of their weights are read."""

from __future__ import annotations

from merging.family.code import needs_own_code
from merging.family.parts import wrapping
from merging.models.checkpoint import Checkpoint
from search.errors import SpecError


def check_answerable(model: Checkpoint) -> None:
    """Refuse a model that merges well, but that no engine here loads.

    Raises:
        SpecError: names the model, why, and the remedy.
    """
    if needs_own_code(model):
        raise SpecError(
            f"{model.path}: model_type {model.config.get('model_type')!r} is code of the model's own"
            " (auto_map), which the engines never run; merge it with `crucible merge`, and measure it"
            " elsewhere"
        )
    how = wrapping(model)
    if how is not None and (reason := _strange(model)) is not None:
        raise SpecError(
            f"{model.path}: wraps a language model ({how}) as no engine loads it: {reason}; save it as a"
            " model of its own, or merge it with `crucible merge`, and measure it elsewhere"
        )


def _strange(model: Checkpoint) -> str | None:
    from evaluators.engines.architecture import foreign_tensor

    try:
        return foreign_tensor(model.folder, model.tensors)
    except (OSError, ValueError, KeyError, ImportError, AttributeError, TypeError):
        return None  # a config that cannot be read: whoever reads it next says so
