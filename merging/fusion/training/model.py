"""The target as something to train, and back as a plain checkpoint."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging

from merging.errors import CheckpointError, TrainingError
from merging.fusion.training.checkpoints import PLAN
from merging.fusion.training.settings import Lora
from merging.models.checkpoint import Checkpoint
from merging.models.writer import write_checkpoint


def load(folder: Path, lora: Lora | None) -> torch.nn.Module:
    """The model of a folder in float32, with fresh adapters beside its frozen weights if `lora`.

    Raises:
        CheckpointError: transformers cannot make a causal language model of it.
        TrainingError: there is no PEFT for `lora`.
    """
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        with _no_bars():
            model: torch.nn.Module = AutoModelForCausalLM.from_pretrained(
                folder, dtype=torch.float32, **local
            )
    except (OSError, ValueError, KeyError, ImportError, AttributeError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise CheckpointError(f"{folder}: no model that transformers can train ({reason})") from error
    return model if lora is None else _adapted(model, lora)


def keeps_last(model: Any) -> bool:
    """Whether a model can be asked for its outputs at the last places only."""
    base: Any = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "logits_to_keep" in inspect.signature(base.forward).parameters


def write_trained(
    state: Mapping[str, Tensor], donor: Checkpoint, out: Path, lora: Lora | None, plan: Mapping[str, Any]
) -> Path:
    """Write trained weights as the checkpoint they came from: its names, dtype, config and tokenizer.

    `state` is that of `load(donor.folder, lora)`. What the donor holds and the model does not, stays.

    Raises:
        TrainingError: a weight is NaN or Inf in that dtype.
        CheckpointError: a trained weight has no place in the donor.
    """
    named = _as_stored(state, donor, lora)
    dtype = _dtype(donor)
    return write_checkpoint(
        _finite(named, donor, dtype), out, donor, dtype, extra={PLAN: json.dumps(plan, indent=2) + "\n"}
    )


def _adapted(model: torch.nn.Module, lora: Lora) -> torch.nn.Module:
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise TrainingError("training.lora: needs PEFT; pip install 'crucible[lora]'") from None
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        fan_in_fan_out=any(isinstance(layer, Conv1D) for layer in model.modules()),  # GPT-2 stores transposed
    )
    adapted: torch.nn.Module = get_peft_model(model, config)
    return adapted


@contextmanager
def _no_bars() -> Iterator[None]:
    """Whoever calls shows progress."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _as_stored(state: Mapping[str, Tensor], donor: Checkpoint, lora: Lora | None) -> dict[str, Tensor]:
    """Weights under the names that checkpoints have, adapters merged into what they adapt."""
    from transformers.core_model_loading import revert_weight_conversion

    model: Any = load(donor.folder, lora)
    model.load_state_dict(state)
    if lora is not None:
        model = model.merge_and_unload()
    named: dict[str, Tensor] = revert_weight_conversion(model, model.state_dict())
    for name in sorted(set(named) - set(donor.tensors)):
        if not any(named[name] is alias or _same(named[name], alias) for alias in _stored(named, donor)):
            raise CheckpointError(f"{donor.path}: has no tensor '{name}', which transformers trains")
    return named


def _stored(named: Mapping[str, Tensor], donor: Checkpoint) -> Iterator[Tensor]:
    return (tensor for name, tensor in named.items() if name in donor.tensors)


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)


def _finite(named: Mapping[str, Tensor], donor: Checkpoint, dtype: str) -> Iterator[tuple[str, Tensor]]:
    for name, stored in donor:
        tensor = named.get(name, stored).to(getattr(torch, dtype))
        if not tensor.isfinite().all():
            raise TrainingError(f"'{name}' holds NaN or Inf in {dtype} after training; lower training.rate")
        yield name, tensor


def _dtype(donor: Checkpoint) -> str:
    """The dtype of most of a checkpoint's numbers."""
    counts = Counter[str]()
    for info in donor.tensors.values():
        counts[info.dtype] += info.numel
    return counts.most_common(1)[0][0]
