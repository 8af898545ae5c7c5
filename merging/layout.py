"""Where a tensor sits in a model, told from its name alone."""

from __future__ import annotations

from collections.abc import Iterable

HEAD = "lm_head.weight"
_EMBEDDINGS = ("embed", "wte", "wpe")


def layer_index(name: str) -> int | None:
    """Number of the layer that a tensor belongs to, None for embeddings, final norm and head.

    The first number among the name's parts that follows a word: 3 in `model.layers.3.mlp.up_proj.weight`.
    """
    parts = name.split(".")
    return next((int(part) for part in parts[1:] if part.isdecimal()), None)


def is_embedding(name: str) -> bool:
    """Whether a tensor in no layer comes before the layers."""
    return layer_index(name) is None and any(word in name for word in _EMBEDDINGS)


def tied_embedding(names: Iterable[str]) -> str | None:
    """The token embedding that stands in for a missing `lm_head`, None where there is none."""
    return next(
        (name for name in sorted(names) if name.endswith(("embed_tokens.weight", "wte.weight"))), None
    )


def layer_order(names: Iterable[str]) -> list[str]:
    """Names from the input to the output: embeddings, layers by number, then norm and head."""
    return sorted(names, key=lambda name: (_position(name), name))


def n_layers(names: Iterable[str]) -> int:
    """How many layers these tensors make up."""
    return max((index + 1 for name in names if (index := layer_index(name)) is not None), default=0)


def _position(name: str) -> float:
    index = layer_index(name)
    if index is not None:
        return index
    return -1 if is_embedding(name) else float("inf")
