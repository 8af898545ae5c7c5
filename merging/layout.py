"""Where a tensor sits in a model, told from its name alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

HEAD = "lm_head.weight"
_HEADS = ("lm_head", "embed_out")  # GPT-NeoX calls its head embed_out
_EMBEDDINGS = ("embed", "wte", "wpe")
_TOKEN_EMBEDDINGS = ("embed_tokens", "wte", "embed_in", "word_embeddings", "tok_embeddings", "embeddings")
_TABLES = (".masked_bias", ".rotary_emb.inv_freq", ".rotary_emb.cos_cached", ".rotary_emb.sin_cached")
_MASKS = (".attn.bias", ".attention.bias", ".self_attention.bias")
_OUTERMOST = ("model", "transformer", "thinker")
_WRAPPERS = ("language_model", "text_model")
_BESIDE = (
    # what sees and hears, then what brings that to the language model; Qwen's omni models speak, too
    "vision_tower vision_model vision_encoder vision_backbone vision_embed_tokens visual vqmodel",
    "image_newline audio_tower audio_model audio_encoder speech_encoder embed_tokens_extend",
    "multi_modal_projector mm_projector visual_projection vision_projection vision_proj",
    "language_projection audio_projection mlp1 connector aligner qformer resampler perceiver_resampler",
    "vision_adapter vision_language_adapter embed_vision embed_audio talker token2wav",
)
_OTHER_PARTS = frozenset(name for line in _BESIDE for name in line.split())
"""What lies beside the language model in models of several kinds of input, by transformers' names."""


def layer_index(name: str) -> int | None:
    """Number of the layer that a tensor belongs to, None for embeddings, final norm and head.

    The first number among the name's parts that follows a word: 3 in `model.layers.3.mlp.up_proj.weight`.
    Layers are the language model's: those of a vision tower have no number.
    """
    parts = name.split(".")
    if _inner(parts) in _OTHER_PARTS:
        return None
    return next((int(part) for part in parts[1:] if part.isdecimal()), None)


def other_part(name: str) -> str | None:
    """The part beside the language model that a tensor belongs to, such as `model.visual`; or None."""
    return _up_to(name, _OTHER_PARTS)


def wrapper(name: str) -> str | None:
    """The name's beginning where it wraps a language model: `model.language_model`; None for plain names."""
    return _up_to(name, _WRAPPERS)


def is_head(name: str) -> bool:
    """Whether a tensor belongs to the output head: its matrix, or a bias beside it."""
    return layer_index(name) is None and _module(name) in _HEADS and other_part(name) is None


def is_embedding(name: str) -> bool:
    """Whether a tensor in no layer comes before the layers."""
    if layer_index(name) is not None or is_head(name) or other_part(name) is not None:
        return False
    return any(word in name for word in _EMBEDDINGS)


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


def _inner(parts: Sequence[str]) -> str:
    """The first part of a name that says more than that this is a model."""
    return parts[1] if len(parts) > 1 and parts[0] in _OUTERMOST else parts[0]


def _up_to(name: str, words: Collection[str]) -> str | None:
    parts = name.split(".")
    if _inner(parts) not in words:
        return None
    return parts[0] if parts[0] in words else ".".join(parts[:2])


def _module(name: str) -> str:
    return name.split(".")[-2] if "." in name else ""


def _is_token_embedding(name: str) -> bool:
    if layer_index(name) is not None or other_part(name) is not None:
        return False
    return name.endswith(".weight") and _module(name) in _TOKEN_EMBEDDINGS
