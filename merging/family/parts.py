"""Models that wrap a language model beside parts for images or sound: the language model alone is merged.

Its layers alone have numbers, and whatever lies beside it must be the same in all models, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from merging.errors import CheckpointError
from merging.layout import is_head, layer_index, other_part, wrapper
from merging.models.checkpoint import Checkpoint

_DRAFTS = "mtp"
"""Qwen's heads that predict several tokens: the language model's own, beside its wrapper."""


def wrapping(model: Checkpoint) -> str | None:
    """How a model wraps a language model, in words; None for one that is a language model alone."""
    beside = _beside(model.tensors)
    inside = sorted({found for name in model.tensors if (found := wrapper(name)) is not None})
    if not beside and not (inside and model.config.get("text_config")):
        return None
    language = f"{inside[0]}.*" if inside else "its other tensors"
    return f"{language}, beside {' and '.join(beside)}" if beside else language


def check_wrapping(base: Checkpoint, expert: Checkpoint) -> None:
    """Refuse models of which one wraps the language model that the other is, or that wrap it otherwise.

    Raises:
        CheckpointError: names both models, what is wrapped where, and the remedy.
    """
    ways = [wrapping(model) for model in (base, expert)]
    if (ways[0] is None) != (ways[1] is None):
        wraps, alone = (expert, base) if ways[0] is None else (base, expert)
        raise CheckpointError(
            f"{expert.path}: {wraps.path} wraps a language model ({ways[0] or ways[1]}), and {alone.path} is"
            f" a language model alone; save that of {wraps.path.name} as a model of its own, and merge it"
        )
    if ways[0] is not None:
        for model in (base, expert):
            _check_known(model)
        _check_spelling(base, expert)


def check_beside(base: Checkpoint, expert: Checkpoint) -> None:
    """Refuse an expert whose tensors beside the language model are not the base's; reads them.

    Raises:
        CheckpointError: names file, tensor and part, and the remedy.
    """
    for name in sorted(base.tensors.keys() & expert.tensors.keys()):
        part = other_part(name)
        if part is not None and not _same(base, expert, name):
            raise CheckpointError(
                f"{expert.origin(name)}: {name}: differs from that of the base {base.path}, and {part} is no"
                " part of the language model, which alone is merged; use models that were trained with"
                f" {part} frozen, or give this one the base's"
            )


def _beside(names: Iterable[str]) -> list[str]:
    return sorted({f"{part}.*" for name in names if (part := other_part(name)) is not None})


def _check_known(model: Checkpoint) -> None:
    """What is in neither would be merged, and counted among the layers, for what it may not be."""
    if not any(wrapper(name) for name in model.tensors):
        return
    for name in sorted(model.tensors):
        if wrapper(name) or other_part(name) or is_head(name) or name.split(".")[0] == _DRAFTS:
            continue
        raise CheckpointError(
            f"{model.origin(name)}: {name}: lies in neither the language model ({wrapping(model)}) nor in a"
            " part that is known to be for images or sound; save the language model as a model of its own,"
            " and merge that"
        )


def _check_spelling(base: Checkpoint, expert: Checkpoint) -> None:
    """The same models, saved by versions of transformers that call their parts differently."""
    firsts = [
        min((name for name in model.tensors if layer_index(name) is not None), default="")
        for model in (base, expert)
    ]
    bare = [name.removeprefix(f"{wrapper(name)}.").removeprefix("model.") for name in firsts]
    if firsts[0] != firsts[1] and bare[0] == bare[1]:
        raise CheckpointError(
            f"{expert.path}: calls {firsts[1]} what the base {base.path} calls {firsts[0]}; save both again"
            " with one version of transformers"
        )


def _same(base: Checkpoint, expert: Checkpoint, name: str) -> bool:
    """Whether two models have a tensor in common, as far as the narrower of its dtypes tells."""
    infos = [model.tensors[name] for model in (base, expert)]
    if infos[0] == infos[1]:
        return True
    ours, theirs = base.tensor(name), expert.tensor(name)
    return torch.equal(ours, theirs.to(ours.dtype)) or torch.equal(ours.to(theirs.dtype), theirs)
