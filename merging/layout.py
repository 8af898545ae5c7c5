"""Where a tensor sits in a model, told from its name alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

HEAD = "lm_head.weight"
_HEADS = ("lm_head", "embed_out")  # GPT-NeoX calls its head embed_out
_EMBEDDINGS = ("embed", "wte", "wpe")
_TOKEN_EMBEDDINGS = ("embed_tokens", "wte", "embed_in", "word_embeddings", "tok_embeddings", "embeddings")
_TABLES = (".masked_bias", ".rotary_emb.inv_freq", ".rotary_emb.cos_cached", ".rotary_emb.sin_cached")
_MASKS = (".attn.bias", ".attention.bias", ".self_attention.bias")


def layer_index(name: str) -> int | None:
    """Number of the layer that a tensor belongs to, None for embeddings, final norm and head.

    The first number among the name's parts that follows a word: 3 in `model.layers.3.mlp.up_proj.weight`.
    """
    parts = name.split(".")
    return next((int(part) for part in parts[1:] if part.isdecimal()), None)


def is_head(name: str) -> bool:
    """Whether a tensor belongs to the output head: its matrix, or a bias beside it."""
    return layer_index(name) is None and _module(name) in _HEADS


def is_embedding(name: str) -> bool:
    """Whether a tensor in no layer comes before the layers."""
    return layer_index(name) is None and not is_head(name) and any(word in name for word in _EMBEDDINGS)


def tied_embedding(names: Iterable[str]) -> str | None:
    """The token embedding, which stands in for a missing `lm_head`; None where there is none."""
    return next((name for name in sorted(names) if _is_token_embedding(name)), None)


def vocabulary_tensors(names: Iterable[str]) -> list[str]:
    """Names of the tensors with a row per token: the token embedding, the head and its bias."""
    return sorted(name for name in names if _is_token_embedding(name) or is_head(name))


def is_table(name: str, shape: Sequence[int]) -> bool:
    """Whether a tensor is a mask or a table of rotations, which old versions stored and models compute."""
    return name.endswith(_TABLES) or (name.endswith(_MASKS) and len(shape) == 4)


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


def _module(name: str) -> str:
    return name.split(".")[-2] if "." in name else ""


def _is_token_embedding(name: str) -> bool:
    return layer_index(name) is None and name.endswith(".weight") and _module(name) in _TOKEN_EMBEDDINGS
