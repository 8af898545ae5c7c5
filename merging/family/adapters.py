"""PEFT's LoRA adapters as experts: W' = W + scaling * B A in float32, cast once to the dtype of W."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from merging.errors import CheckpointError
from merging.family.sameness import MERGEABLE
from merging.layout import HEAD, layer_order, vocabulary_tensors
from merging.models.checkpoint import ADAPTER_CONFIG, Checkpoint, read_header, read_json
from merging.models.fingerprint import check_finite
from merging.models.pickles import read_pickle
from merging.shown import shown

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_PICKLE = "adapter_model.bin"
_LARGEST = 3.4028234663852886e38  # of float32

_MERGE_IT = "merge it into its model with peft first (merge_and_unload)"
_REFUSED = (
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
    "layer_replication",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
)
"""Fields that make an adapter compute more than W + scaling * B A."""
_INITS = (True, False, None, "gaussian", "eva", "orthogonal")
"""Ways to begin training that leave W as it is; PiSSA, OLoRA, CorDA, LoftQ and others change it."""
_LORA = re.compile(r"(?P<module>.+?)\.lora_(?P<embedding>embedding_)?(?P<part>[AB])(\.[^.]+)?(\.weight)?")
_WRAPPED = re.compile(r"\.(modules_to_save(\.[^.]+)?|base_layer)(?=\.(weight|bias)$)")


@dataclass(frozen=True)
class Adapter:
    """An opened adapter: pairs (A, B) by module, and whole tensors by name, as the adapter calls them.

    A is (r, in) and B (out, r); for embeddings, named in `embeddings`, A is (r, tokens) and B (width, r).
    """

    folder: Path
    file: Path
    config: Mapping[str, Any]
    pairs: Mapping[str, tuple[Tensor, Tensor]]
    embeddings: frozenset[str]
    whole: Mapping[str, Tensor]


@dataclass(frozen=True)
class Update:
    """What an adapter does to one tensor of its base: replaces it, adds to it, or both in this order."""

    whole: Tensor | None = None
    module: str | None = None


def open_adapter(folder: Path, allow_pickle: bool = False) -> Adapter:
    """Open a PEFT adapter folder.

    Raises:
        CheckpointError: its files are missing or damaged, or it is of a kind that is not supported.
    """
    config = read_json(folder / ADAPTER_CONFIG, "copy the adapter's config there")
    _check_kind(folder, config)
    file = adapter_file(folder, allow_pickle)
    if file.name == ADAPTER_PICKLE:
        tensors = read_pickle(file)
    else:
        read_header(file)  # says what is wrong with a damaged file
        tensors = load_file(file)
    _check_tensors(file, tensors)
    halves: dict[str, dict[str, Tensor]] = {}
    embeddings, whole = set(), {}
    for key, tensor in tensors.items():
        name = key.removeprefix("base_model.model.")
        if match := _LORA.fullmatch(name):
            halves.setdefault(match["module"], {})[match["part"]] = tensor
            if match["embedding"]:
                embeddings.add(match["module"])
        elif "lora_" in name or "trainable_tokens" in name:
            raise CheckpointError(f"{file}: {key}: no part of a plain LoRA; {_MERGE_IT}")
        else:
            whole[_WRAPPED.sub("", name)] = tensor
    for module, found in halves.items():
        if found.keys() != {"A", "B"}:
            raise CheckpointError(f"{file}: {module}: lacks one of lora_A and lora_B; copy the adapter again")
    pairs = {module: (found["A"], found["B"]) for module, found in halves.items()}
    return Adapter(folder, file, config, pairs, frozenset(embeddings), whole)


def _check_tensors(file: Path, tensors: Mapping[str, Tensor]) -> None:
    if not tensors:
        raise CheckpointError(f"{file}: holds no tensors; copy the adapter's weights again")
    for key, tensor in tensors.items():
        dtype = str(tensor.dtype).removeprefix("torch.")
        if dtype not in MERGEABLE:
            raise CheckpointError(
                f"{file}: {key}: dtype {dtype}, expected one of {', '.join(MERGEABLE)}; use one that is not"
                " quantized"
            )
        check_finite(tensor, key, file)


def adapter_file(folder: Path, allow_pickle: bool) -> Path:
    """The file with an adapter's tensors; raises CheckpointError where there is none that may be read."""
    if (folder / ADAPTER_WEIGHTS).is_file():
        return folder / ADAPTER_WEIGHTS
    if not (folder / ADAPTER_PICKLE).is_file():
        raise CheckpointError(f"{folder / ADAPTER_WEIGHTS}: missing; copy the adapter's weights there")
    if not allow_pickle:
        raise CheckpointError(
            f"{folder / ADAPTER_PICKLE}: is pickled; save it as safetensors, or allow it with --allow-pickle"
        )
    return folder / ADAPTER_PICKLE


def updates(adapter: Adapter, base: Checkpoint) -> dict[str, Update]:
    """What the adapter does to its base, by the base's names in layer order.

    Raises:
        CheckpointError: a target that the base lacks, or a shape or rank that does not fit.
    """
    found: dict[str, Update] = {}
    for key, tensor in adapter.whole.items():
        name = _base_name(adapter, key, base)
        _check_shape(adapter, key, tensor.shape, name, base)
        found[name] = Update(whole=tensor)
    for module in adapter.pairs:
        name = _base_name(adapter, f"{module}.weight", base)
        _check_pair(adapter, module, name, base, found.get(name))
        found[name] = Update(found[name].whole if name in found else None, module)
    return {name: found[name] for name in layer_order(found)}


