"""Whether models belong together: the same tensors, architecture and vocabulary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from merging.checkpoint import Checkpoint
from merging.errors import CheckpointError
from merging.layout import HEAD, is_embedding, tied_embedding

MERGEABLE = ("bfloat16", "float16", "float32", "float64")

_ESSENTIAL = (
    "architectures",
    "model_type",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "hidden_act",
    "rms_norm_eps",
    "layer_norm_eps",
    "sliding_window",
    "rope_theta",
    "rope_scaling",
)
"""Config fields that change what the same weights compute."""


def check_family(base: Checkpoint, experts: Sequence[Checkpoint]) -> None:
    """Refuse experts whose weights cannot be added to the base's; reads no weights but doubtful heads.

    Raises:
        CheckpointError: names folder, tensor or field, what the base has, what was found, and the remedy.
    """
    for model in (base, *experts):
        _check_dtypes(model)
    for expert in experts:
        _check_vocabulary(base, expert)
        _check_config(base, expert)
        _check_names(base, expert)
        _check_shapes(base, expert)


def _check_dtypes(model: Checkpoint) -> None:
    for name, info in model.tensors.items():
        if info.dtype not in MERGEABLE:
            raise CheckpointError(
                f"{info.file}: {name}: dtype {info.dtype}, expected one of {', '.join(MERGEABLE)};"
                " use a checkpoint that is not quantized"
            )


def _check_vocabulary(base: Checkpoint, expert: Checkpoint) -> None:
    sizes = [model.config.get("vocab_size") for model in (base, expert)]
    if None not in sizes and sizes[0] != sizes[1]:
        raise CheckpointError(
            f"{expert.path}: vocab_size {sizes[1]}, the base {base.path} has {sizes[0]};"
            " only experts with the base's vocabulary can be merged with it"
        )
    expected, found = (_vocabulary(model.path / "tokenizer.json") for model in (base, expert))
    if expected is not None and found is not None and expected != found:
        raise CheckpointError(
            f"{expert.path / 'tokenizer.json'}: {_first_difference(expected, found)};"
            " only experts with the base's vocabulary can be merged with it"
        )


def _vocabulary(file: Path) -> dict[str, int] | None:
    """Token to number, added tokens included; None without a tokenizer.json."""
    if not file.is_file():
        return None
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        vocabulary = data["model"]["vocab"]
        if isinstance(vocabulary, list):  # Unigram: [token, score] by number
            vocabulary = {entry[0]: number for number, entry in enumerate(vocabulary)}
        return {**vocabulary, **{token["content"]: token["id"] for token in data.get("added_tokens") or ()}}
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise CheckpointError(f"{file}: not a tokenizer ({error!r}); copy it again") from None


def _first_difference(base: Mapping[str, int], expert: Mapping[str, int]) -> str:
    differing = [token for token in {**base, **expert} if base.get(token) != expert.get(token)]
    token = min(differing, key=lambda t: (base.get(t, expert.get(t, 0)), t))
    numbers = [f"is number {v[token]}" if token in v else "is missing" for v in (base, expert)]
    return f"token {token!r} {numbers[1]}, in the base it {numbers[0]} ({len(differing)} tokens differ)"


def _check_config(base: Checkpoint, expert: Checkpoint) -> None:
    """Compare what both state: an absent field means a default, which versions write or leave out."""
    expected, found = _essentials(base.config), _essentials(expert.config)
    for field in _ESSENTIAL:
        if field in expected and field in found and expected[field] != found[field]:
            raise CheckpointError(
                f"{expert.path / 'config.json'}: {field}: {found[field]!r}, the base {base.path} has"
                f" {expected[field]!r}; only fine-tunes of the base can be merged with it"
            )


def _essentials(config: Mapping[str, Any]) -> dict[str, Any]:
    """Essential fields with a value; transformers 5 keeps the rope's own in `rope_parameters`."""
    rope = dict(config.get("rope_parameters") or {})
    if theta := rope.pop("rope_theta", None):
        config = {**config, "rope_theta": theta}
    if rope.get("rope_type", "default") != "default":
        config = {**config, "rope_scaling": rope}
    return {field: config[field] for field in _ESSENTIAL if config.get(field) is not None}


def _check_names(base: Checkpoint, expert: Checkpoint) -> None:
    missing = sorted(base.tensors.keys() - expert.tensors.keys())
    extra = sorted(expert.tensors.keys() - base.tensors.keys())
    if HEAD in (*missing, *extra):
        owner, other = (base, expert) if HEAD in missing else (expert, base)
        _check_tied(owner, other)
    missing, extra = ([name for name in names if name != HEAD] for names in (missing, extra))
    if missing or extra:
        word, name = ("lacks", missing[0]) if missing else ("has an extra", extra[0])
        raise CheckpointError(
            f"{expert.path}: {word} {name} ({len(missing)} missing, {len(extra)} extra against the base"
            f" {base.path}); only fine-tunes of the base can be merged with it"
        )


def _check_tied(owner: Checkpoint, other: Checkpoint) -> None:
    """A head that only one model stores must be that model's own embedding, as the other's is."""
    embedding = tied_embedding(owner.tensors)
    if embedding is None or not torch.equal(owner.tensor(HEAD), owner.tensor(embedding)):
        raise CheckpointError(
            f"{owner.path}: {HEAD} differs from its embedding, while {other.path} stores no head"
            " and ties the two; save both with the head untied, or both tied"
        )


def _check_shapes(base: Checkpoint, expert: Checkpoint) -> None:
    for name, info in base.tensors.items():
        found = expert.tensors.get(name)
        if found is not None and found.shape != info.shape:
            what = "vocabulary" if is_embedding(name) or name == HEAD else "shape"
            raise CheckpointError(
                f"{found.file}: {name}: shape {list(found.shape)}, the base {base.path}"
                f" has {list(info.shape)}; only experts of the base's {what} can be merged with it"
            )