def updated(
    adapter: Adapter, base: Checkpoint, changes: Mapping[str, Update]
) -> Iterator[tuple[str, Tensor]]:
    """The base's tensors as the adapter leaves them, in the base's dtypes."""
    for name, change in changes.items():
        stored = base.tensor(name) if name in base.tensors else None
        tensor = change.whole if change.whole is not None else stored
        assert tensor is not None, f"{name}: neither stored nor replaced"
        dtype = tensor.dtype if stored is None else stored.dtype
        if change.module is not None:
            exact = torch.promote_types(tensor.dtype, torch.float32)
            tensor = tensor.to(exact) + delta(adapter, change.module).to(exact)
        yield name, tensor.to(dtype)


def delta(adapter: Adapter, module: str) -> Tensor:
    """scaling * B A in float32, in the layout of the module's weight."""
    first, second = (half.float() for half in adapter.pairs[module])
    product = (second @ first) * _scaling(adapter, module)
    return product.T if _transposed(adapter, module) else product


def _check_kind(folder: Path, config: Mapping[str, Any]) -> None:
    file = folder / ADAPTER_CONFIG
    if config.get("peft_type") != "LORA":
        raise CheckpointError(f"{file}: peft_type {config.get('peft_type')!r}, expected 'LORA'; {_MERGE_IT}")
    for name in _REFUSED:
        if config.get(name):
            raise CheckpointError(f"{file}: {name} is set, which is not supported; {_MERGE_IT}")
    init = config.get("init_lora_weights", True)
    if init not in _INITS:
        raise CheckpointError(
            f"{file}: init_lora_weights {init!r} changed the model that it was trained on; {_MERGE_IT}"
        )


def _base_name(adapter: Adapter, key: str, base: Checkpoint) -> str:
    """The base's name of a tensor; GPT-2 and others are stored with and without the outermost module."""
    if key in base.tensors:
        return key
    inner = [name for name in base.tensors if key.endswith(f".{name}")]
    outer = [name for name in base.tensors if name.endswith(f".{key}")]
    if len(inner or outer) == 1:
        return (inner or outer)[0]
    if key == HEAD and key in adapter.whole:
        return key  # a head beside a tied base; whether the two agree is a question for the family
    raise CheckpointError(
        f"{adapter.file}: {key}: the base {base.path} has no such tensor; name the base it was trained on"
    )


def _check_pair(adapter: Adapter, module: str, name: str, base: Checkpoint, before: Update | None) -> None:
    first, second = adapter.pairs[module]
    rank = int(_of_pattern(adapter, "rank_pattern", "r", module))
    if first.dim() != 2 or second.dim() != 2 or first.shape[0] != rank or second.shape[1] != rank:
        raise CheckpointError(
            f"{adapter.file}: {module}: lora_A {list(first.shape)} and lora_B {list(second.shape)} are no"
            f" pair of matrices of rank {rank}, which {ADAPTER_CONFIG} says; copy the adapter again"
        )
    shape = (second.shape[0], first.shape[1])
    shape = shape[::-1] if _transposed(adapter, module) else shape
    if before is not None and before.whole is not None and tuple(before.whole.shape) == shape:
        return
    _check_shape(adapter, module, shape, name, base, rows_may_differ=False)


def _check_shape(
    adapter: Adapter,
    key: str,
    shape: tuple[int, ...],
    name: str,
    base: Checkpoint,
    rows_may_differ: bool = True,
) -> None:
    """A whole embedding or head may have rows of its own: its vocabulary may have grown in training."""
    expected = base.tensors[name].shape if name in base.tensors else tuple(shape)
    rows = rows_may_differ and name in vocabulary_tensors([name])
    if (tuple(shape)[1:], len(shape)) != (expected[1:], len(expected)) if rows else tuple(shape) != expected:
        raise CheckpointError(
            f"{adapter.file}: {key}: makes {name} {list(shape)}, the base {base.path} has {list(expected)};"
            " name the base it was trained on"
        )


def _scaling(adapter: Adapter, module: str) -> float:
    alpha = _of_pattern(adapter, "alpha_pattern", "lora_alpha", module)
    rank = _of_pattern(adapter, "rank_pattern", "r", module)
    return alpha / (math.sqrt(rank) if adapter.config.get("use_rslora") else rank)


def _of_pattern(adapter: Adapter, patterns: str, field: str, module: str) -> float:
    """A number for this module: that of the first pattern that matches the end of its name, else for all."""
    own = adapter.config.get(patterns) or {}
    if not isinstance(own, dict):
        raise _no_config(adapter, patterns, own, "patterns with their numbers")
    for pattern, value in own.items():
        try:
            found = re.fullmatch(rf"(.*\.)?({pattern})", module)
        except re.error:
            raise _no_config(adapter, patterns, pattern, "a regular expression") from None
        if found:
            return _positive(adapter, f"{patterns}: {pattern}", value)
    return _positive(adapter, field, adapter.config.get(field))


def _positive(adapter: Adapter, field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LARGEST:
        raise _no_config(adapter, field, value, "a positive number")
    return float(value)


def _no_config(adapter: Adapter, field: str, value: Any, expected: str) -> CheckpointError:
    return CheckpointError(
        f"{adapter.folder / ADAPTER_CONFIG}: {field}: {shown(value)}, expected {expected}; copy it again"
    )


def _transposed(adapter: Adapter, module: str) -> bool:
    """Embeddings are stored by token; GPT-2's Conv1D, with fan_in_fan_out, by input."""
    return module in adapter.embeddings or bool(adapter.config.get("fan_in_fan_out"))
